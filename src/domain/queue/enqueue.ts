/** What makes a key due: a name in a request, a user's retry, a recheck, a late settlement, a scan. */
export type Origin = keyof typeof origins;

interface Enqueueing {
  /** Changes of a lower lane are claimed first. */
  readonly lane: (typeof lanes)[number];
  /** What becomes of a key that waits already: it is due at once, or keeps its time. */
  readonly dueAtOnce: boolean;
  /** Whether the attempts so far are forgotten: something new is known of the key. */
  readonly startsOver: boolean;
  /** Whether a caller reports now that the source has, or had, the object. */
  readonly names: boolean;
}

/**
 * Late settlements and rechecks do not start over: a key whose claims always lapse would never be given up.
 * What a scan finds says nothing new of a key that waits: its back-off stays.
 */
const origins = {
  event: { lane: 0, dueAtOnce: true, startsOver: true, names: true },
  retry: { lane: 0, dueAtOnce: true, startsOver: true, names: false },
  recheck: { lane: 0, dueAtOnce: true, startsOver: false, names: false },
  late_write: { lane: 0, dueAtOnce: true, startsOver: false, names: false },
  scan: { lane: 1, dueAtOnce: false, startsOver: false, names: false },
} as const satisfies Record<string, Enqueueing>;

/** All lanes, the one that is claimed first first. */
export const lanes = [0, 1] as const;

const CLAIMED = 'changes.lease_until > now()';
const STARTING_OVER = `, restoring_since = null,
      attempt = case when ${CLAIMED} then changes.attempt else 0 end,
      reason = case when ${CLAIMED} then changes.reason end`;

/** SQL expressions over `keys`, for columns of a change. */
interface Details {
  /** Whether the object at the target is no reason not to copy. */
  readonly lateWrite?: string;
  /** The attempts that the round may take; null for as many as the setting says. A row that waits keeps its own. */
  readonly attemptsMax?: string;
}

/**
 * The one statement that makes keys due, for use within another.
 *
 * A key that waits already stays one row. It gets a new generation, so that a claim that is at work on it
 * is followed by one more round; the claim itself and its attempts stay as they are. It keeps the better
 * of both lanes. Rows are locked in the order of tasks and keys, so that two of these cannot deadlock.
 *
 * @param keys A query for `task_id` and `object_key`, each key once.
 */
export function enqueueing(
  origin: Origin,
  keys: string,
  { lateWrite = 'false', attemptsMax = 'null::int' }: Details = {},
): string {
  const { lane, dueAtOnce, startsOver, names }: Enqueueing = origins[origin];
  return `insert into changes (task_id, object_key, generation, accepted_at, due_at, lane, origin, late_write, named_at,
      attempts_max)
    select task_id, object_key, nextval('generations'), now(), now(), ${lane}, '${origin}', ${lateWrite},
      ${names ? 'now()' : 'null::timestamptz'}, ${attemptsMax}
    from (${keys}) as wanted
    order by task_id, object_key collate "C"
    on conflict (task_id, object_key) do update set
      generation = excluded.generation,
      lane = least(changes.lane, excluded.lane),
      origin = case when excluded.lane <= changes.lane then excluded.origin else changes.origin end,
      late_write = changes.late_write or excluded.late_write,
      named_at = coalesce(excluded.named_at, changes.named_at),
      attempts_max = ${origin === 'scan' ? 'changes.attempts_max' : 'null'},
      due_at = ${dueAtOnce ? 'excluded.due_at' : `case when ${CLAIMED} then excluded.due_at else changes.due_at end`}
      ${startsOver ? STARTING_OVER : ''}
    returning 1`;
}

/** A query that wakes the workers of all processes when the transaction commits, if `keys` has a row. */
export function waking(keys: string): string {
  return `select pg_notify('changes', '') from ${keys} limit 1`;
}
