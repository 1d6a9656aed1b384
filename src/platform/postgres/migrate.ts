import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { systemClock, type Clock } from '../base/clock.ts';
import { silentLog, type Logger } from '../base/log.ts';
import { DatabaseError, type Database, type Db } from './db.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
  /** Processes that know fewer migrations than this do not work after it; absent: it breaks none. */
  readonly oldest?: number | undefined;
}

/** What the caller knows of the processes on the database. @throws Where one is alive that would break. */
export type MayBreak = (
  db: Db,
  migration: Migration & { readonly oldest: number },
) => Promise<void>;

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const ourMigrations = new URL('migrations/', import.meta.url);

/** Any number that no other program in this database uses for the same end. */
const ADVISORY_LOCK = '7310214406291507';

/** How long a migration waits for the lock of a table before it gives way and tries again. */
const LOCK_TIMEOUT_MS = 3_000;
const LOCK_TRIES = 40;
const PAUSE_MS = 250;
const { signal: unlimited } = new AbortController();

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
      return { number: index + 1, name, sql, hash, oldest: oldestAfter(sql) };
    }),
  );
}

/** Those that contract name the migration that they complete; others that break something say so. */
function oldestAfter(sql: string): number | undefined {
  const declared = sql.matchAll(/^-- (?:contracts|breaks) (\d{4}): \S/gm);
  const oldest = Math.max(0, ...Array.from(declared, ([, number]) => Number(number)));
  // Every process knows the first.
  return oldest > 1 ? oldest : undefined;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly hash: string;
  readonly oldest?: number | undefined;
}

/** Databases that were made before the column `oldest` do not have it until it is added by a migration. */
async function readApplied(db: Db): Promise<Applied[]> {
  await db.query(`
    create table if not exists schema_migrations (
      number int primary key,
      name text not null,
      hash text not null,
      applied_at timestamptz not null default now(),
      oldest int
    )`);
  const { rows } = await db.query<Applied>(
    `select number, name, hash, (to_jsonb(applied) ->> 'oldest')::int as oldest
    from schema_migrations applied order by number`,
  );
  return rows;
}

/**
 * @throws {MigrationError} unless one of `applied` and `migrations` is the beginning of the other, and no migration
 *   that the program does not know breaks it.
 */
function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const { number, name, oldest = 0 } of applied.slice(migrations.length)) {
    if (oldest <= migrations.length) continue;
    throw new MigrationError(
      `the database is newer than this program, which does not work with it: after migration ${number} (${name}) ` +
        `a program must know ${oldest} migrations, and this one knows ${migrations.length}; use the newer program`,
    );
  }
  applied.slice(0, migrations.length).forEach((done, index) => {
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

/** `busy`: another process applies a migration just now. Undefined: the schema is up to date. */
type Step = Migration | 'busy' | undefined;

interface Plan {
  readonly migrations: readonly Migration[];
  readonly mayBreak: MayBreak;
}

/**
 * The migration to apply next; undefined where the schema is up to date. Asks of all that are to be applied whether
 * they may break older processes, so that a start that is refused has changed nothing.
 */
async function nextOf(db: Db, { migrations, mayBreak }: Plan): Promise<Migration | undefined> {
  const applied = await readApplied(db);
  checkHistory(applied, migrations);
  for (const { oldest, ...migration } of migrations.slice(applied.length)) {
    if (oldest !== undefined) await mayBreak(db, { ...migration, oldest });
  }
  return migrations[applied.length];
}

async function record(db: Db, { number, name, hash, oldest }: Migration): Promise<void> {
  await db.query('insert into schema_migrations (number, name, hash) values ($1, $2, $3)', [
    number,
    name,
    hash,
  ]);
  if (oldest === undefined) return;
  await db.query('update schema_migrations set oldest = $2 where number = $1', [number, oldest]);
}

async function locked(db: Db, lockFunction: string): Promise<boolean> {
  const statement = `select ${lockFunction}($1) as locked`;
  const { rows } = await db.query<{ locked: boolean }>(statement, [ADVISORY_LOCK]);
  return rows[0]?.locked === true;
}

/**
 * Applies the next migration, if there is one.
 *
 * The lock is tried, not waited for: a statement that waits holds a snapshot, and
 * `create index concurrently` in the process that holds the lock waits for all snapshots to end.
 */
async function applyNext(database: Database, plan: Plan): Promise<Step> {
  async function inTransaction(db: Db): Promise<Step | 'outside'> {
    if (!(await locked(db, 'pg_try_advisory_xact_lock'))) return 'busy';
    const next = await nextOf(db, plan);
    if (next === undefined) return undefined;
    if (isOutside(next)) return 'outside';
    // A statement that waits for a table's lock makes everybody after it wait, too.
    await db.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await db.query(next.sql);
    await record(db, next);
    return next;
  }
  const step = await database.transaction(inTransaction, { statementTimeoutMs: 0 });
  return step === 'outside' ? await applyOutside(database, plan) : step;
}

/** Applies the next migration statement by statement; repeats it whole where it was interrupted. */
function applyOutside(database: Database, plan: Plan): Promise<Step> {
  return database.session(async (db) => {
    if (!(await locked(db, 'pg_try_advisory_lock'))) return 'busy';
    const next = await nextOf(db, plan);
    if (next === undefined || !isOutside(next)) return 'busy'; // Another process has applied it.
    for (const statement of statementsOf(next.sql)) await db.query(statement);
    await record(db, next);
    return next;
  });
}

/** Whether a migration begins with the comment that requests to run it outside a transaction. */
function isOutside({ sql }: Migration): boolean {
  return sql.startsWith('-- outside a transaction');
}

/** The statements of a migration outside a transaction: they hold no texts and no function bodies. */
function statementsOf(sql: string): string[] {
  const code = sql.replaceAll(/--.*$/gm, '');
  return code.split(';').filter((statement) => statement.trim() !== '');
}

/** Whether our schema was never made here: then nothing is sealed yet, with any key. */
export async function isNewDatabase(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ table?: string }>(
    `select to_regclass('schema_migrations')::text as table`,
  );
  return rows[0]?.table === undefined;
}

/**
 * Brings the schema of the database up to this program's, forward only.
 *
 * Each migration is one transaction under one lock: any number of processes may do this at once,
 * and one that is killed leaves whole migrations behind. A migration that begins with the comment
 * `-- outside a transaction` is run statement by statement instead, and again from its first
 * statement where it was interrupted.
 *
 * A database that is newer than the program is left as it is, unless a migration in it breaks the program.
 *
 * @throws {MigrationError} when the program does not work with the schema, or the schema was made by migrations
 *   that have changed since; nothing is changed then. Also when others use a table for so long that
 *   its lock cannot be had; the migrations before that one stay applied. And what `mayBreak` throws.
 */
export async function migrate(
  database: Database,
  {
    migrations,
    log = silentLog,
    clock = systemClock,
    mayBreak = () => Promise.resolve(),
  }: {
    migrations?: readonly Migration[];
    log?: Logger;
    clock?: Clock;
    /** The default assumes that no other process uses the database. */
    mayBreak?: MayBreak;
  } = {},
): Promise<void> {
  const plan = { migrations: migrations ?? (await readMigrations()), mayBreak };
  for (let tries = 1; ; ) {
    const applied = await applyNext(database, plan).catch((error: unknown) => {
      if (!isLockTimeout(error)) throw error;
      if (tries === LOCK_TRIES) throw new MigrationError(LOCKED, { cause: error });
      tries += 1;
      log.warn({ event: 'schema.locked', tries }, 'others use the table: trying again');
      return 'busy' as const;
    });
    if (applied === undefined) return;
    if (applied === 'busy') {
      await clock.sleep(PAUSE_MS, unlimited);
      continue;
    }
    tries = 1;
    const { number, name } = applied;
    log.info({ event: 'schema.migrated', number, migration: name }, 'applied a migration');
  }
}

/**
 * Does something in a transaction during which no process applies a migration, once the schema is known to suit a
 * program that knows `migrations`. As in {@link migrate}, the lock is tried, not waited for.
 *
 * @throws {MigrationError} where the schema does not suit it.
 */
export async function whileSchemaSuits(
  database: Database,
  migrations: readonly Migration[],
  { work, clock = systemClock }: { work: (db: Db) => Promise<void>; clock?: Clock },
): Promise<void> {
  for (;;) {
    const done = await database.transaction(async (db) => {
      if (!(await locked(db, 'pg_try_advisory_xact_lock_shared'))) return false;
      checkHistory(await readApplied(db), migrations);
      await work(db);
      return true;
    });
    if (done) return;
    await clock.sleep(PAUSE_MS, unlimited);
  }
}

const LOCKED =
  'a migration cannot lock a table that others use: end long transactions in the database ' +
  '(pg_stat_activity lists them), then start again';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: lock_not_available */
function isLockTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '55P03';
}
