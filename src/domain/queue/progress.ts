import type { Db } from '../../platform/postgres/db.ts';
import { lanes } from './enqueue.ts';

/** What waits and what is in work of one task. */
export interface QueueProgress {
  /** Keys that wait for their first attempt of a round: those that events named, and those that scans found. */
  readonly waitingEvents: number;
  readonly waitingScans: number;
  readonly inWork: number;
  /** Keys whose last attempt failed and that are tried again. */
  readonly retrying: number;
  /** When the first of them is due, milliseconds since the Unix epoch; in the past where it waits for its turn. */
  readonly nextRetryAt?: number | undefined;
  /** Keys with rechecks outstanding. */
  readonly rechecking: number;
  /** Whether all rows were counted; else the counts and the lag are minimums. */
  readonly exact: boolean;
  /** Seconds since the oldest unsettled request for a key; 0 where nothing waits. */
  readonly lagSeconds: number;
}

/** Rows of one lane that are counted at most: of those that are due, and of those that are due later. */
export const COUNTED_MAX = 100_000;

const WHEN = { due: 'due_at <= now()', later: 'due_at > now()' } as const;

/** One index range for each lane and time, each with a limit: no row beyond the limits is read. */
function rowsOf(lane: number, when: keyof typeof WHEN): string {
  return `(select lane, accepted_at, due_at, coalesce(lease_until > now(), false) as in_work,
      reason is not null as failed
    from changes
    where uuid_send(task_id) = uuid_send($1) and lane = ${lane} and ${WHEN[when]}
    order by due_at limit $2)`;
}

function countedOf(lane: number, when: keyof typeof WHEN): string {
  return `count(*) filter (where lane = ${lane} and ${WHEN[when]}) < $2`;
}

const ranges = lanes.flatMap((lane) => [[lane, 'due'] as const, [lane, 'later'] as const]);

const PROGRESS = `
  with counted as materialized (
    ${ranges.map(([lane, when]) => rowsOf(lane, when)).join(' union all ')}
  )
  select count(*) filter (where not in_work and not failed and lane = 0)::int as "waitingEvents",
    count(*) filter (where not in_work and not failed and lane <> 0)::int as "waitingScans",
    count(*) filter (where in_work)::int as "inWork",
    count(*) filter (where not in_work and failed)::int as retrying,
    min(due_at) filter (where not in_work and failed) as "nextRetryAt",
    (select count(*)::int from (
      select from rechecks where uuid_send(task_id) = uuid_send($1) limit $2
    ) as outstanding) as rechecking,
    ${ranges.map(([lane, when]) => countedOf(lane, when)).join(' and ')} as exact,
    coalesce(extract(epoch from now() - min(accepted_at)), 0)::float8 as "lagSeconds"
  from counted`;

/**
 * Counts what waits of one task. Served by the index `changes_due_by_lane`; reads at most `countedMax` rows of
 * each lane, due and due later, so it costs no more for a task with millions of waiting keys.
 */
export async function queueProgress(
  db: Db,
  taskId: string,
  countedMax: number = COUNTED_MAX,
): Promise<QueueProgress> {
  const { rows } = await db.query<QueueProgress>(PROGRESS, [taskId, countedMax]);
  const row = rows[0];
  if (row === undefined) throw new Error('an aggregate without groups has one row');
  return row;
}
