export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before attempt `attempt + 1`, in milliseconds: doubled each time, capped, and
 * drawn from the upper half of that span, so that what failed together does not return together.
 *
 * @param attempt The attempt that just failed, counted from 1.
 * @param random Uniform in [0, 1).
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff, random: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 40));
  return Math.round(ceiling * (0.5 + random / 2));
}
