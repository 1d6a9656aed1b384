import { Command } from 'commander';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { GrantReply, GrantsReply, PoliciesReply, PolicyDocument } from '../../api/iam/schemas.ts';
import { wildcardOf } from '../../../platform/model/policy.ts';
import { readInput } from '../asking.ts';
import type { ReadOptions } from '../options.ts';
import { parse, read, type Remote, remoteCommand, type Said } from '../remote.ts';
import { RemoteError } from '../remote-error.ts';
import { table } from '../table.ts';

const policies = '/iam/v1/policies';
const grants = '/iam/v1/grants';

export function policyCommand(): Command {
  return new Command('policy')
    .description('Policies, which can be granted')
    .addCommand(
      remoteCommand('list', 'List all policies; --json prints them completely', async (remote) => {
        const { policies: all } = await remote.get(PoliciesReply, policies);
        const rows = all.map(({ name, system, document }) => ({
          ...{ name, system, statements: document.Statement.length },
          actions: document.Statement.map(({ Effect, Action }) =>
            [Effect, ...Action].join(' '),
          ).join('; '),
        }));
        return { data: all, text: table(rows) };
      }),
    )
    .addCommand(
      remoteCommand('put <name> [file]', 'Create or replace a policy', putPolicy).addHelpText(
        'after',
        `
The document is JSON, from a file or from standard input:

  {"Version": "5.0", "Statement": [
    {"Effect": "Allow", "Action": ["oms:synctask:*"]},
    {"Effect": "Deny", "Action": ["oms:synctask:delete"],
     "Resource": ["oms:local:*:synctask:31e9b7e6-6ffb-452f-9842-6ce354d99d70"]}]}`,
      ),
    )
    .addCommand(
      remoteCommand(
        'delete <name>',
        'Delete a policy that is not granted',
        async (remote, [name = '']) => {
          await remote.send(`${policies}/${encodeURIComponent(name)}`, { method: 'DELETE' });
          return { data: null, text: `The policy ${name} is removed.` };
        },
      ),
    );
}

async function putPolicy(
  remote: Remote,
  [name = '', file = '-']: readonly string[],
): Promise<Said> {
  const body = parse(file === '-' ? await readInput() : await read(file));
  if (body === undefined) {
    const where = file === '-' ? 'the text from standard input' : file;
    throw new RemoteError(`${where} is not JSON. See "brigade iam policy put --help".`);
  }
  await remote.send(`${policies}/${encodeURIComponent(name)}`, { method: 'PUT', body });
  const written = `The policy ${name} is written.`;
  const pattern = Check(PolicyDocument, body) ? wildcardOf(body, 'iam:write') : undefined;
  if (pattern === undefined) return { data: null, text: written };
  const warning = `"${pattern}" also allows iam:write: a user with this policy can grant itself every right.`;
  return { data: { warning }, text: `${written}\nWarning: ${warning}` };
}

const GrantOptions = Type.Object({
  user: Type.Optional(Type.String()),
  group: Type.Optional(Type.String()),
  project: Type.String(),
});

export function grantCommand(): Command {
  return new Command('grant')
    .description('Grants of policies to users and groups in projects')
    .addCommand(
      remoteCommand('list', 'List all grants', async (remote) => {
        const { grants: all } = await remote.get(GrantsReply, grants);
        const rows = all.map(({ id, user, group, project_id: project, policy }) => ({
          ...{ id, policy, user, group, project },
        }));
        return { data: all, text: table(rows) };
      }),
    )
    .addCommand(
      remoteCommand('add <policy>', 'Grant a policy or a system role in a project', addGrant)
        .option('--user <user>', 'the user')
        .option('--group <group>', 'the group')
        .requiredOption('--project <project>', 'the project, by name or ID'),
    )
    .addCommand(
      remoteCommand('remove <id>', 'Remove a grant', async (remote, [id = '']) => {
        await remote.send(`${grants}/${encodeURIComponent(id)}`, { method: 'DELETE' });
        return { data: null, text: `The grant ${id} is taken back.` };
      }),
    );
}

async function addGrant(
  remote: Remote,
  [policy = '']: readonly string[],
  options: ReadOptions,
): Promise<Said> {
  const { user, group, project } = options(GrantOptions);
  if ((user === undefined) === (group === undefined)) {
    throw new RemoteError('name a user or a group: --user or --group.');
  }
  const body = { policy, project, ...(user === undefined ? { group } : { user }) };
  const grant = await remote.get(GrantReply, grants, { method: 'POST', body });
  return {
    data: grant,
    text: `Granted. To remove the grant: brigade iam grant remove ${grant.id}`,
  };
}
