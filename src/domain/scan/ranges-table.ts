import { type Db, prepared } from '../../platform/postgres/db.ts';
import { indexedKey } from '../../platform/postgres/long-keys.ts';
import { enqueueing, waking } from '../queue/enqueue.ts';
import type { Difference } from './differences-table.ts';
import type { Side } from './kept-listings-table.ts';
import type { KeyRange } from './listing.ts';
import { MAY_WALK } from './may-work.ts';
import type { ScanKind, ScanOptions } from './scan.ts';
import type { Tally } from './tally.ts';
import { unreadableText } from './unreadable.ts';

/** The right to walk a range. */
export interface RangeClaim {
  readonly scanId: string;
  readonly taskId: string;
  readonly kind: ScanKind;
  /** The sides whose listings are kept, and taken from there. */
  readonly sourceUnordered: boolean;
  readonly targetUnordered: boolean;
  readonly options?: ScanOptions | undefined;
  /** Of the task: a start since then raises it. */
  readonly revision: number;
  /** Where the range begins: its name within the scan. */
  readonly after: string;
  readonly until?: string | undefined;
  /** Where the walk continues. */
  readonly cursor: string;
  /** Where the listing of each side continues; undefined at the beginning of the range. */
  readonly sourceNext?: string | undefined;
  readonly targetNext?: string | undefined;
  /** Of what has been walked. */
  readonly digest: Buffer;
  readonly claimId: string;
  readonly attempts: number;
}

/** What a walk counts, of a page or of a whole scan. */
export interface RangeCounts {
  readonly pages: number;
  readonly sourceObjects: number;
  readonly sourceBytes: number;
  readonly targetObjects: number;
  readonly targetBytes: number;
  readonly equal: number;
  readonly different: number;
  readonly missing: number;
  readonly extra: number;
  /** Objects that are missing or different at the target, and that a copy filter excludes. */
  readonly filtered: number;
}

/** Ranges that nobody walks and that are due, with their scans and tasks; more conditions may follow. */
export const DUE_RANGES = `scan_ranges as ranges
    join scans on scans.id = ranges.scan_id
    join tasks on tasks.id = scans.task_id
    where ranges.state = 'open' and ranges.due_at <= now()
      and (ranges.lease_until is null or ranges.lease_until < now()) and ${MAY_WALK}`;

const CLAIM = `
  with due as materialized (
    select ranges.scan_id, ranges.after_key, scans.task_id, scans.kind, scans.options, tasks.revision, scans.source_unordered,
      scans.target_unordered
    from ${DUE_RANGES}
    order by ranges.due_at, ranges.after_key
    limit 1
    for update of ranges skip locked
  ), begun as (
    update scans set state = 'running', started_at = coalesce(started_at, now())
    where id in (select scan_id from due) and state = 'waiting'
  )
  update scan_ranges as ranges
  set claim_id = nextval('claim_ids'), lease_until = now() + $1 * interval '1 millisecond', attempts = attempts + 1
  from due where ranges.scan_id = due.scan_id and ranges.after_key = due.after_key
  returning ranges.scan_id as "scanId", due.task_id as "taskId", due.kind, due.options, due.revision, ranges.after_key as "after",
    ranges.until_key as "until", ranges.cursor_key as cursor, ranges.digest, ranges.claim_id::text as "claimId",
    ranges.attempts, due.source_unordered as "sourceUnordered", due.target_unordered as "targetUnordered",
    ranges.source_next as "sourceNext", ranges.target_next as "targetNext"`;

/** Claims the range that is due longest, of all scans, until `leaseMs` from now. */
export async function claimRange(db: Db, leaseMs: number): Promise<RangeClaim | undefined> {
  const { rows } = await db.query<RangeClaim>(CLAIM, [leaseMs]);
  return rows[0];
}

/** Renews the lease of a range. @returns Whether it is still ours, and may be walked. */
export async function renewRange(
  db: Db,
  { scanId, after, claimId }: RangeClaim,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update scan_ranges as ranges set lease_until = now() + $4 * interval '1 millisecond'
    from scans join tasks on tasks.id = scans.task_id
    where ranges.scan_id = $1 and ranges.after_key = $2 and ranges.claim_id = $3 and ranges.state = 'open'
      and scans.id = $1 and ${MAY_WALK}`,
    [scanId, after, claimId, leaseMs],
  );
  return rowCount === 1;
}

/** Releases a range: another walk continues from its cursor, `delayMs` from now. */
export async function releaseRange(
  db: Db,
  { scanId, after, claimId }: RangeClaim,
  delayMs = 0,
): Promise<void> {
  await db.query(
    `update scan_ranges set claim_id = null, lease_until = null, attempts = greatest(attempts - 1, 0),
      due_at = now() + $4 * interval '1 millisecond'
    where scan_id = $1 and after_key = $2 and claim_id = $3`,
    [scanId, after, claimId, delayMs],
  );
}

/** Ends every claim of a range, for a process that knows itself to be the only one. */
export async function releaseRanges(db: Db): Promise<void> {
  await db.query(
    `update scan_ranges set claim_id = null, lease_until = null where claim_id is not null and state = 'open'`,
  );
}

/**
 * Has a range tried again later, with `relist` from its beginning up to its cursor; without a delay, or after `attemptsMax` without progress, it has
 * failed for good.
 */
export async function failRange(
  db: Db,
  { scanId, after, claimId }: RangeClaim,
  {
    message,
    delayMs,
    attemptsMax,
    relist = false,
  }: {
    readonly message: string;
    readonly delayMs: number | undefined;
    readonly attemptsMax: number;
    readonly relist?: boolean;
  },
): Promise<void> {
  await db.query(
    `update scan_ranges set claim_id = null, lease_until = null, message = $4,
      state = case when $5::float8 is null or attempts >= $6 then 'failed' else state end,
      due_at = now() + coalesce($5, 0) * interval '1 millisecond',
      source_next = case when $7 then null else source_next end, target_next = case when $7 then null else target_next end
    where scan_id = $1 and after_key = $2 and claim_id = $3 and state = 'open'`,
    [scanId, after, claimId, message, delayMs ?? null, attemptsMax, relist],
  );
}

/** What a walk knows of its range. Both may change meanwhile: the range may be split, and settled by a lost answer. */
export interface HeldRange {
  /** Where it ends. */
  readonly until?: string | undefined;
  readonly digest: Uint8Array;
}

export interface PageSettlement extends RangeCounts {
  /** All keys up to this one are settled. */
  readonly cursor: string;
  /** Where the listing of each side continues after an interruption. */
  readonly sourceNext: string | undefined;
  readonly targetNext: string | undefined;
  /** The range has no more keys. */
  readonly done: boolean;
  readonly digest: Uint8Array;
  /** Keys to look at, distinct. */
  readonly enqueue: readonly Pick<Difference, 'key' | 'sourceModifiedAt'>[];
  /** Keys that can neither be kept nor copied. */
  readonly unreadable: readonly string[];
  /** Of a verification: what it reports. */
  readonly differences: readonly Difference[];
  /** By which further counters are raised; undefined where they stay as they are. */
  readonly tally: Tally | undefined;
}

/** An SQL expression: the further counters of a range and those of a parameter, if that is not null. */
function raisedBy(parameter: `$${number}`): string {
  return `case when ${parameter}::jsonb is null then tally else (
    select jsonb_object_agg(name, total) from (
      select name, sum(value::int8) as total
      from (
        select * from jsonb_each_text(coalesce(tally, '{}')) union all select * from jsonb_each_text(${parameter}::jsonb)
      ) as counter(name, value)
      group by name
    ) as sums
  ) end`;
}

/*
 * A reconcile tries a key that failed for good once, however often its page is repeated. And it measures the events: a
 * key that neither waits, nor was accepted since its object was modified, has been named by no event.
 */
const SETTLE = prepared(`
  with held as materialized (
    select ranges.scan_id, ranges.after_key, ranges.until_key, ranges.digest
    from scan_ranges as ranges join scans on scans.id = ranges.scan_id join tasks on tasks.id = scans.task_id
    where ranges.scan_id = $1 and ranges.after_key = $2 and ranges.claim_id = $3 and ranges.state = 'open' and ${MAY_WALK}
    for update of ranges for share of scans, tasks
  ), fitting as materialized (
    select scan_id, after_key from held where until_key is not distinct from $20 and digest = $21
  ), found as materialized (
    select $4::uuid as task_id, given.object_key, given.modified_at, record.failed,
      record.failed and record.settled_at >= (select started_at from scans where id = $1) as tried,
      $25 and waiting.waits is null and (record.accepted_at is null or record.accepted_at < given.modified_at)
        as without_event
    from (
      select object_key, to_timestamp(ms / 1000) as modified_at
      from unnest($5::text[], $24::float8[]) as given (object_key, ms) where exists (select from fitting)
    ) as given left join lateral (
      select outcome = 'failed' as failed, settled_at, accepted_at from objects
      where task_id = $4 and object_key = given.object_key and $25 limit 1
    ) as record on true left join lateral (
      select true as waits from changes where task_id = $4 and object_key = given.object_key and $25 limit 1
    ) as waiting on true
  ), enqueued as (
    ${enqueueing('scan', 'select * from found where tried is not true', {
      attemptsMax: 'case when failed then 1 end',
    })}
  ), notified as (
    ${waking('enqueued')}
  ), settled as (
    update scan_ranges as ranges set cursor_key = $6, digest = $7, state = case when $8 then 'done' else 'open' end,
      claim_id = case when $8 then null else claim_id end, lease_until = case when $8 then null else lease_until end,
      attempts = 1, message = coalesce(case when unreadable > 0 then message end, $19), pages = pages + $9,
      source_objects = source_objects + $10, source_bytes = source_bytes + $11,
      target_objects = target_objects + $12, target_bytes = target_bytes + $13,
      equal = equal + $14, different = different + $15, missing = missing + $16, extra = extra + $17,
      enqueued = enqueued + (select count(*) from enqueued), unreadable = unreadable + $18,
      source_next = $22, target_next = $23,
      filtered = filtered + $27,
      without_event = without_event + (select count(*) from found where without_event),
      oldest_without_event = least(oldest_without_event, (select min(modified_at) from found where without_event)),
      tally = ${raisedBy('$26')}
    from fitting where ranges.scan_id = fitting.scan_id and ranges.after_key = fitting.after_key
      and (select count(*) from notified) >= 0
    returning 1
  )
  select until_key as "until", digest, exists (select from settled) as settled,
    (select count(*)::int from found where without_event) as "withoutEvent" from held`);

/** `settled`: whether the page was; if not, the range is not as the walk had it, and nothing was written. */
export interface SettledRange extends HeldRange {
  readonly settled: boolean;
  /** Keys that a reconcile enqueued and that no event had named. */
  readonly withoutEvent: number;
}

/**
 * Settles a page in one statement, if the range is still in the state that the walk knows.
 *
 * @returns Undefined where the claim has been lost, or the scan may not be worked on any more.
 */
export async function settlePage(
  db: Db,
  { scanId, taskId, after, claimId, kind }: RangeClaim,
  held: HeldRange,
  page: PageSettlement,
): Promise<SettledRange | undefined> {
  const keys = page.enqueue.map(({ key }) => indexedKey(key));
  const modifiedAt = page.enqueue.map(({ sourceModifiedAt }) => sourceModifiedAt ?? null);
  const { rows } = await db.query<SettledRange>(SETTLE, [
    ...[scanId, after, claimId, taskId, keys, page.cursor, page.digest, page.done],
    ...[page.pages, page.sourceObjects, page.sourceBytes, page.targetObjects, page.targetBytes],
    ...[page.equal, page.different, page.missing, page.extra],
    ...[page.unreadable.length, unreadableText(page.unreadable), held.until, held.digest],
    ...[page.sourceNext ?? null, page.targetNext ?? null],
    ...[modifiedAt, kind === 'reconcile'],
    page.tally === undefined ? null : JSON.stringify(page.tally),
    page.filtered,
  ]);
  return rows[0];
}

/** Raises further counters of a range in the transaction that has settled a page of it. */
export async function raiseTally(
  db: Db,
  { scanId, after }: Pick<RangeClaim, 'scanId' | 'after'>,
  by: Tally,
): Promise<void> {
  await db.query(
    `update scan_ranges set tally = ${raisedBy('$3')} where scan_id = $1 and after_key = $2`,
    [scanId, after, JSON.stringify(by)],
  );
}

/** How many keys that scans have found wait in a task; counts no further than `most`. */
export async function scannedWaiting(db: Db, taskId: string, most: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from (
      select from changes where uuid_send(task_id) = uuid_send($1) and lane = 1
      -- So that the planner takes the index, whatever it believes of the lane.
      order by uuid_send(task_id), lane, due_at limit $2
    ) as waiting`,
    [taskId, most],
  );
  return rows[0]?.count ?? 0;
}

export interface SplitCandidate extends KeyRange {
  readonly scanId: string;
  readonly taskId: string;
  readonly revision: number;
  readonly cursor: string;
  readonly sourceUnordered: boolean;
  readonly targetUnordered: boolean;
  /** The side that has had more keys in it so far. */
  readonly longer: Side;
}

/** A range that is being walked and has had many pages since it was last split, or could not be. */
export async function rangeToSplit(
  db: Db,
  { pages }: { readonly pages: number },
): Promise<SplitCandidate | undefined> {
  const { rows } = await db.query<SplitCandidate>(
    `with busiest as materialized (
      select ranges.scan_id, ranges.after_key, scans.task_id, tasks.revision, scans.source_unordered,
        scans.target_unordered
      from scan_ranges as ranges join scans on scans.id = ranges.scan_id join tasks on tasks.id = scans.task_id
      where ranges.state = 'open' and ranges.lease_until > now() and ${MAY_WALK}
        and ranges.pages - ranges.pages_at_split >= $1
      order by ranges.pages - ranges.pages_at_split desc
      limit 1
      for update of ranges
    )
    update scan_ranges as ranges set pages_at_split = ranges.pages
    from busiest where ranges.scan_id = busiest.scan_id and ranges.after_key = busiest.after_key
    returning ranges.scan_id as "scanId", busiest.task_id as "taskId", busiest.revision, ranges.after_key as after,
      ranges.until_key as until, ranges.cursor_key as cursor, busiest.source_unordered as "sourceUnordered",
      busiest.target_unordered as "targetUnordered",
      case when ranges.source_objects >= ranges.target_objects then 'source' else 'target' end as longer`,
    [pages],
  );
  return rows[0];
}

/**
 * Splits a range in two: it ends at `cut` from now on, and a new one begins there. The walk learns its new end
 * when the next page is settled.
 *
 * @returns Whether it was cut: not where the walk has passed `cut`, or the range has ended.
 */
export async function splitRange(
  db: Db,
  { scanId, after }: { readonly scanId: string; readonly after: string },
  cut: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with whole as materialized (
      select until_key from scan_ranges
      where scan_id = $1 and after_key = $2 and state = 'open' and cursor_key < $3 collate "C"
        and (until_key is null or until_key > $3 collate "C")
      for update
    ), cut as (
      update scan_ranges set until_key = $3 where scan_id = $1 and after_key = $2 and exists (select from whole)
    )
    insert into scan_ranges (scan_id, after_key, until_key, cursor_key)
    select $1, $3, until_key, $3 from whole`,
    [scanId, after, cut],
  );
  return rowCount === 1;
}

/** The scans of which no range is open any more. */
export async function scansToEnd(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from scans where state in ('waiting', 'running')
      and not exists (select from scan_ranges where scan_id = scans.id and state = 'open')`,
  );
  return rows.map(({ id }) => id);
}

export interface RangeEnd {
  readonly after: string;
  readonly until?: string | undefined;
  readonly state: 'open' | 'done' | 'failed';
  readonly message?: string | undefined;
  /** Keys that can neither be kept nor copied. */
  readonly unreadable: number;
  readonly digest: Buffer;
}

/** All ranges of a scan, in the order of their keys. */
export async function rangesOf(db: Db, scanId: string): Promise<RangeEnd[]> {
  const { rows } = await db.query<RangeEnd>(
    `select after_key as after, until_key as until, state, message, unreadable, digest from scan_ranges
    where scan_id = $1 order by after_key`,
    [scanId],
  );
  return rows;
}
