import { Command } from 'commander';
import { Type } from 'typebox';
import { readingOptions } from '../options.ts';
import { describeSettings, type SettingRow } from '../../settings/config.ts';

const SettingsOptions = Type.Object({ json: Type.Optional(Type.Boolean()) });

export function settingsCommand(): Command {
  return new Command('settings')
    .description('List every setting with its default and description')
    .option('--json', 'print JSON')
    .action(function (this: Command) {
      const { json = false } = readingOptions(this)(SettingsOptions);
      const rows = describeSettings();
      process.stdout.write(
        json ? `${JSON.stringify(rows, null, 2)}\n` : rows.map(toText).join('\n'),
      );
    });
}

function toText({ variable, key, takes, default: preset, description }: SettingRow): string {
  const name = variable ?? `${key ?? ''} (in the file)`;
  const standard = preset === '' ? '' : `, default ${preset}`;
  return `${name}  [${takes}${standard}]\n    ${description}\n`;
}
