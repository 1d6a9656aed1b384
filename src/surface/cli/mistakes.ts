import { DataDirectoryError } from '../../platform/postgres/data-directory.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import { EmbeddedError } from '../../platform/postgres/embedded.ts';
import { MigrationError } from '../../platform/postgres/migrate.ts';
import { WrongSealingKey } from '../../domain/maintenance/sealing-key.ts';
import { SettingsError } from '../settings/config.ts';
import { nameSettings } from '../settings/names.ts';
import { StartError } from '../app/open-database.ts';
import { RemoteError } from './remote-error.ts';

/** Errors that the operator can fix: printed as their message alone. */
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

/** Runs a command. @returns Its exit code; 1 after an error that the operator can fix, which is printed. */
export async function printingMistakes(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!mistakes.some((kind) => error instanceof kind)) throw error;
    const message = error instanceof Error ? error.message : '';
    process.stderr.write(`brigade: ${nameSettings(message)}\n`);
    return 1;
  }
}
