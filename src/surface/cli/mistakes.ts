import { DataDirectoryError } from '../../platform/postgres/data-directory.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import { EmbeddedError } from '../../platform/postgres/embedded.ts';
import { MigrationError } from '../../platform/postgres/migrate.ts';
import { WrongSealingKey } from '../../domain/maintenance/sealing-key.ts';
import { SettingsError } from '../settings/config.ts';
import { nameSettings } from '../settings/names.ts';
import { StartError } from '../app/open-database.ts';
import { RemoteError } from './remote-error.ts';

/** Mistakes of the operator's: told by their message alone. */
const mistakes = [
  SettingsError,
  StartError,
  DataDirectoryError,
  DatabaseError,
  EmbeddedError,
  MigrationError,
  WrongSealingKey,
  RemoteError,
];

/** Runs a command. @returns Its exit code; 1 after a mistake of the operator's, which it tells. */
export async function tellingMistakes(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!mistakes.some((kind) => error instanceof kind)) throw error;
    const message = error instanceof Error ? error.message : '';
    process.stderr.write(`brigade: ${nameSettings(message)}\n`);
    return 1;
  }
}
