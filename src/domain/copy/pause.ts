import { type Backoff, backoffMs } from '../../platform/base/backoff.ts';
import type { Clock } from '../../platform/base/clock.ts';
import type { StoreError } from '../../platform/model/store-error.ts';

const backoff: Backoff = { baseMs: 200, maxMs: 20_000 };

/**
 * Waits before a failed request is retried within the attempt, at least as long as the store requests.
 *
 * @throws {StoreError} The failure, where the store requests a longer wait than an attempt allows.
 */
export async function pauseAfter(
  failure: StoreError,
  tries: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const asked = failure.details.retryAfterMs ?? 0;
  if (asked > backoff.maxMs) throw failure;
  await clock.sleep(Math.max(asked, backoffMs(tries, backoff, clock.random())), signal);
}
