import { createHash } from 'node:crypto';
import pg from 'pg';
import { systemClock, type Clock } from '../base/clock.ts';
import { silentLog, type Logger } from '../base/log.ts';
import type { Secret } from '../base/seal.ts';
import { DatabaseError, toDatabaseError } from './db-error.ts';
import { keepListening } from './db-listen.ts';
import { FaultLog } from './fault-log.ts';
import { presentColumns, rowTypes } from './row-values.ts';

export { alreadyLogged, DatabaseError, type DatabaseFault } from './db-error.ts';

export interface QueryResult<Row> {
  readonly rows: Row[];
  /** Rows returned or changed; 0 for statements that do neither. */
  readonly rowCount: number;
}

/** A statement that each connection parses once. Made by {@link prepared}. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * Where statements are run: the pool, or one transaction.
 *
 * Integers and floats come back as numbers (an `int8` that no number holds exactly is refused),
 * `timestamptz` as milliseconds since the Unix epoch, `numeric` as a string, `bytea` as a `Buffer`,
 * `json` and `jsonb` parsed; a column that is null is absent from its row. An ID from a sequence is
 * opaque: cast it with `::text`. Names are those of the statement: say `as "taskId"`. Nothing checks
 * `Row` at run time: `test/statements.test.ts` compares it with the columns of the statement.
 *
 * Every method rejects with a {@link DatabaseError} and nothing else, except that a transaction
 * passes on what its work threw.
 */
export interface Db {
  query<Row extends object = Record<string, unknown>>(
    statement: string | Prepared,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/**
 * Marks a hot statement: each connection plans it a few times and then keeps the plan.
 *
 * Only for constant texts (each takes memory on every connection), and only where one plan suits
 * all values: after five runs PostgreSQL may settle for a plan that does not look at them.
 */
export function prepared(text: string): Prepared {
  return { name: `q${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text };
}

export interface TransactionOptions {
  /** False: a crash of the server may lose the last such transactions, never a part of one. */
  readonly durable?: boolean;
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** Instead of the database's, for its statements; 0 means no limit. */
  readonly statementTimeoutMs?: number;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/name`, or with `?host=/folder` for a Unix socket. */
  readonly url: Secret;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Connections in the pool; default 10. Every `listen` adds one of its own. */
  readonly connections?: number;
  /** A statement that runs longer is ended by the server; default one minute. */
  readonly statementTimeoutMs?: number;
  /** Where faults of the database are counted and logged; several pools on one database share it. */
  readonly faultLog?: FaultLog;
  /** Tests only: take a server that may lose what it acknowledged. */
  readonly allowUnsafe?: boolean;
}

const OLDEST_VERSION = 150_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** The client gives up on a statement this much later than the server: the server is gone. */
const HALF_OPEN_GRACE_MS = 15_000;
/** Longer than this Node's timers do not run. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const CONTENDED_TRIES = 5;

function clientTimeoutMs(statementTimeoutMs: number): number {
  return statementTimeoutMs === 0 ? TIMER_MAX_MS : statementTimeoutMs + HALF_OPEN_GRACE_MS;
}

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  statement: string | Prepared,
  values: readonly unknown[] | undefined,
  timeoutMs?: number,
): Promise<QueryResult<Row>> {
  const { rows, rowCount } = await send(on, statement, { values, timeoutMs, types: rowTypes });
  // The statement decides what a row is; a test compares `Row` with its columns.
  return { rows: rows.map(presentColumns) as Row[], rowCount };
}

async function send(
  on: pg.Pool | pg.PoolClient,
  statement: string | Prepared,
  {
    values,
    timeoutMs,
    types,
  }: {
    readonly values: readonly unknown[] | undefined;
    readonly timeoutMs?: number | undefined;
    readonly types?: pg.CustomTypesConfig;
  },
): Promise<QueryResult<Record<string, unknown>>> {
  const query = {
    ...(types !== undefined && { types }),
    ...(typeof statement === 'string' ? { text: statement } : statement),
    ...(values !== undefined && { values: [...values] }),
    ...(timeoutMs !== undefined && { query_timeout: clientTimeoutMs(timeoutMs) }),
  };
  try {
    const answer = await on.query(query);
    // A text of several statements gives an answer for each; only the last one's counts.
    const all: pg.QueryResult<Record<string, unknown>>[] = Array.isArray(answer)
      ? answer
      : [answer];
    const last = all.at(-1);
    return { rows: last?.rows ?? [], rowCount: last?.rowCount ?? 0 };
  } catch (error) {
    throw toDatabaseError(error);
  }
}

function checkUrl(url: string): void {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    // Deliberately without a cause: the parser's error quotes the address and so the password.
    throw new DatabaseError('misconfigured', 'the database URL is not a postgres:// URL');
  }
}

function connectionConfig(options: DatabaseOptions): pg.PoolConfig {
  const url = options.url.reveal();
  checkUrl(url);
  const statementTimeoutMs = options.statementTimeoutMs ?? 60_000;
  return {
    connectionString: url,
    application_name: 'bucket-brigade',
    max: options.connections ?? 10,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: clientTimeoutMs(statementTimeoutMs),
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    // Single statements are transactions of their own, and acknowledged when they return. Pages are
    // read as they come on an SSD: by the default, made for disks, a claim from 100,000 changes that
    // are not analyzed yet sorts them all (80 ms) and does not walk along the index (4 ms).
    options: '-c synchronous_commit=on -c random_page_cost=1.1',
  };
}

interface ServerFacts {
  readonly version: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly synchronousCommit: string;
  readonly readOnly: string;
}

const SERVER_FACTS = `
  select current_setting('server_version_num')::int as version,
    current_setting('server_encoding') as encoding,
    current_setting('fsync') as fsync,
    current_setting('synchronous_commit') as "synchronousCommit",
    current_setting('transaction_read_only') as "readOnly"`;

function objections(server: ServerFacts, allowUnsafe: boolean): string[] {
  const found: string[] = [];
  if (server.version < OLDEST_VERSION) found.push('PostgreSQL must be version 15 or later');
  if (server.encoding !== 'UTF8') {
    found.push(`the database must be encoded in UTF8, not ${server.encoding}`);
  }
  if (server.fsync !== 'on' && !allowUnsafe) {
    found.push('fsync is off: a crash would lose work that was acknowledged');
  }
  // We turn it on, but options in the URL take precedence over ours.
  if (server.synchronousCommit === 'off' && !allowUnsafe) {
    found.push('synchronous_commit is off: a crash would lose work that was acknowledged');
  }
  if (server.readOnly !== 'off') found.push('the database is read-only: is it a standby?');
  return found;
}

/** PostgreSQL through a pool of connections. */
export class Database implements Db, AsyncDisposable {
  readonly #pool: pg.Pool;
  readonly #config: pg.ClientConfig;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #faultLog: FaultLog;

  private constructor(options: DatabaseOptions) {
    const config = connectionConfig(options);
    this.#config = config;
    this.#log = options.log ?? silentLog;
    this.#clock = options.clock ?? systemClock;
    this.#faultLog = options.faultLog ?? new FaultLog({ log: this.#log, clock: this.#clock });
    this.#pool = new pg.Pool(config);
    // Connections break while idle and between statements of a transaction. The next statement
    // reports that to its caller; an 'error' event without a listener would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.#pool.on('error', (error) => {
      if (this.#pool.ending) return; // Said goodbye to, but not yet gone.
      const err = this.#noticed(toDatabaseError(error));
      this.#log.debug({ event: 'database.disconnected', err }, 'lost an idle connection');
    });
  }

  /**
   * Connects, and looks whether the server may be trusted with our work.
   *
   * @throws {DatabaseError} naming all that is wrong with the server.
   */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const database = new Database(options);
    try {
      await database.#checkServer(options.allowUnsafe ?? false);
      return database;
    } catch (error) {
      await database[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs one statement in a transaction of its own. One that the server undid because others were in
   * its way, by a deadlock for instance, left nothing behind and is run again.
   */
  async query<Row extends object = Record<string, unknown>>(
    statement: string | Prepared,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    for (let tries = 1; ; tries++) {
      try {
        return await run<Row>(this.#pool, statement, values);
      } catch (error) {
        const contended = error instanceof DatabaseError && error.fault === 'contended';
        if (!contended || tries === CONTENDED_TRIES) throw this.#noticed(error);
      }
    }
  }

  /** As {@link query}, once, with the values that `pg` gives by default: for libraries that expect these. */
  async queryAsPgDoes(
    statement: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Record<string, unknown>>> {
    try {
      return await send(this.#pool, statement, { values });
    } catch (error) {
      throw this.#noticed(error);
    }
  }

  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws.
   *
   * When this returns, the commit is on disk, unless `durable` is false. When it rejects with
   * `unavailable`, the commit may nevertheless have happened: the caller must be able to repeat it.
   * Statements go through the `db` that `work` is given, one after another.
   *
   * @throws What `work` threw, or a {@link DatabaseError}.
   */
  async transaction<T>(work: (db: Db) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const timeoutMs = options.statementTimeoutMs;
    const client = await this.#connection();
    const db: Db = { query: (statement, values) => run(client, statement, values, timeoutMs) };
    let broken = true;
    try {
      await db.query(beginning(options));
      const result = await work(db);
      await commit(client);
      broken = false;
      return result;
    } catch (error) {
      // A session is read-only or not from its beginning: one from that time would stay so for ever.
      const readOnly = error instanceof DatabaseError && error.fault === 'read-only';
      broken = !(await rolledBack(db)) || readOnly;
      throw this.#noticed(error);
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs `work` on one connection, each statement in a transaction of its own and without a time
   * limit: for statements that PostgreSQL refuses inside a transaction. The connection is closed
   * afterwards, and with it what it holds: session locks, settings.
   *
   * @throws What `work` threw, or a {@link DatabaseError}.
   */
  async session<T>(work: (db: Db) => Promise<T>): Promise<T> {
    const client = await this.#connection();
    const db: Db = { query: (statement, values) => run(client, statement, values, 0) };
    try {
      await db.query('set statement_timeout = 0');
      return await work(db);
    } finally {
      client.release(true);
    }
  }

  /**
   * Calls `onNotify` for each notification on `channel`, until disposed of.
   *
   * Only a hint: those sent while the connection is lost are lost too. After each reconnection
   * `onNotify` is called once with an empty payload, since something may have been missed.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<AsyncDisposable> {
    return keepListening(
      { config: this.#config, log: this.#log, clock: this.#clock, faultLog: this.#faultLog },
      channel,
      onNotify,
    );
  }

  /** How often the database was found in a state in which it does not serve, such as away or read-only. */
  get faultCount(): number {
    return this.#faultLog.count;
  }

  /** Waits for the statements that run, then closes all connections but those of `listen`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end();
  }

  async #connection(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw this.#noticed(toDatabaseError(error));
    }
  }

  #noticed<E>(error: E): E {
    if (error instanceof DatabaseError) this.#faultLog.add(error);
    return error;
  }

  async #checkServer(allowUnsafe: boolean): Promise<void> {
    const { rows } = await run<ServerFacts>(this.#pool, SERVER_FACTS, undefined);
    const [server] = rows;
    const found =
      server === undefined ? ['the server does not answer'] : objections(server, allowUnsafe);
    if (found.length > 0) throw new DatabaseError('misconfigured', found.join('; '));
  }
}

function beginning(options: TransactionOptions): string {
  const { durable = true, isolation = 'read committed', statementTimeoutMs } = options;
  const settings = [`set local synchronous_commit = ${durable ? 'on' : 'off'}`];
  if (statementTimeoutMs !== undefined) {
    settings.push(`set local statement_timeout = ${statementTimeoutMs}`);
  }
  return [`begin isolation level ${isolation}`, ...settings].join('; ');
}

/** A commit after a failed statement is a rollback that PostgreSQL does not call an error. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((error: unknown) => {
    throw toDatabaseError(error);
  });
  if (command !== 'COMMIT') {
    throw new DatabaseError('statement', 'a statement of this transaction failed, unnoticed');
  }
}

async function rolledBack(db: Db): Promise<boolean> {
  try {
    await db.query('rollback');
    return true;
  } catch {
    // The connection is dropped, and the server rolls back by itself.
    return false;
  }
}
