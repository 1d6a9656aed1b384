import type { Db } from '../../platform/postgres/db.ts';
import { indexedKey, keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import { type ObjectRecord, recordSql } from './object-record.ts';
import { enqueueing, lanes, waking } from './enqueue.ts';

/** Names every key that begins with the prefix, as a range that the primary key serves. */
const WITHIN = `task_id = $1 and object_key > $2 collate "C"
  and ($3::text is null or starts_with(object_key, $3)) and object_key >= coalesce($3, '') collate "C"
  and object_key <= coalesce($3, '') || repeat(chr(1114111), 256) collate "C"`;

/** One page of the object list, in the order of the keys. */
export async function listObjects(
  db: Db,
  taskId: string,
  filter: {
    readonly outcome?: string | undefined;
    readonly prefix?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<ObjectRecord[]> {
  const { rows } = await db.query<ObjectRecord>(
    `select ${recordSql.selected}
    from objects
    where ${WITHIN} and ($4::text is null or outcome = $4)
    order by object_key limit $5`,
    [
      ...[taskId, indexedKey(filter.after ?? ''), filter.prefix ?? null],
      ...[filter.outcome ?? null, filter.limit],
    ],
  );
  return rows.map(named);
}

function named(row: ObjectRecord): ObjectRecord {
  return { ...row, key: keyOfIndexed(row.key) };
}

/** One page of the changes that failed and come again, in the order of their keys. */
export async function listRetrying(
  db: Db,
  taskId: string,
  filter: {
    readonly prefix?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<ObjectRecord[]> {
  const { rows } = await db.query<ObjectRecord>(
    `select object_key as key, 'retrying' as outcome, reason, message, attempt as attempts,
      accepted_at as "acceptedAt", coalesce(started_at, accepted_at) as "startedAt",
      due_at as "dueAt"
    from changes
    where ${WITHIN} and reason is not null
    order by object_key limit $4`,
    [taskId, indexedKey(filter.after ?? ''), filter.prefix ?? null, filter.limit],
  );
  return rows.map(named);
}

/**
 * Makes one batch of a running task's failed objects due again. Served by the index
 * `objects_failed`.
 *
 * @returns The last key of the batch and its size; undefined where nothing failed is left.
 */
export async function retryFailedBatch(
  db: Db,
  taskId: string,
  filter: {
    readonly prefix?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ readonly lastKey: string; readonly count: number } | undefined> {
  const { rows } = await db.query<{ lastKey?: string; count: number }>(
    `with failed as materialized (
      select task_id, object_key from objects
      where ${WITHIN} and outcome = 'failed'
        and exists (select from tasks where id = $1 and running)
      order by object_key limit $4
    ), made_due as (
      ${enqueueing('retry', 'select task_id, object_key from failed')}
    ), notified as (
      ${waking('failed')}
    )
    select max(object_key) as "lastKey", count(*)::int as count from failed left join notified on true`,
    [taskId, filter.after ?? '', filter.prefix ?? null, filter.limit],
  );
  const row = rows[0];
  return row?.lastKey === undefined ? undefined : { lastKey: row.lastKey, count: row.count };
}

/** A generation that every later request for a key exceeds. */
export async function newGeneration(db: Db): Promise<string> {
  const { rows } = await db.query<{ generation: string }>(
    `select nextval('generations')::text as generation`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the sequence "generations" gave nothing');
  return row.generation;
}

/**
 * Makes one batch of a running task's retrying objects due at once. Served by the index `changes_due_by_lane`: only
 * keys that are tried again have a due time to come. A key that is in work is left alone.
 *
 * @returns How many there were; 0 where none is left.
 */
export async function hastenRetryingBatch(
  db: Db,
  taskId: string,
  filter: {
    readonly prefix?: string | undefined;
    /** From {@link newGeneration}: a key that fails again while batches are made is not taken twice. */
    readonly before: string;
    readonly limit: number;
  },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `with retrying as materialized (
      select task_id, object_key from changes
      where uuid_send(task_id) = uuid_send($1) and lane = any(array[${lanes.join()}]) and due_at > now()
        and generation < $2::bigint and reason is not null and (lease_until is null or lease_until < now())
        and ($3::text is null or starts_with(object_key, $3))
        and exists (select from tasks where id = $1 and running)
      limit $4
    ), made_due as (
      ${enqueueing('retry', 'select task_id, object_key from retrying')}
    ), notified as (
      ${waking('retrying')}
    )
    select count(*)::int as count from retrying left join notified on true`,
    [taskId, filter.before, filter.prefix ?? null, filter.limit],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Clears message and attempts of up to `limit` rows of the object list that are older than `days`. The
 * rows stay: they say what was copied last and what proves it. Served by the index `objects_to_clear`.
 *
 * @returns How many were cleared.
 */
export async function clearOldDetails(
  db: Db,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `update objects set message = null, attempts = null where ctid = any(array(
      select ctid from objects
      where settled_at < now() - $1 * interval '1 day' and (message is not null or attempts > 1)
      order by settled_at limit $2 for update skip locked))`,
    [days, limit],
  );
  return rowCount;
}
