import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { iamCommand } from './commands/iam.ts';
import { secretsCommand } from './commands/secrets.ts';
import { serveCommand } from './commands/serve.ts';
import { settingsCommand } from './commands/settings.ts';

/** The command line. Every command is one value in `commands/`. */
export function program(): Command {
  return new Command('brigade')
    .version(versionOf(new URL('../../../package.json', import.meta.url)))
    .description('Keeps buckets in step across clouds.')
    .showHelpAfterError('(see "brigade help")')
    .addCommand(serveCommand())
    .addCommand(settingsCommand())
    .addCommand(secretsCommand())
    .addCommand(iamCommand())
    .addCommand(auditCommand());
}

function versionOf(packageFile: URL): string {
  const text = readFileSync(packageFile, 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
