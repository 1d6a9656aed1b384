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
  'out-of-order',
  'stale-cdn',
  'unsupported',
] as const;

export type Fault = (typeof faults)[number];

/** Whether the same request may succeed at once, or later without anybody's help. */
const transient: Record<Fault, boolean> = {
  'not-found': false,
  'no-bucket': false,
  'changed': true, // The next round compares again and copies the newer object.
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
  'out-of-order': false, // The order of a store's listing is a property of the store.
  'stale-cdn': true, // Its cache expires, or an operator empties it.
  'unsupported': false,
};

/** Faults of the request in flight: the very same request, sent again, may succeed. */
const repeatable: ReadonlySet<Fault> = new Set<Fault>([
  'clock-skew', // The refusal reports the store's time.
  'throttled',
  'unavailable',
  'unreachable',
  'interrupted',
]);

/**
 * Whether the finished parts of an upload may be built upon after an attempt that failed so: whatever
 * passes or can be fixed, and leaves the source as it was, keeps them.
 */
const partsKept: Record<Fault, boolean> = {
  'not-found': false, // The source object is gone.
  'no-bucket': true, // The address, or the bucket, can be put right.
  'changed': false, // The parts are of an older version.
  'exists': false, // Another object took the key, and it is not replaced.
  'denied': true, // The right can be granted.
  'bad-credentials': true, // The task can be started with others.
  'clock-skew': true,
  'archived': true, // It can be restored: the bytes and the ETag stay the same.
  'full': true, // Space can be freed, or a quota raised.
  'refused': true, // The message says what to change.
  'throttled': true,
  'unavailable': true,
  'unreachable': true,
  'interrupted': true,
  'corrupt': false, // It is not known which of the parts is wrong.
  'bad-reply': true,
  'out-of-order': true, // It is about a listing, not about an object.
  'stale-cdn': false, // Other parts may have come from the stale cache too.
  'unsupported': false, // No fix makes this store take these parts.
};

/** Whether the work is worth another attempt later. */
export function isTransient(fault: Fault): boolean {
  return transient[fault];
}

/** Whether the same request is worth sending again within the attempt. */
export function isRepeatable(fault: Fault): boolean {
  return repeatable.has(fault);
}

/** Whether a later attempt may build on the parts that were written before this fault. */
export function keepsParts(fault: Fault): boolean {
  return partsKept[fault];
}
