import type { Clock } from '../base/clock.ts';
import { afterAnswer, afterSending, type Observation, type Pace, unpaced } from './pace.ts';

/** How long the queue sleeps at most: the pace may have changed meanwhile. */
const LOOK_AGAIN_MS = 100;

/**
 * Lets requests go at the {@link Pace} that their answers allow, first come first served.
 *
 * It belongs to whatever the store counts requests by: all stores that share it share its pace.
 * Nothing is held while a request is under way, so that sharing it cannot deadlock.
 */
export class Pacer {
  readonly #clock: Clock;
  #pace: Pace = unpaced;
  /** In order of arrival, as a set's members are. */
  readonly #waiting = new Set<(sentAt: number) => void>();
  #isAdmitting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the next request may be sent; the time at which it is. */
  async turn(signal: AbortSignal): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#waiting.size > 0 || this.#pace.nextAt > now) return this.#wait(signal);
    this.#pace = afterSending(this.#pace, now);
    return now;
  }

  /** The store has answered a request. */
  answered(answer: Omit<Observation, 'at'>): void {
    this.#pace = afterAnswer(this.#pace, { ...answer, at: this.#clock.monotonic() });
  }

  #wait(signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const admit = (sentAt: number): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(sentAt);
      };
      const onAbort = (): void => {
        this.#waiting.delete(admit);
        reject(signal.reason as Error); // Whatever the caller aborts with is passed on.
      };
      this.#waiting.add(admit);
      signal.addEventListener('abort', onAbort, { once: true });
      if (!this.#isAdmitting) void this.#admitAll();
    });
  }

  async #admitAll(): Promise<void> {
    this.#isAdmitting = true;
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const now = this.#clock.monotonic();
      const left = this.#pace.nextAt - now;
      if (left > 0) {
        await this.#clock.sleep(Math.min(left, LOOK_AGAIN_MS), neverAborted);
        continue;
      }
      this.#pace = afterSending(this.#pace, now);
      this.#waiting.delete(first);
      first(now);
    }
    this.#isAdmitting = false;
  }
}

const neverAborted = new AbortController().signal;
