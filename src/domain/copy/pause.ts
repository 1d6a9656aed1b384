import { type Backoff, backoffMs } from '../../platform/base/backoff.ts';
import type { Clock } from '../../platform/base/clock.ts';
import type { StoreError } from '../../platform/model/store-error.ts';

const backoff: Backoff = { baseMs: 200, maxMs: 20_000 };

/**
 * Waits before what failed is tried again within the attempt, no shorter than the store asks.
 *
 * @throws {StoreError} The failure, where the store asks for more patience than an attempt has.
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
