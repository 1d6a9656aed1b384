import type { Clock } from '../base/clock.ts';
import type { HttpReply } from './http.ts';
import { dateOf, headerOf } from './headers.ts';

/** Beyond a quarter of an hour clouds refuse a request's date. */
const SKEW_MS = 600_000;

/** The time of a store: our own, until the store has refused a date. */
export class ServerClock {
  readonly #clock: Clock;
  /** How far the store's clock is ahead of ours. */
  #aheadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  /**
   * Learns the store's time from a refusal that reports that the clocks differ, or whose date shows
   * that they do.
   *
   * @param refused.signedAt The time with which the request was signed: others may have learned since then.
   * @returns Whether the same request may succeed with the new time.
   */
  learn(
    headers: HttpReply['headers'],
    { reported, signedAt }: { readonly reported: boolean; readonly signedAt: number },
  ): boolean {
    const theirs = dateOf(headerOf(headers, 'date'));
    if (theirs === undefined) return reported;
    if (!reported && Math.abs(theirs - signedAt) < SKEW_MS) return false;
    this.#aheadMs = theirs - this.#clock.now();
    return true;
  }
}
