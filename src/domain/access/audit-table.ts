import type { Database, Db } from '../../platform/postgres/db.ts';

export interface AuditEntry {
  readonly projectId?: string | undefined;
  readonly actor: string;
  readonly actorKind: string;
  /** The address of the caller. */
  readonly address: string;
  /** Its name in the OpenAPI document. */
  readonly operation: string;
  /** The task, user, group or other resource that the request named. */
  readonly resource?: string | undefined;
  /** Of HTTP. */
  readonly status: number;
  readonly errorCode?: string | undefined;
  /** That of the first request, where the entry stands for several. */
  readonly requestId: string;
  /** How many similar requests the entry stands for. */
  readonly requests: number;
  /** Whether it repeated an earlier request, with its result, and changed nothing. */
  readonly repeated: boolean;
}

/**
 * Inserts entries in their order. Nothing changes them, and only {@link removeOldAudit} removes any.
 *
 * An entry may contain any text of a caller: characters that PostgreSQL cannot store are left out, so that the
 * entry is written nevertheless.
 */
export async function insertAudit(db: Db, entries: readonly AuditEntry[]): Promise<void> {
  await db.query(
    `insert into audit (project_id, actor, actor_kind, address, operation, resource, status, error_code,
       request_id, requests, repeated)
     select "projectId", actor, "actorKind", address, operation, resource, status, "errorCode", "requestId",
       requests, repeated
     from json_to_recordset($1) as r("projectId" text, actor text, "actorKind" text, address text,
       operation text, resource text, status int, "errorCode" text, "requestId" text, requests bigint,
       repeated boolean)`,
    [JSON.stringify(entries, (_name, value: unknown) => storable(value))],
  );
}

/** A text without NUL and halves of surrogate pairs. */
function storable(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value;
}

export interface AuditRow extends AuditEntry {
  readonly id: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * Lists entries, the newest first. `before` is the ID at which an earlier page ended.
 *
 * @param projectId Undefined: entries of all projects, and those of none.
 */
export async function listAudit(
  db: Db,
  projectId: string | undefined,
  { limit, before }: { readonly limit: number; readonly before: number | undefined },
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select id, at, project_id as "projectId", actor, actor_kind as "actorKind", address,
       operation, resource, status, error_code as "errorCode", request_id as "requestId",
       requests, repeated
     from audit where ($1::text is null or project_id = $1) and ($2::bigint is null or id < $2)
     order by id desc limit $3`,
    [projectId ?? null, before ?? null, limit],
  );
  return rows;
}

/** The oldest entries that are older than a number of days. IDs are in the order of insertion. */
const OLD = `
  select id from (select id, at from audit order by id limit $2) as oldest
  where at < now() - $1 * interval '1 day'`;

/**
 * Removes up to `limit` of the oldest entries, those that are older than `days`.
 *
 * The trigger that keeps the table append-only is disabled for this transaction alone. The lock that this
 * takes keeps other transactions from writing to the table meanwhile, so that it is never off for them.
 *
 * @returns How many were removed.
 */
export async function removeOldAudit(
  database: Database,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<number> {
  // Usually there is nothing to remove, and then no other transaction has to wait.
  const { rowCount: old } = await database.query(`${OLD} limit 1`, [days, limit]);
  if (old === 0) return 0;
  return await database.transaction(async (db) => {
    // A statement that waits for a lock blocks all later ones.
    await db.query(`set local lock_timeout = '2s'`);
    await db.query('alter table audit disable trigger audit_stays');
    const { rowCount } = await db.query(`delete from audit where id in (${OLD})`, [days, limit]);
    await db.query('alter table audit enable trigger audit_stays');
    return rowCount;
  });
}
