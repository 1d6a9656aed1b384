import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { silentLog, type Logger } from '../base/log.ts';
import type { Database, Db } from './db.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const ourMigrations = new URL('migrations/', import.meta.url);

/** Any number that no other program in this database uses for the same end. */
const ADVISORY_LOCK = '7310214406291507';

/**
 * Reads the migrations of a folder, in order: files named `0001-name.sql`.
 *
 * @throws {MigrationError} when a name is not of that form, or a number is missing or given twice.
 */
export async function readMigrations(folder: URL = ourMigrations): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const [, digits, name] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
      if (name === undefined || Number(digits) !== index + 1) {
        throw new MigrationError(
          `migration ${file}: expected number ${index + 1}, as 0001-name.sql`,
        );
      }
      // A checkout with other line ends is the same migration.
      const sql = (await readFile(new URL(file, folder), 'utf8')).replaceAll('\r\n', '\n');
      const hash = createHash('sha256').update(sql).digest('hex');
      return { number: index + 1, name, sql, hash };
    }),
  );
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly hash: string;
}

async function readApplied(db: Db): Promise<Applied[]> {
  await db.query(`
    create table if not exists schema_migrations (
      number int primary key,
      name text not null,
      hash text not null,
      applied_at timestamptz not null default now()
    )`);
  const { rows } = await db.query<Applied>(
    'select number, name, hash from schema_migrations order by number',
  );
  return rows;
}

/** @throws {MigrationError} unless `applied` is the beginning of `migrations`. */
function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const newest = applied.at(-1);
  if (newest !== undefined && newest.number > migrations.length) {
    throw new MigrationError(
      `the database is newer than this program: it has migration ${newest.number} (${newest.name}), ` +
        `the program knows ${migrations.length}; use the newer program`,
    );
  }
  applied.forEach((done, index) => {
    const known = migrations[index];
    if (known === undefined || done.number !== known.number) {
      throw new MigrationError(`the database lacks migration ${index + 1}, but has later ones`);
    }
    if (done.hash !== known.hash) {
      throw new MigrationError(
        `migration ${done.number} (${done.name}) is not the one that was applied to the database`,
      );
    }
  });
}

/** Applies the next migration, if there is one, and returns it. */
function applyNext(
  database: Database,
  migrations: readonly Migration[],
): Promise<Migration | undefined> {
  async function work(db: Db): Promise<Migration | undefined> {
    await db.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    const applied = await readApplied(db);
    checkHistory(applied, migrations);
    const next = migrations[applied.length];
    if (next === undefined) return undefined;
    await db.query(next.sql);
    await db.query('insert into schema_migrations (number, name, hash) values ($1, $2, $3)', [
      next.number,
      next.name,
      next.hash,
    ]);
    return next;
  }
  // Others may be at it, and a large table takes its time: both are waited for.
  return database.transaction(work, { statementTimeoutMs: 0 });
}

/** Whether our schema was never made here: then nothing is sealed yet, with any key. */
export async function isNewDatabase(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ table: string | null }>(
    `select to_regclass('schema_migrations')::text as table`,
  );
  return rows[0]?.table === null;
}

/**
 * Brings the schema of the database up to this program's, forward only.
 *
 * Each migration is one transaction under one lock: any number of processes may do this at once,
 * and one that is killed leaves whole migrations behind.
 *
 * @throws {MigrationError} when the database is newer than the program, or was made by migrations
 *   that have changed since. Nothing is changed then.
 */
export async function migrate(
  database: Database,
  { migrations, log = silentLog }: { migrations?: readonly Migration[]; log?: Logger } = {},
): Promise<void> {
  const known = migrations ?? (await readMigrations());
  for (;;) {
    const applied = await applyNext(database, known);
    if (applied === undefined) return;
    const { number, name } = applied;
    log.info({ event: 'schema.migrated', number, migration: name }, 'the schema is newer now');
  }
}
