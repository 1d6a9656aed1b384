import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Logger } from '../../../platform/base/log.ts';
import { serviceLogger } from '../../app/logger.ts';
import { Sealer } from '../../../platform/base/seal.ts';
import { lockDataDirectory } from '../../../platform/postgres/data-directory.ts';
import type { Database } from '../../../platform/postgres/db.ts';
import { isNewDatabase, migrate } from '../../../platform/postgres/migrate.ts';
import {
  newSecretKey,
  readSecretKeys,
  replaceSecretKeys,
  type SecretKeys,
} from '../../../platform/postgres/secret-key.ts';
import { refuseToBreak } from '../../../domain/fleet/registration.ts';
import { checkSealingKey, resealAll } from '../../../domain/maintenance/sealing-key.ts';
import { readSettings, type Settings } from '../../settings/config.ts';
import { printingMistakes } from '../mistakes.ts';
import { openDatabase, StartError } from '../../app/open-database.ts';

export function secretsCommand(): Command {
  return new Command('secrets')
    .description('The stored secrets, and the key that encrypts them')
    .addCommand(
      new Command('rotate')
        .description('Encrypt all secrets with a new key')
        .addHelpText(
          'after',
          `
For the key in secret.key of the data directory, stop the service first. This command
creates a new key, encrypts everything with it, and removes the previous key.

For a key in BRIGADE_SECRET_KEY, set it to the new key, and BRIGADE_OLD_SECRET_KEYS to
the previous one. With BRIGADE_DATABASE_URL the service may run meanwhile, if all its
processes have both keys.

The command may be interrupted at any time. Run it again to continue.`,
        )
        .action(async () => {
          process.exitCode = await printingMistakes(rotate);
        }),
    );
}

async function rotate(): Promise<number> {
  const settings = await readSettings(process.env, (path) => readFile(path, 'utf8'));
  const log = serviceLogger(settings.logLevel === 'info' ? 'warn' : settings.logLevel);
  await using started = new AsyncDisposableStack();
  if (settings.secretKey !== undefined && settings.databaseUrl !== undefined) {
    // The data directory is not needed, and the service may be holding it.
    const { database } = await openDatabase(started, settings, '', log);
    return await sealByGiven(database, settings, '', log);
  }
  const data = started.use(await lockDataDirectory(settings.dataDir));
  const { database } = await openDatabase(started, settings, data.path, log);
  if (settings.secretKey !== undefined) {
    return await sealByGiven(database, settings, data.path, log);
  }
  return await sealByNew(database, settings, data.path, log);
}

/** By the key of the settings, from those that the settings call old. */
async function sealByGiven(database: Database, settings: Settings, dir: string, log: Logger) {
  const { secretKey: given, oldSecretKeys: old } = settings;
  if (old.length === 0) {
    throw new StartError(
      'there is nothing to change: set BRIGADE_SECRET_KEY to the new key, and BRIGADE_OLD_SECRET_KEYS to the previous one',
    );
  }
  await sealAll(database, await readSecretKeys(dir, { given, old, mayGenerate: false }), log);
  say(
    'When no process uses the previous key as its first key, remove it from BRIGADE_OLD_SECRET_KEYS.',
  );
  return 0;
}

/** By a new key, or by that of a change that was interrupted. */
async function sealByNew(
  database: Database,
  { oldSecretKeys }: Settings,
  dir: string,
  log: Logger,
) {
  const mayGenerate = await isNewDatabase(database);
  const kept = await readSecretKeys(dir, { given: undefined, old: [], mayGenerate });
  const known = await readSecretKeys(dir, { given: undefined, old: oldSecretKeys, mayGenerate });
  const goesOn = kept.length > 1;
  if (goesOn) say('Continuing an interrupted key rotation.');
  const keys: SecretKeys = goesOn ? known : [newSecretKey(), ...known];
  // Before anything is sealed by the new key; the others stay until nothing needs them.
  if (!goesOn) await replaceSecretKeys(dir, keys);
  await sealAll(database, keys, log);
  await replaceSecretKeys(dir, [keys[0]]);
  say(
    `${dir}/secret.key has a new key. Backups from before need the one that they were made with.`,
  );
  return 0;
}

async function sealAll(database: Database, [key, ...old]: SecretKeys, log: Logger): Promise<void> {
  await migrate(database, { log, mayBreak: refuseToBreak });
  const sealer = new Sealer(key, old);
  // Checked before anything is changed, so that a missing key is reported first.
  await checkSealingKey({ database, sealer, alone: false });
  const counts = await resealAll({ database, sealer });
  const tasks = counts.task;
  say(
    `Encrypted with the new key: credentials of ${tasks} tasks, secrets of ${counts['access key']} access keys.`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
