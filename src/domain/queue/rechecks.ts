import type { Db } from '../../platform/postgres/db.ts';
import { enqueueing, waking } from './enqueue.ts';

/** Minutes after the end of a lost lease at which the target is looked at again. */
const AFTER_MINUTES = [1, 5, 15, 60] as const;
/** A failed object has no copy on record to compare: its last recheck waits until it has one. */
const WITHOUT_COPY_MINUTES = 60;

/**
 * The statement that makes rechecks due for keys whose claim was lost. A key has one row: a claim that
 * is lost later moves the times on, and no recheck that was outstanding becomes due later than before
 * its next one.
 *
 * @param lost A query for `task_id`, `object_key` and `lost_at`, each key once.
 */
export function leavingRechecks(lost: string): string {
  return `insert into rechecks (task_id, object_key, lost_at, due_at)
    select task_id, object_key, lost_at, lost_at + interval '${AFTER_MINUTES[0]} minutes' from (${lost}) as lost
    order by task_id, object_key collate "C"
    on conflict (task_id, object_key) do update set
      lost_at = greatest(rechecks.lost_at, excluded.lost_at), due_at = least(rechecks.due_at, excluded.due_at)`;
}

/** The running tasks that have a recheck due. Served by the index `rechecks_due`. */
export async function tasksToRecheck(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(`
    select id from tasks
    where running and exists (
      select from rechecks where uuid_send(task_id) = uuid_send(tasks.id) and due_at <= now()
    )
    order by id`);
  return rows.map(({ id }) => id);
}

export interface DueRecheck {
  /** As in the index: `keyOfIndexed` gives the name of the object. */
  readonly key: string;
  /** Times as PostgreSQL writes them, to the microsecond: they go back unchanged. */
  readonly lostAt: string;
  readonly dueAt: string;
  readonly asOf: string;
  /** Of the key's record, by which a change of the record is noticed; absent where it has none. */
  readonly settledAt?: string | undefined;
  readonly outcome?: string | undefined;
  readonly targetEtag?: string | undefined;
  readonly targetVersion?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly targetWrittenAt?: number | undefined;
}

/**
 * Due rechecks of one task, the longest due first. A key that has a change waiting or in work is left
 * out: the change goes first, and the recheck is made after it.
 */
export async function dueRechecks(
  db: Db,
  { taskId, limit }: { readonly taskId: string; readonly limit: number },
): Promise<DueRecheck[]> {
  const { rows } = await db.query<DueRecheck>(
    `select rechecks.object_key as key, lost_at::text as "lostAt", rechecks.due_at::text as "dueAt",
      now()::text as "asOf", settled_at::text as "settledAt", outcome, target_etag as "targetEtag",
      target_version as "targetVersion", target_written_at as "targetWrittenAt"
    from rechecks left join lateral (
      select * from objects where task_id = $1 and object_key = rechecks.object_key limit 1
    ) as record on true
    where uuid_send(rechecks.task_id) = uuid_send($1) and rechecks.due_at <= now()
      and not exists (select from changes where task_id = $1 and object_key = rechecks.object_key)
    order by rechecks.due_at
    limit $2`,
    [taskId, limit],
  );
  return rows;
}

/** What follows from a recheck. */
export interface RecheckEnd {
  /** Makes the key due, so that it is copied again. */
  readonly again: boolean;
  /** And the object that the target has now is no reason not to. */
  readonly doubtful: boolean;
  /** Keeps the recheck after its last time. */
  readonly kept: boolean;
}

const END = `
  with still as materialized (
    select lost_at from rechecks
    where task_id = $1 and object_key = $2 and lost_at = $3::timestamptz and due_at = $4::timestamptz
      and not exists (select from changes where task_id = $1 and object_key = $2)
      and (select settled_at from objects where task_id = $1 and object_key = $2)
        is not distinct from $6::timestamptz
      and exists (select from tasks where id = $1 and deleted_at is null)
    for update
  ), next as materialized (
    select coalesce(
      (select min(lost_at + minutes * interval '1 minute') from unnest($10::int[]) as minutes
        where lost_at + minutes * interval '1 minute' > $5::timestamptz),
      case when $9 then now() + $11 * interval '1 minute' end
    ) as due_at from still
  ), enqueued as (
    ${enqueueing('recheck', 'select $1::uuid as task_id, $2::text as object_key from still where $7', { lateWrite: '$8' })}
  ), moved as (
    update rechecks set due_at = next.due_at from next
    where task_id = $1 and object_key = $2 and next.due_at is not null
  ), removed as (
    delete from rechecks
    where task_id = $1 and object_key = $2 and exists (select from next where due_at is null)
  ), notified as (
    ${waking('still where $7')}
  )
  select still.lost_at from still left join notified on true`;

/**
 * Ends a recheck: what follows from it, and its next time, in one statement and so in one transaction.
 * Does nothing where the key got a change, a settlement or another lost claim since it was read: then
 * the recheck is due still, and is made again.
 *
 * @returns Whether it was ended.
 */
export async function endRecheck(
  db: Db,
  taskId: string,
  recheck: DueRecheck,
  { again, doubtful, kept }: RecheckEnd,
): Promise<boolean> {
  const { key, lostAt, dueAt, asOf, settledAt } = recheck;
  const { rowCount } = await db.query(END, [
    ...[taskId, key, lostAt, dueAt, asOf, settledAt],
    ...[again, doubtful, kept, [...AFTER_MINUTES], WITHOUT_COPY_MINUTES],
  ]);
  return rowCount > 0;
}

/** Makes a recheck due later, where the target could not be looked at. */
export async function postponeRecheck(
  db: Db,
  taskId: string,
  { key, dueAt }: DueRecheck,
  delayMs: number,
): Promise<void> {
  await db.query(
    `update rechecks set due_at = now() + $4 * interval '1 millisecond'
    where task_id = $1 and object_key = $2 and due_at = $3::timestamptz`,
    [taskId, key, dueAt, delayMs],
  );
}
