import type { Clock } from '../../base/clock.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { around } from './around.ts';

/**
 * A store that slows down when it is told to: no pace at all until the cloud throttles, then half
 * of what was asked of it in the last second, and again half at each further complaint. The pace
 * grows back by a tenth a second, and is dropped when it is far above what is asked.
 */
export function paced(inner: Store, clock: Clock): Store {
  const pace = new Pace(clock);

  async function kept<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const startedAt = await pace.turn(signal);
    try {
      return await run();
    } catch (error) {
      if (error instanceof StoreError && error.fault === 'throttled') pace.slowDown(startedAt);
      throw error;
    }
  }

  return around(inner, {
    call: (_operation, signal, run) => kept(signal, run),
    read: (signal, run) => kept(signal, run),
  });
}

/** Requests a second: the slowest of all, and the slowest after a first complaint. */
const SLOWEST = 1;
const SLOW = 10;
const GROWTH = 1.1;
const WINDOW_MS = 1000;

class Pace {
  readonly #clock: Clock;
  /** Requests a second; infinite while nobody has complained. */
  #rate = Number.POSITIVE_INFINITY;
  #nextAt = 0;
  #changedAt = 0;
  #windowStart = 0;
  #inWindow = 0;
  #lastWindow = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the next request may go; the time at which it went. */
  async turn(signal: AbortSignal): Promise<number> {
    const now = this.#clock.monotonic();
    this.#count(now);
    if (this.#rate === Number.POSITIVE_INFINITY) return now;
    this.#grow(now);
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + 1000 / this.#rate;
    if (at > now) await this.#clock.sleep(at - now, signal);
    return at;
  }

  slowDown(startedAt: number): void {
    // What was under way when we slowed down says nothing of the new pace.
    if (startedAt <= this.#changedAt) return;
    const now = this.#clock.monotonic();
    this.#count(now);
    const asked = Math.max(this.#lastWindow, this.#inWindow);
    const first = this.#rate === Number.POSITIVE_INFINITY;
    this.#rate = Math.max(first ? SLOW : SLOWEST, Math.min(this.#rate, asked) / 2);
    this.#changedAt = now;
    this.#nextAt = now + 1000 / this.#rate;
  }

  #grow(now: number): void {
    const seconds = Math.floor((now - this.#changedAt) / 1000);
    if (seconds < 1) return;
    this.#rate *= GROWTH ** seconds;
    this.#changedAt += seconds * 1000;
    const asked = Math.max(this.#lastWindow, this.#inWindow);
    if (this.#rate > 4 * asked + 100) this.#rate = Number.POSITIVE_INFINITY;
  }

  #count(now: number): void {
    const passed = now - this.#windowStart;
    if (passed >= WINDOW_MS) {
      this.#lastWindow = passed < 2 * WINDOW_MS ? this.#inWindow : 0;
      this.#inWindow = 0;
      this.#windowStart = now;
    }
    this.#inWindow += 1;
  }
}
