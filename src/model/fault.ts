/** Every way in which a store can fail, and no other. */
export const faults = [
  'not-found',
  'no-bucket',
  'changed',
  'exists',
  'denied',
  'bad-credentials',
  'clock-skew',
  'archived',
  'full',
  'refused',
  'throttled',
  'unavailable',
  'unreachable',
  'interrupted',
  'corrupt',
  'bad-reply',
  'stale-cdn',
  'unsupported',
] as const;

export type Fault = (typeof faults)[number];

/** Whether the same request may succeed at once, or later without anybody's help. */
const transient: Record<Fault, boolean> = {
  'not-found': false,
  'no-bucket': false,
  'changed': true, // The next round compares anew and copies the newer object.
  'exists': false,
  'denied': false,
  'bad-credentials': false,
  'clock-skew': true,
  'archived': false,
  'full': true, // Somebody may free space or raise a quota while we back off.
  'refused': false,
  'throttled': true,
  'unavailable': true,
  'unreachable': true,
  'interrupted': true,
  'corrupt': true,
  'bad-reply': true,
  'stale-cdn': true, // Its cache grows old, or somebody empties it.
  'unsupported': false,
};

/** Faults of the request in flight: the very same request, sent again, may succeed. */
const repeatable: ReadonlySet<Fault> = new Set<Fault>([
  'clock-skew', // The refusal tells the time that the store goes by.
  'throttled',
  'unavailable',
  'unreachable',
  'interrupted',
]);

/** Whether the work is worth another attempt later. */
export function isTransient(fault: Fault): boolean {
  return transient[fault];
}

/** Whether the same request is worth sending again within the attempt. */
export function isRepeatable(fault: Fault): boolean {
  return repeatable.has(fault);
}
