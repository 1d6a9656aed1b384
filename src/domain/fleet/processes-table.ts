import type { Db } from '../../platform/postgres/db.ts';

/** What a process says of itself. */
export interface ProcessFacts {
  readonly roles: readonly string[];
  /** Of the program. */
  readonly version: string;
  /** How many migrations it knows. */
  readonly schemaVersion: number;
  readonly host: string;
  readonly pid: number;
}

export interface ProcessRow extends ProcessFacts {
  readonly id: string;
  /** Milliseconds since the Unix epoch, as all times. */
  readonly startedAt: number;
  readonly seenAt: number;
  /** Whether it was seen less than {@link LOST_SECONDS} ago. */
  readonly alive: boolean;
}

/** A process that was not seen for so long counts as dead. */
export const LOST_SECONDS = 60;

/** Its row is kept so much longer, so that one can see what died. */
const KEPT_SECONDS = 3_600;

const COLUMNS = `id, roles, version, schema_version as "schemaVersion", host, pid, started_at as "startedAt",
  seen_at as "seenAt", seen_at > now() - $1::int * interval '1 second' as alive`;

export async function insertProcess(db: Db, id: string, facts: ProcessFacts): Promise<void> {
  const { roles, version, schemaVersion, host, pid } = facts;
  await db.query(
    `insert into processes (id, roles, version, schema_version, host, pid) values ($1, $2, $3, $4, $5, $6)`,
    [id, roles, version, schemaVersion, host, pid],
  );
}

/**
 * Says that a process is alive.
 *
 * @returns How many migrations a process must know now; undefined where it is not registered any more.
 */
export async function seeProcess(db: Db, id: string): Promise<number | undefined> {
  const { rows } = await db.query<{ oldest: number }>(
    `update processes set seen_at = now() where id = $1
    returning (select coalesce(max(oldest), 0) from schema_migrations) as oldest`,
    [id],
  );
  return rows[0]?.oldest;
}

export async function removeProcess(db: Db, id: string): Promise<void> {
  await db.query('delete from processes where id = $1', [id]);
}

/** The processes that are alive, and those that died of late; the newest last. */
export async function listProcesses(db: Db): Promise<ProcessRow[]> {
  const { rows } = await db.query<ProcessRow>(
    `select ${COLUMNS} from processes order by started_at, id`,
    [LOST_SECONDS],
  );
  return rows;
}

/** Processes that are alive and know fewer migrations than `oldest`. */
export async function olderProcesses(db: Db, oldest: number): Promise<ProcessRow[]> {
  // The table may not exist, because this query runs before the schema is brought up to date.
  const { rows: tables } = await db.query<{ table?: string }>(
    `select to_regclass('processes')::text as table`,
  );
  if (tables[0]?.table === undefined) return [];
  const { rows } = await db.query<ProcessRow>(
    `select ${COLUMNS} from processes
    where schema_version < $2 and seen_at > now() - $1::int * interval '1 second' order by started_at, id`,
    [LOST_SECONDS, oldest],
  );
  return rows;
}

/** Removes processes that died long ago. */
export async function removeLostProcesses(db: Db): Promise<void> {
  await db.query(`delete from processes where seen_at < now() - $1::int * interval '1 second'`, [
    LOST_SECONDS + KEPT_SECONDS,
  ]);
}

/** Where one process alone can be at work on a database, all that are registered have died. */
export async function removeAllProcesses(db: Db): Promise<void> {
  await db.query('delete from processes');
}
