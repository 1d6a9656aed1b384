import { Command } from 'commander';
import { keyCommand, tokenCommand } from './iam-keys.ts';
import { projectCommand } from './iam-projects.ts';
import { grantCommand, policyCommand } from './iam-rights.ts';
import { groupCommand, userCommand } from './iam-users.ts';

export function iamCommand(): Command {
  return new Command('iam')
    .description(
      'Users, groups, projects, policies, grants, access keys and tokens of a running service',
    )
    .addHelpText(
      'after',
      `
These commands call the API of a running service. They need a token with the
necessary rights: that of the first start, or of a user with the role Security
Administrator.

  export BRIGADE_TOKEN=…
  brigade iam user create jane
  brigade iam grant add "OMS Administrator" --user jane --project <name or ID>
  brigade iam key create jane`,
    )
    .addCommand(userCommand())
    .addCommand(groupCommand())
    .addCommand(projectCommand())
    .addCommand(policyCommand())
    .addCommand(grantCommand())
    .addCommand(keyCommand())
    .addCommand(tokenCommand());
}
