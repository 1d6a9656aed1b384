import type { Db } from '../../platform/postgres/db.ts';
import { keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import type { RangeCounts } from './ranges-table.ts';
import type { ScanKind, ScanOptions, ScanSignal, ScanState } from './scan.ts';
import type { Tally } from './tally.ts';

/** A scan with the sums of its ranges. Times are milliseconds since the Unix epoch. */
export interface ScanRecord extends RangeCounts {
  readonly id: string;
  readonly kind: ScanKind;
  readonly state: ScanState;
  /** Why the scan is incomplete, for people. */
  readonly reason?: string | undefined;
  readonly createdAt: number;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** Since it began, to its end if it has ended. */
  readonly seconds?: number | undefined;
  /** Keys that the last complete scan of the task before it compared. */
  readonly pairsBefore?: number | undefined;
  /** The sides that do not list in the order of keys: their listings were kept, and compared in order. */
  readonly sourceUnordered: boolean;
  readonly targetUnordered: boolean;
  readonly enqueued: number;
  /** Of a reconcile: keys among these that no event had named. */
  readonly withoutEvent: number;
  /** When the oldest of them was modified at the source. */
  readonly oldestWithoutEvent?: number | undefined;
  /** Further counters, where its kind has them. */
  readonly tally?: Tally | undefined;
  readonly rangesOpen: number;
  readonly rangesDone: number;
  readonly rangesFailed: number;
  /** Every key up to this one is compared; undefined before the first page, and once all are. */
  readonly position?: string | undefined;
  /** In hexadecimal; once it is complete. */
  readonly digest?: string | undefined;
  readonly options?: ScanOptions | undefined;
  /** How far the enqueueing of its report is; undefined where it has not been requested. */
  readonly enqueueingState?: 'running' | 'paused' | 'done' | undefined;
  /** Differences up to this key are enqueued. */
  readonly enqueueingKey: string;
  readonly enqueueingCount: number;
}

/** Whether the report of a verification has no room for all that it found. */
export function isTruncated({ different, missing, extra, tally = {} }: ScanRecord): boolean {
  const { unreadable = 0, reported = 0 } = tally;
  return different + missing + extra + unreadable > reported;
}

/**
 * Creates a scan, with one range: the whole key space.
 *
 * @returns Whether it was created: not where the task has a scan that writes already, and this one would too, nor where
 *   the task is gone.
 */
export async function insertScan(
  db: Db,
  scan: {
    readonly id: string;
    readonly taskId: string;
    readonly kind: ScanKind;
    readonly options?: ScanOptions | undefined;
  },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with task as materialized (
      select id, behaviour from tasks where id = $2 and deleted_at is null for share
    ), created as (
      insert into scans (id, task_id, kind, options, source_unordered, target_unordered)
      select $1, id, $3, $4::jsonb, coalesce(behaviour->'source'->>'ordered' = 'false', false),
        coalesce(behaviour->'target'->>'ordered' = 'false', false) from task
      on conflict (task_id) where kind in ('backfill', 'reconcile') and state in ('waiting', 'running') do nothing
      returning id
    ), notified as (
      select pg_notify('scans', '') from created
    )
    insert into scan_ranges (scan_id, after_key, cursor_key) select id, '', '' from created, notified`,
    [
      ...[scan.id, scan.taskId, scan.kind],
      scan.options === undefined ? null : JSON.stringify(scan.options),
    ],
  );
  return rowCount === 1;
}

const SELECT = `
  select scans.id, scans.kind,
    case when scans.state in ('waiting', 'running') and (held or (not tasks.running and scans.kind not in ('verify', 'estimate')))
      then 'paused' else scans.state end as state,
    scans.source_unordered as "sourceUnordered", scans.target_unordered as "targetUnordered",
    scans.reason, scans.created_at as "createdAt", scans.started_at as "startedAt", scans.ended_at as "endedAt",
    extract(epoch from coalesce(scans.ended_at, now()) - scans.started_at)::float8 as seconds,
    (select sum(equal + different + missing + extra)::int8 from scan_ranges where scan_id = (
      select id from scans as before where before.task_id = scans.task_id and before.state = 'complete'
        and before.created_at < scans.created_at order by before.created_at desc limit 1
    )) as "pairsBefore",
    encode(scans.digest, 'hex') as digest, scans.options,
    case when enqueueing_state = 'running' and not tasks.running then 'paused' else enqueueing_state end as "enqueueingState",
    enqueueing_key as "enqueueingKey", enqueueing_count as "enqueueingCount", sums.*, tallies.tally
  from scans join tasks on tasks.id = scans.task_id, lateral (
    select coalesce(sum(pages), 0)::int8 as pages,
      coalesce(sum(source_objects), 0)::int8 as "sourceObjects", coalesce(sum(source_bytes), 0)::int8 as "sourceBytes",
      coalesce(sum(target_objects), 0)::int8 as "targetObjects", coalesce(sum(target_bytes), 0)::int8 as "targetBytes",
      coalesce(sum(equal), 0)::int8 as equal, coalesce(sum(different), 0)::int8 as different,
      coalesce(sum(missing), 0)::int8 as missing, coalesce(sum(extra), 0)::int8 as extra,
      coalesce(sum(filtered), 0)::int8 as filtered,
      coalesce(sum(enqueued), 0)::int8 as enqueued, coalesce(sum(without_event), 0)::int8 as "withoutEvent",
      min(oldest_without_event) as "oldestWithoutEvent",
      count(*) filter (where state = 'open') as "rangesOpen", count(*) filter (where state = 'done') as "rangesDone",
      count(*) filter (where state = 'failed') as "rangesFailed",
      nullif(min(cursor_key) filter (where state <> 'done'), '') as position
    from scan_ranges where scan_id = scans.id
  ) as sums, lateral (
    select jsonb_object_agg(name, total) as tally from (
      select name, sum(value::int8)::int8 as total
      from scan_ranges, jsonb_each_text(tally) as counter(name, value) where scan_id = scans.id group by name
    ) as totals
  ) as tallies`;

function named(scan: ScanRecord): ScanRecord {
  return { ...scan, enqueueingKey: keyOfIndexed(scan.enqueueingKey) };
}

/** The scans of a task, the newest first. */
export async function listScans(
  db: Db,
  taskId: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<ScanRecord[]> {
  const { rows } = await db.query<ScanRecord>(
    `${SELECT} where scans.task_id = $1 order by scans.created_at desc, scans.id limit $2 offset $3`,
    [taskId, limit, offset],
  );
  return rows.map(named);
}

export async function findScan(
  db: Db,
  taskId: string,
  scanId: string,
): Promise<ScanRecord | undefined> {
  const { rows } = await db.query<ScanRecord>(
    `${SELECT} where scans.task_id = $1 and scans.id = $2`,
    [taskId, scanId],
  );
  return rows.map(named)[0];
}

/** The newest scan of a task that has not ended, paused or not. */
export async function newestOpenScan(db: Db, taskId: string): Promise<ScanRecord | undefined> {
  const { rows } = await db.query<ScanRecord>(
    `${SELECT} where scans.task_id = $1 and scans.state in ('waiting', 'running')
    order by scans.created_at desc, scans.id limit 1`,
    [taskId],
  );
  return rows.map(named)[0];
}

/** The newest reconcile of a task, ended or not. */
export async function newestReconcile(db: Db, taskId: string): Promise<ScanRecord | undefined> {
  const { rows } = await db.query<ScanRecord>(
    `${SELECT} where scans.task_id = $1 and scans.kind = 'reconcile' order by scans.created_at desc, scans.id limit 1`,
    [taskId],
  );
  return rows.map(named)[0];
}

/**
 * How long the oldest object had waited that the newest reconcile of any running task found and no event had named,
 * from its modification to the end of that scan, in seconds; 0 where there is none.
 */
export async function oldestWithoutEvent(db: Db): Promise<number> {
  const { rows } = await db.query<{ seconds: number }>(
    `select coalesce(extract(epoch from max(coalesce(newest.ended_at, now()) - oldest_without_event)), 0)::float8 as seconds
    from tasks join lateral (
      select id, ended_at from scans where task_id = tasks.id and kind = 'reconcile' order by created_at desc limit 1
    ) as newest on true join scan_ranges on scan_id = newest.id
    where running`,
  );
  return rows[0]?.seconds ?? 0;
}

const CHANGES: Readonly<Record<ScanSignal, string>> = {
  stop: 'held = true',
  start: 'held = false',
  cancel: `state = 'canceled', ended_at = now()`,
};
const FROM: Readonly<Record<ScanSignal, string>> = {
  stop: 'not held',
  start: 'held',
  cancel: 'true',
};

/** Stops, starts or cancels a scan. @returns Whether its state allowed that. */
export async function signalScan(db: Db, scanId: string, signal: ScanSignal): Promise<boolean> {
  const { rowCount } = await db.query(
    `with changed as (
      update scans set ${CHANGES[signal]} where id = $1 and state in ('waiting', 'running') and ${FROM[signal]} returning id
    )
    select pg_notify('scans', '') from changed`,
    [scanId],
  );
  return rowCount === 1;
}

/** Ends a scan that is at work. A state that it has already stays. */
export async function endScan(
  db: Db,
  scanId: string,
  end:
    | { readonly state: 'complete'; readonly digest: Uint8Array }
    | { readonly state: 'incomplete'; readonly reason: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update scans set state = $2, reason = $3, digest = $4, ended_at = now()
    where id = $1 and state in ('waiting', 'running')`,
    [
      scanId,
      end.state,
      end.state === 'incomplete' ? end.reason : null,
      end.state === 'complete' ? end.digest : null,
    ],
  );
  return rowCount === 1;
}

/**
 * Has the scans of a task that are at work wait, before the task changes in the same transaction: pages lock their scan
 * before the task, and each would wait for the other. Insertions of ranges do not wait.
 */
export async function lockScansOf(db: Db, taskId: string): Promise<void> {
  await db.query(
    `select id from scans where task_id = $1 and state in ('waiting', 'running') order by id for no key update`,
    [taskId],
  );
}

/** Ends all scans of a task that are at work: both ends may be others than they have seen. */
export async function endScansOf(db: Db, taskId: string, reason: string): Promise<void> {
  await db.query(
    `update scans set state = 'incomplete', reason = $2, ended_at = now()
    where task_id = $1 and state in ('waiting', 'running')`,
    [taskId, reason],
  );
}

/** The running tasks whose last reconcile, or backfill, began longer ago than their period. */
export async function tasksToReconcile(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from sync_tasks
    where reconcile_hours > 0 and status = 'SYNCHRONIZING' and deleted_at is null
      and not exists (
        select from scans where task_id = sync_tasks.id and kind in ('backfill', 'reconcile')
          and (state in ('waiting', 'running') or created_at > now() - reconcile_hours * interval '1 hour')
      )
    order by id`,
  );
  return rows.map(({ id }) => id);
}

/** How often a task is reconciled by itself, in hours; 0 is never. */
export async function reconcileHours(db: Db, taskId: string): Promise<number> {
  const { rows } = await db.query<{ hours: number }>(
    `select reconcile_hours as hours from sync_tasks where id = $1`,
    [taskId],
  );
  return rows[0]?.hours ?? 0;
}

export async function setReconcileHours(db: Db, taskId: string, hours: number): Promise<void> {
  await db.query(`update sync_tasks set reconcile_hours = $2 where id = $1`, [taskId, hours]);
}

/** @param old A query for the IDs of scans. `$2` is how many rows of reports go at once. */
function removing(old: string): string {
  return `
  with old as materialized (${old}), differences as (
    delete from scan_differences where (scan_id, object_key) in (
      select scan_id, object_key from scan_differences where scan_id in (select id from old) limit $2
    )
    returning scan_id
  ), removed as (
    -- With its ranges; one whose report goes in this statement is left for the next.
    delete from scans where id in (select id from old)
      and not exists (select from scan_differences where scan_id = scans.id)
    returning id
  )
  select (select count(*) from differences)::int + (select count(*) from removed)::int as count`;
}

const REMOVE_OLD = removing(
  `select id from scans where ended_at < now() - $1 * interval '1 day'
    and exists (select from scans as newer where newer.task_id = scans.task_id and newer.created_at > scans.created_at)
    limit 100`,
);
const REMOVE_OF_TASK = removing('select id from scans where task_id = $1 limit 100');

/**
 * Removes about `limit` rows of scans that ended more than `days` days ago, reports included. The last scan of a task
 * stays: the next reconcile counts from it.
 *
 * @returns How many; none are left where it is 0.
 */
export async function removeOldScans(
  db: Db,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(REMOVE_OLD, [days, limit]);
  return rows[0]?.count ?? 0;
}

/** The same of all scans of a task. */
export async function removeScansOf(db: Db, taskId: string, limit: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(REMOVE_OF_TASK, [taskId, limit]);
  return rows[0]?.count ?? 0;
}
