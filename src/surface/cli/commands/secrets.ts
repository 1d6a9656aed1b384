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
import { checkSealingKey, sealAnew } from '../../../domain/maintenance/sealing-key.ts';
import { readSettings, type Settings } from '../../settings/config.ts';
import { tellingMistakes } from '../mistakes.ts';
import { openDatabase, StartError } from '../../app/open-database.ts';

export function secretsCommand(): Command {
  return new Command('secrets')
    .description('What is kept sealed, and the key that seals it')
    .addCommand(
      new Command('rotate')
        .description('Seal all secrets anew by another key')
        .addHelpText(
          'after',
          `
The key in secret.key of the data directory: stop the service first. A new key is
made, everything is sealed anew, and the key of before is forgotten.

A key of your own: give the new one in BRIGADE_SECRET_KEY and the one of before in
BRIGADE_OLD_SECRET_KEYS. With BRIGADE_DATABASE_URL the service may run meanwhile,
once all its processes have both keys.

It may be interrupted at any time: run it again, and it goes on.`,
        )
        .action(async () => {
          process.exitCode = await tellingMistakes(rotate);
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
      'there is no change to make: give the new key in BRIGADE_SECRET_KEY, and the one of before in BRIGADE_OLD_SECRET_KEYS',
    );
  }
  await sealAll(database, await readSecretKeys(dir, { given, old, mayGenerate: false }), log);
  say('Once no process has the old key first, it can leave BRIGADE_OLD_SECRET_KEYS.');
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
  if (goesOn) say('A change of the key that was interrupted goes on.');
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
  // Before anything is changed: a key that is missing is better told now.
  await checkSealingKey({ database, sealer, alone: false });
  const counts = await sealAnew({ database, sealer });
  const tasks = counts.task;
  say(`Sealed anew: credentials of tasks ${tasks}, access keys ${counts['access key']}.`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
