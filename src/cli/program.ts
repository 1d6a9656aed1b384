import { Command } from 'commander';
import description from '../../package.json' with { type: 'json' };
import { serveCommand } from './commands/serve.ts';
import { settingsCommand } from './commands/settings.ts';

/** The command line. Every command is one value in `commands/`. */
export function program(): Command {
  return new Command('brigade')
    .version(description.version)
    .description('Keeps buckets in step across clouds.')
    .showHelpAfterError('(see "brigade help")')
    .addCommand(serveCommand())
    .addCommand(settingsCommand());
}
