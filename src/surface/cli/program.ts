import { Command } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { iamCommand } from './commands/iam.ts';
import { secretsCommand } from './commands/secrets.ts';
import { serveCommand } from './commands/serve.ts';
import { settingsCommand } from './commands/settings.ts';
import { ownVersion } from '../settings/version.ts';

/** The command line. Every command is one value in `commands/`. */
export function program(): Command {
  return new Command('brigade')
    .version(ownVersion())
    .description('Keeps buckets in step across clouds.')
    .showHelpAfterError('(see "brigade help")')
    .addCommand(serveCommand())
    .addCommand(settingsCommand())
    .addCommand(secretsCommand())
    .addCommand(iamCommand())
    .addCommand(auditCommand());
}
