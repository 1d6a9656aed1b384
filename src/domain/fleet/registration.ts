import { randomUUID } from 'node:crypto';
import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { every } from '../../platform/base/timers.ts';
import { alreadyLogged, type Database } from '../../platform/postgres/db.ts';
import {
  type MayBreak,
  type Migration,
  MigrationError,
  whileSchemaSuits,
} from '../../platform/postgres/migrate.ts';
import {
  insertProcess,
  LOST_SECONDS,
  olderProcesses,
  type ProcessFacts,
  removeAllProcesses,
  removeProcess,
  seeProcess,
} from './processes-table.ts';

/** A process on the database. Disposing of it says that the process has ended. */
export interface Registration extends AsyncDisposable {
  readonly id: string;
  /** Resolves with the reason when a newer process has changed the schema so that this one must end. */
  readonly failed: Promise<Error>;
}

export interface RegistrationOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly facts: Omit<ProcessFacts, 'schemaVersion'>;
  /** Those that the program knows. */
  readonly migrations: readonly Migration[];
  /** No other process can be at work on the database. */
  readonly alone: boolean;
}

/** Several may be lost before others take the process for dead. */
const SEEN_EVERY_MS = 15_000;

/** Refuses a migration that breaks processes which are alive. */
export const refuseToBreak: MayBreak = async (db, { number, name, oldest }) => {
  const older = await olderProcesses(db, oldest);
  if (older.length === 0) return;
  const named = older.map(
    ({ host, pid, roles, version }) =>
      `${version} (${roles.join(', ')}) at ${host}, process ${pid}`,
  );
  throw new MigrationError(
    `migration ${number} (${name}) breaks programs that know fewer than ${oldest} migrations, and such run: ` +
      `${named.join('; ')}. Stop them, or update them to a version between, then start again; ` +
      `a process that has crashed counts as running for ${LOST_SECONDS} seconds`,
  );
};

/**
 * Registers a process with its version and that of its schema, and keeps saying that it is alive.
 *
 * @throws {MigrationError} where the schema of the database does not suit the program.
 */
export async function register(options: RegistrationOptions): Promise<Registration> {
  const { database, clock, log, migrations, alone } = options;
  const id = randomUUID();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const facts = { ...options.facts, schemaVersion: migrations.length };
  const insert = (): Promise<void> =>
    whileSchemaSuits(database, migrations, {
      clock,
      work: (db) => insertProcess(db, id, facts),
    });

  async function see(): Promise<void> {
    try {
      const oldest = await seeProcess(database, id);
      // Others took it for dead, and may have changed the schema since.
      if (oldest === undefined || oldest > migrations.length) {
        await removeProcess(database, id);
        await insert();
      }
    } catch (error) {
      if (error instanceof MigrationError) fail(error);
      else {
        log[alreadyLogged(error) ? 'debug' : 'warn'](
          { event: 'process.unseen', err: error },
          'the process could not say that it is alive',
        );
      }
    }
  }

  if (alone) await removeAllProcesses(database);
  await insert();
  let seeing: Promise<void> = Promise.resolve();
  const timer = every(clock, SEEN_EVERY_MS, () => {
    seeing = seeing.then(see);
  });
  return {
    id,
    failed,
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await seeing;
      await removeProcess(database, id).catch((error: unknown) => {
        log.debug(
          { event: 'process.unseen', err: error },
          'the process could not say that it ends',
        );
      });
    },
  };
}
