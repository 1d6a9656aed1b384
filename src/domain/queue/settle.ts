import type { Db } from '../../platform/postgres/db.ts';
import { enqueueing } from './enqueue.ts';
import { recordSql, type SettledFields } from './object-record.ts';
import { leavingRechecks } from './rechecks.ts';

/**
 * How one claim ends. Where `done`, its record goes to the object list; where it comes again, why and
 * since when stay with the change.
 */
export interface Settlement extends SettledFields {
  readonly key: string;
  readonly claimId: string;
  readonly generation: string;
  /** Whether the round is over; else the key comes again after `delayMs`. */
  readonly done: boolean;
  readonly delayMs: number;
  /** Given back unused: the attempt does not count. */
  readonly released: boolean;
  /** A write of it had no answer that says how it ended: it may still reach the target. */
  readonly unanswered?: boolean | undefined;
  /** It sent a write that succeeded, or may have. */
  readonly writeSent?: boolean | undefined;
  /** The source may show the object in a moment: the attempt does not count. */
  readonly awaited?: boolean | undefined;
  /** The source is being restored: the attempt does not count, and the start of the wait is kept. */
  readonly restoring?: boolean | undefined;
  readonly sourceEtag?: string | undefined;
  /** The target may hold something else than what was copied last; only a later copy ends that. */
  readonly targetDoubtful?: boolean | undefined;
  /** What the target has after a copy, or had when it was found to need none. */
  readonly targetEtag?: string | undefined;
  readonly targetVersion?: string | undefined;
  /** Milliseconds since the Unix epoch, by the target's clock. */
  readonly targetWrittenAt?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt?: number | undefined;
}

const SETTLE = `
  with input as materialized (
    select * from json_to_recordset($2) as r(
      key text, "claimId" bigint, generation bigint, done boolean, "delayMs" int8, released boolean, restoring boolean, awaited boolean,
      ${recordSql.settledTypes}, "sourceEtag" text, "startedAt" float8,
      unanswered boolean, "writeSent" boolean, "targetDoubtful" boolean, "targetEtag" text, "targetVersion" text, "targetWrittenAt" float8)
  ), locked as materialized (
    select input.*, changes.claim_id is not distinct from input."claimId" as ours,
      changes.generation as current, changes.attempt, changes.accepted_at, changes.late_write
    from input join changes on changes.object_key = input.key
    where changes.task_id = $1 and changes.object_key = any(array(select key from input))
    order by changes.object_key
    for update of changes
  ), lapsed as materialized (
    select distinct key from input where "claimId" not in (select "claimId" from locked where ours)
  ), held as materialized (
    -- A write that came late may have come after the one that still counts.
    select *, current <> generation or overtaken as again,
      coalesce("targetDoubtful", late_write and "sourceEtag" is null) as doubtful
    from (select *, key in (select key from lapsed) as overtaken from locked where ours) as ours
  ), removed as (
    delete from changes
    where task_id = $1 and object_key = any(array(select key from held where done and not again))
  ), again as (
    update changes set
      claim_id = null,
      lease_until = null,
      attempt = case when held.again then 0
        when held.restoring then 0
        when held.released or held.awaited then changes.attempt - 1 else changes.attempt end,
      due_at = case when held.again then now()
        else now() + held."delayMs" * interval '1 millisecond' end,
      accepted_at = case when held.done then changes.due_at else changes.accepted_at end,
      late_write = changes.late_write or held.overtaken,
      write_sent = not held.done and (changes.write_sent or coalesce(held."writeSent", false)),
      restoring_since = case when held.again then null
        when held.restoring then coalesce(changes.restoring_since, now())
        else changes.restoring_since end,
      reason = case when held.released then changes.reason when not held.again then held.reason end,
      message = case when held.released then changes.message when not held.again then held.message end,
      started_at = case when held.released then changes.started_at
        when not held.again then to_timestamp(held."startedAt" / 1000) end
    from held
    where changes.task_id = $1 and changes.object_key = held.key and (held.again or not held.done)
      and changes.object_key = any(array(select key from held where again or not done))
  ), recorded as (
    insert into objects (task_id, object_key, ${recordSql.settledColumns}, source_etag, attempts, accepted_at, started_at,
      target_doubtful, target_etag, target_version, target_written_at)
    select $1, key, ${recordSql.settledValues}, case when doubtful then '' else "sourceEtag" end, attempt, accepted_at, to_timestamp("startedAt" / 1000),
      doubtful, "targetEtag", "targetVersion", to_timestamp("targetWrittenAt" / 1000)
    from held where done
    on conflict (task_id, object_key) do update set
      ${recordSql.settledReplaced},
      source_etag = coalesce(excluded.source_etag, objects.source_etag),
      target_doubtful = case when excluded.source_etag is null then objects.target_doubtful
        else excluded.target_doubtful end, attempts = excluded.attempts,
      accepted_at = excluded.accepted_at, started_at = excluded.started_at, settled_at = excluded.settled_at,
      -- A failure says nothing about what the target has.
      target_etag = case when excluded.outcome = 'failed' then objects.target_etag else excluded.target_etag end,
      target_version = case when excluded.outcome = 'failed' then objects.target_version else excluded.target_version end,
      target_written_at = case when excluded.outcome = 'failed' then objects.target_written_at else excluded.target_written_at end
  ), counted as (
    insert into statistics (task_id, width, starts_at, writer, successes, failures, skips, bytes)
    select $1, 300, date_bin('5 minutes', now(), 'epoch'), $3,
      count(*) filter (where outcome = 'copied'), count(*) filter (where outcome = 'failed'),
      count(*) filter (where outcome = 'skipped'), coalesce(sum(size) filter (where outcome = 'copied'), 0)
    from held where done having count(*) > 0
    on conflict (task_id, starts_at, width, writer) do update set
      successes = statistics.successes + excluded.successes, failures = statistics.failures + excluded.failures,
      skips = statistics.skips + excluded.skips, bytes = statistics.bytes + excluded.bytes
  ), late as (
    ${enqueueing(
      'late_write',
      `select $1::uuid as task_id, key as object_key from lapsed
      where key not in (select key from held)
        and exists (select from tasks where id = $1 and deleted_at is null)`,
      { lateWrite: 'true' },
    )}
  ), left_behind as (
    ${leavingRechecks(`
      select $1::uuid as task_id, key as object_key, now() as lost_at
      from (select key from lapsed union select key from input where unanswered) as doubted
      where exists (select from tasks where id = $1 and deleted_at is null)`)}
  )
  select "claimId"::text from held`;

/**
 * Settles claims of one task: the object list, the counters and the removal of the work, in one
 * statement and so in one transaction.
 *
 * A key that got an event while it was claimed stays, due at once, with its attempts forgotten. A
 * claim that is no longer ours records nothing; since its write may have come late, the key is
 * made due again, and the target counts as doubtful. It also leaves rechecks, and so does a
 * claim of which a write had no answer. Rows are locked in the order of their keys, as events do; only what late claims make
 * due again comes after the others, and may meet a deadlock, whose loser is run again.
 *
 * @returns The claims that were still ours.
 */
export async function settleChanges(
  db: Db,
  {
    taskId,
    writer,
    settlements,
  }: {
    readonly taskId: string;
    readonly writer: number;
    readonly settlements: readonly Settlement[];
  },
): Promise<Set<string>> {
  const { rows } = await db.query<{ claimId: string }>(SETTLE, [
    taskId,
    JSON.stringify(settlements),
    writer,
  ]);
  return new Set(rows.map((row) => row.claimId));
}
