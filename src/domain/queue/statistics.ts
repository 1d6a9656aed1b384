import {
  type Counters,
  FIVE_MINUTES_KEPT_DAYS,
  HOURS_KEPT_DAYS,
} from '../../platform/model/statistics.ts';
import type { Db } from '../../platform/postgres/db.ts';

const TOTALS = `coalesce(sum(requests), 0)::float8 as "REQUEST", coalesce(sum(successes), 0)::float8 as "SUCCESS",
  coalesce(sum(failures), 0)::float8 as "FAILURE", coalesce(sum(skips), 0)::float8 as "SKIP",
  coalesce(sum(bytes), 0)::float8 as "SIZE"`;

/** An ID that no two calls share: under it a process adds to the counters without waiting. */
export async function newWriter(db: Db): Promise<number> {
  const { rows } = await db.query<{ id: number }>(`select nextval('writers')::int as id`);
  const row = rows[0];
  if (row === undefined) throw new Error('the sequence "writers" gave nothing');
  return row.id;
}

/** The counters of buckets of `widthMs` that begin in [fromMs, toMs); empty buckets are left out. */
export async function countersBetween(
  db: Db,
  taskId: string,
  range: { readonly fromMs: number; readonly toMs: number; readonly widthMs: number },
): Promise<(Counters & { readonly start: number })[]> {
  const { rows } = await db.query<Counters & { readonly start: number }>(
    `select (extract(epoch from date_bin($4 * interval '1 millisecond', starts_at, 'epoch')) * 1000)::float8 as start,
      ${TOTALS}
    from statistics
    where task_id = $1 and width <> 0
      and starts_at >= to_timestamp($2::float8 / 1000) and starts_at < to_timestamp($3::float8 / 1000)
    group by 1 order by 1`,
    [taskId, range.fromMs, range.toMs, range.widthMs],
  );
  return rows;
}

/** The counters of the calendar month that holds `atMs`, in the given time zone. */
export async function countersOfMonth(
  db: Db,
  taskId: string,
  { atMs, timeZone }: { readonly atMs: number; readonly timeZone: string },
): Promise<Counters> {
  const { rows } = await db.query<Counters>(
    `with month as (
      select date_trunc('month', to_timestamp($2::float8 / 1000), $3) as first
    )
    select ${TOTALS} from statistics, month
    where task_id = $1 and starts_at >= month.first
      and starts_at < (month.first at time zone $3 + interval '1 month') at time zone $3`,
    [taskId, atMs, timeZone],
  );
  return rows[0] ?? { REQUEST: 0, SUCCESS: 0, FAILURE: 0, SKIP: 0, SIZE: 0 };
}

export interface Rate {
  /** How many seconds it is averaged over: five to ten minutes, or the age of a younger task. */
  readonly seconds: number;
  /** Objects that were settled, however they ended. */
  readonly objectsPerSecond: number;
  /** Of objects that were copied. */
  readonly bytesPerSecond: number;
}

/** The rate of the last minutes, from the current five-minute bucket and the one before. */
export async function recentRate(
  db: Db,
  taskId: string,
  { createdAt }: { readonly createdAt: number },
): Promise<Rate> {
  const { rows } = await db.query<Rate>(
    `with recent as (
      select greatest(date_bin('5 minutes', now(), 'epoch') - interval '5 minutes', to_timestamp($2::float8 / 1000)) as start
    ), lasted as (
      select start, greatest(extract(epoch from now() - start), 1)::float8 as seconds from recent
    )
    select seconds, coalesce(sum(successes + failures + skips), 0)::float8 / seconds as "objectsPerSecond",
      coalesce(sum(bytes), 0)::float8 / seconds as "bytesPerSecond"
    from lasted left join statistics on task_id = $1 and width = 300 and starts_at > start - interval '5 minutes'
    group by seconds`,
    [taskId, createdAt],
  );
  return rows[0] ?? { seconds: 1, objectsPerSecond: 0, bytesPerSecond: 0 };
}

/** The busiest five minutes of the last days. */
export interface BusiestRate {
  readonly objectsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** How fast a task has copied at most, over five minutes; undefined where it has copied nothing in the last days. */
export async function busiestRate(db: Db, taskId: string): Promise<BusiestRate | undefined> {
  const { rows } = await db.query<Partial<BusiestRate>>(
    `with periods as (
      select sum(successes)::float8 as objects, sum(bytes)::float8 as bytes,
        least(greatest(extract(epoch from now() - starts_at), 1), 300)::float8 as seconds
      from statistics where task_id = $1 and width = 300 group by starts_at
    )
    select max(objects / seconds) as "objectsPerSecond", max(bytes / seconds) as "bytesPerSecond"
    from periods where objects > 0`,
    [taskId],
  );
  const { objectsPerSecond, bytesPerSecond } = rows[0] ?? {};
  if (objectsPerSecond === undefined || bytesPerSecond === undefined) return undefined;
  return { objectsPerSecond, bytesPerSecond };
}

/**
 * Folds five-minute rows and hours that are old enough into hours and months. Nothing is counted
 * twice or lost: rows leave and arrive in one statement.
 */
export async function foldStatistics(db: Db, timeZone: string): Promise<void> {
  await db.query(foldInto(3600, `date_bin('1 hour', starts_at, 'epoch')`), [
    300,
    FIVE_MINUTES_KEPT_DAYS,
  ]);
  await db.query(foldInto(0, `date_trunc('month', starts_at, $3)`), [
    3600,
    HOURS_KEPT_DAYS,
    timeZone,
  ]);
}

function foldInto(width: number, start: string): string {
  return `
    with old as (
      delete from statistics where width = $1 and starts_at < date_trunc('hour', now()) - $2 * interval '1 day'
      returning *
    )
    insert into statistics (task_id, width, starts_at, writer, requests, successes, failures, skips, bytes)
    select task_id, ${width}, ${start}, 0, sum(requests), sum(successes), sum(failures), sum(skips), sum(bytes)
    from old group by task_id, 3
    on conflict (task_id, starts_at, width, writer) do update set
      requests = statistics.requests + excluded.requests, successes = statistics.successes + excluded.successes,
      failures = statistics.failures + excluded.failures, skips = statistics.skips + excluded.skips,
      bytes = statistics.bytes + excluded.bytes`;
}
