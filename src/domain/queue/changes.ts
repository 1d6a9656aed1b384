import { type Db, prepared } from '../../platform/postgres/db.ts';
import { indexedKey } from '../../platform/postgres/long-keys.ts';
import { enqueueing, lanes, type Origin, waking } from './enqueue.ts';
import { leavingRechecks } from './rechecks.ts';

export interface NamedKeys {
  readonly taskId: string;
  readonly projectId: string;
  readonly keys: readonly string[];
  /** Names as they were sent, duplicates included: what the REQUEST counter counts. */
  readonly accepted: number;
}

const ACCEPT = prepared(`
  with input as materialized (
    select * from json_to_recordset($1) as r("taskId" uuid, "projectId" text, keys json, accepted int)
  ), live as materialized (
    select tasks.id, tasks.project_id, input.keys, input.accepted
    from input join tasks on tasks.id = input."taskId" and tasks.project_id = input."projectId"
    where tasks.running
    order by tasks.id
    for share of tasks
  ), accepted as (
    ${enqueueing(
      'event',
      `select id as task_id, object_key from live, json_array_elements_text(live.keys) as object_key`,
    )}
  ), counted as (
    insert into statistics (task_id, width, starts_at, writer, requests)
    -- After the keys, as a settlement does: in the other order the two could deadlock.
    select live.id, 300, date_bin('5 minutes', now(), 'epoch'), $2, live.accepted from live
    where (select count(*) from accepted) >= 0
    on conflict (task_id, starts_at, width, writer) do update
    set requests = statistics.requests + excluded.requests
  ), notified as (
    ${waking('live')}
  )
  select live.id as "taskId", live.project_id as "projectId" from live left join notified on true`);

/**
 * Makes keys due, all in one statement, and counts the names that were accepted.
 *
 * The task's row is locked against a stop in the same moment.
 *
 * @param named One entry a task; keys distinct, without NUL.
 * @returns The tasks that took their keys, with their projects: those that are not there, or stopped,
 *   or named in another project only, are missing.
 */
export async function acceptChanges(
  db: Db,
  { named, writer }: { readonly named: readonly NamedKeys[]; readonly writer: number },
): Promise<Map<string, string>> {
  const { rows } = await db.query<{ taskId: string; projectId: string }>(ACCEPT, [
    JSON.stringify(named.map((each) => ({ ...each, keys: each.keys.map(indexedKey) }))),
    writer,
  ]);
  return new Map(rows.map(({ taskId, projectId }) => [taskId, projectId]));
}

// The limit makes the planner look for one change of each task, where it may read all of them for `exists`.
const DUE_TASKS = `
  select id from tasks, lateral (
    select from unnest(array[${lanes.join()}]) as each (lane), lateral (
      select from changes
      where uuid_send(task_id) = uuid_send(tasks.id) and lane = each.lane and due_at <= now()
        and (lease_until is null or lease_until < now())
      order by due_at limit 1
    ) as due
    limit 1
  ) as due
  where running
  order by id`;

/** The running tasks that have a change to claim now. Served by the index `changes_due_by_lane`. */
export async function dueTasks(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(DUE_TASKS);
  return rows.map(({ id }) => id);
}

export interface ClaimedChange {
  /** As in the index: `keyOfIndexed` gives the name of the object. */
  readonly key: string;
  /** From a sequence, renewed by every event for the key. Opaque, as the claim's ID is: only compared. */
  readonly generation: string;
  /** From a sequence: the right to settle this claim, and no later one. */
  readonly claimId: string;
  /** Counts from 1, this claim included. */
  readonly attempt: number;
  /** How many this round may have, where that is not what the setting says. */
  readonly attemptsMax?: number | undefined;
  /** The lower goes first. */
  readonly lane: number;
  /** The last request for the key that did not come in a worse lane. */
  readonly origin: Origin;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
  /**
   * Milliseconds, at the claim, since an event named the key or a scan found it at the source; absent where
   * neither did.
   */
  readonly namedForMs?: number | undefined;
  /** Of the task: a start since then raises it. */
  readonly revision: number;
  /** The source's ETag when this key was copied last. */
  readonly copiedEtag?: string | undefined;
  /** The target may hold something else: that copy failed its check, or a late write may lie over it. */
  readonly targetDoubtful: boolean;
  /**
   * An earlier claim of the key ended without a settlement, and rechecks are outstanding: what it wrote
   * may be at the target, or may still arrive there.
   */
  readonly unsettled: boolean;
  /** An earlier attempt of this round has sent a write that succeeded, or may have. */
  readonly writeSent: boolean;
  /** What the target had when the key was settled last; absent where that is not known. */
  readonly targetEtag?: string | undefined;
  readonly targetVersion?: string | undefined;
  /** Milliseconds since the Unix epoch, by the target's clock. */
  readonly targetWrittenAt?: number | undefined;
  /** Whether a multipart upload of this key was begun and not ended. */
  readonly uploading: boolean;
  /**
   * Since when the source is being restored and the task runs, milliseconds since the Unix epoch: what
   * waits while a task is stopped does not wait too long.
   */
  readonly restoringSince?: number | undefined;
}

/*
 * The statements on claims find their rows by `object_key = any(array(…))`: whatever the planner
 * believes of a table that it has not analyzed yet, that is a look into the primary key for each,
 * where for a join it may read the whole table. (What is due is found by `uuid_send(task_id)`, so that
 * the index of that cannot serve here.) And they are not prepared: a plan that was made for an
 * empty table, and kept, reads the whole table, too (3 s to settle 256 of 100,000 instead of 8 ms).
 */

/**
 * Up to `limit` due changes of a lane. Each lane has a query of its own: one query over both, in the order of lane and
 * time, would read all that is not due yet of the first.
 */
function dueInLane(lane: number, limit: string, condition = 'true'): string {
  return `
    select object_key, claim_id is not null as lost, lease_until from changes
    where uuid_send(task_id) = uuid_send($1) and lane = ${lane} and due_at <= now()
      and (lease_until is null or lease_until < now()) and exists (select from task) and ${condition}
    order by due_at
    limit ${limit}
    for update skip locked`;
}

const SHARED = '(select count(*) from shared)';
const EVENTS = '(select count(*) from events)';

const CLAIM = `
  with task as materialized (
    select revision, last_started_at from tasks
    where id = $1 and running
  ), shared as materialized (
    ${dueInLane(1, '$4::bigint')}
  ), events as materialized (
    ${dueInLane(0, `$2::bigint - ${SHARED}`)}
  ), others as materialized (
    ${dueInLane(
      1,
      `least($2::bigint - ${SHARED} - ${EVENTS}, $5::bigint - ${SHARED})`,
      'object_key <> all(array(select object_key from shared))',
    )}
  ), due as materialized (
    select * from shared union all select * from events union all select * from others
  ), claimed as (
    update changes
    set claim_id = nextval('claim_ids'), lease_until = now() + $3 * interval '1 millisecond', attempt = attempt + 1
    where task_id = $1 and object_key = any(array(select object_key from due))
    returning *
  ), left_behind as (
    ${leavingRechecks(`select $1::uuid as task_id, object_key, lease_until as lost_at from due where lost`)}
  )
  select claimed.object_key as key, generation::text, claim_id::text as "claimId", attempt, attempts_max as "attemptsMax", lane,
    origin, accepted_at as "acceptedAt",
    -- The version before sets no named_at.
    (extract(epoch from now() - coalesce(
      named_at, case when origin in ('event', 'scan') then accepted_at end)) * 1000)::float8 as "namedForMs",
    (select revision from task) as revision,
    case when restoring_since is not null
      then greatest(restoring_since, (select last_started_at from task)) end as "restoringSince",
    nullif(record.source_etag, '') as "copiedEtag",
    -- Processes of the version before mark a doubtful target by an empty ETag.
    late_write or coalesce(target_doubtful or source_etag = '', false) as "targetDoubtful",
    record.target_etag as "targetEtag", record.target_version as "targetVersion",
    record.target_written_at as "targetWrittenAt",
    claimed.object_key in (select object_key from due where lost)
      or exists (select from rechecks where task_id = $1 and object_key = claimed.object_key) as unsettled,
    write_sent as "writeSent",
    exists (select from uploads where task_id = $1 and object_key = claimed.object_key) as uploading
  from claimed left join lateral (
    select source_etag, target_doubtful, target_etag, target_version, target_written_at from objects
    where task_id = $1 and object_key = claimed.object_key limit 1
  ) as record on true`;

export interface ClaimRequest {
  readonly taskId: string;
  readonly limit: number;
  readonly leaseMs: number;
  /** Of these, keys of the lane of scans: so many before any other, where as many are due, and at most so many. */
  readonly scanned: { readonly least: number; readonly most: number };
}

/**
 * Claims up to `limit` due changes of one task until `leaseMs` from now: the share of the scans, then the lower
 * lane first, and in a lane what has waited longest; none of a task that does not run any more.
 *
 * A change whose lease ran out can be claimed again: a crashed worker's changes need no sweeper. The
 * claim that is so replaced leaves rechecks, since what it wrote may reach the target later.
 * `skip locked` keeps claimers from queueing behind each other; the update by primary key keeps
 * a claim whole when rows move under it. Served by the index `changes_due_by_lane`.
 */
export async function claimChanges(
  db: Db,
  { taskId, limit, leaseMs, scanned }: ClaimRequest,
): Promise<ClaimedChange[]> {
  const { rows } = await db.query<ClaimedChange>(CLAIM, [
    ...[taskId, limit, leaseMs],
    ...[Math.min(scanned.least, scanned.most, limit), scanned.most],
  ]);
  return rows;
}

const RENEW = `
  with input as materialized (
    select * from json_to_recordset($2) as r(key text, "claimId" bigint)
  ), held as materialized (
    select object_key from input join changes on object_key = key and claim_id = "claimId"
    where task_id = $1 and object_key = any(array(select key from input))
    for update of changes skip locked
  )
  update changes set lease_until = now() + $3 * interval '1 millisecond'
  where task_id = $1 and object_key = any(array(select object_key from held))
  returning claim_id::text as "claimId"`;

/**
 * Renews leases until `leaseMs` from now.
 *
 * @returns The claims that were renewed. One that is missing is lost, or its row was locked just
 *   now: worth asking again while the old lease lasts.
 */
export async function renewLeases(
  db: Db,
  renewal: {
    readonly taskId: string;
    readonly claims: readonly { readonly key: string; readonly claimId: string }[];
    readonly leaseMs: number;
  },
): Promise<Set<string>> {
  const { rows } = await db.query<{ claimId: string }>(RENEW, [
    renewal.taskId,
    JSON.stringify(renewal.claims),
    renewal.leaseMs,
  ]);
  return new Set(rows.map((row) => row.claimId));
}

/** Resets the attempts of a claimed change to this one, because it made progress. */
export async function forgetAttempts(
  db: Db,
  {
    taskId,
    key,
    claimId,
  }: { readonly taskId: string; readonly key: string; readonly claimId: string },
): Promise<void> {
  await db.query(
    `update changes set attempt = 1 where task_id = $1 and object_key = $2 and claim_id = $3`,
    [taskId, key, claimId],
  );
}

/**
 * Ends every claim, for a process that knows itself to be the only one: what another left when it
 * died need not wait for its lease. Attempts still count, so that a change that kills its worker
 * does not do so for ever. They leave rechecks, as claims whose lease ran out do.
 *
 * @returns How many there were.
 */
export async function releaseClaims(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `with lost as materialized (
      select task_id, object_key, lease_until as lost_at from changes where claim_id is not null
      order by task_id, object_key for update
    ), left_behind as (
      ${leavingRechecks('select * from lost')}
    )
    update changes set claim_id = null, lease_until = null from lost
    where changes.task_id = lost.task_id and changes.object_key = lost.object_key`,
  );
  return rowCount;
}

/**
 * When the next change of a running task becomes due, in milliseconds from now; undefined where
 * none waits. Changes under a lease do not count. Served by the index
 * `changes_due_by_lane`.
 */
export async function untilNextDue(db: Db): Promise<number | undefined> {
  const { rows } = await db.query<{ ms?: number }>(`
    select (extract(epoch from min(next.due_at) - now()) * 1000)::float8 as ms
    from tasks, unnest(array[${lanes.join()}]) as each (lane), lateral (
      select due_at from changes
      where uuid_send(task_id) = uuid_send(tasks.id) and lane = each.lane and (lease_until is null or lease_until < now())
      order by due_at limit 1
    ) as next
    where running`);
  return rows[0]?.ms;
}

export interface Backlog {
  /** Of tasks that run, or of those that do not. */
  readonly running: boolean;
  readonly waiting: number;
  /** Seconds since the oldest unsettled event; 0 where nothing waits. */
  readonly lagSeconds: number;
  /** Keys with rechecks outstanding. They count neither as waiting nor as lag. */
  readonly rechecks: number;
}

/**
 * What waits, of tasks that run and of those that do not: always both, because a series that ends is not a zero
 * to an alert. Reads all of `changes`, some tenths of a second for a million rows: callers share the answer and
 * request it rarely.
 */
export async function backlog(db: Db): Promise<Backlog[]> {
  const { rows } = await db.query<Backlog>(
    `with of_task as materialized (
      select task_id, count(*) as waiting, min(accepted_at) as oldest from changes group by task_id
    )
    select wanted.running, coalesce(sum(of_task.waiting), 0)::int as waiting,
      coalesce(extract(epoch from now() - min(of_task.oldest)), 0)::float8 as "lagSeconds",
      (select count(*)::int from rechecks join tasks on tasks.id = rechecks.task_id
        where tasks.running = wanted.running and deleted_at is null) as rechecks
    from unnest(array[true, false]) as wanted (running)
    left join tasks on tasks.running = wanted.running and deleted_at is null
    left join of_task on of_task.task_id = tasks.id
    group by wanted.running`,
  );
  return rows;
}
