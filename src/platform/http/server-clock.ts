import type { Clock } from '../base/clock.ts';
import type { HttpReply } from './http.ts';
import { dateOf, headerOf } from './headers.ts';

/** Beyond a quarter of an hour clouds refuse a request's date. */
const SKEW_MS = 600_000;

/** The time as a store has it: ours, until it has refused a date. */
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
   * Learns from a refusal what time it is there, where it told that the clocks differ, or where the
   * dates tell it.
   *
   * @param refused.signedAt The time that the request was signed with: others may have learned since then.
   * @returns Whether the same request may do with the new time.
   */
  learn(
    headers: HttpReply['headers'],
    { told, signedAt }: { readonly told: boolean; readonly signedAt: number },
  ): boolean {
    const theirs = dateOf(headerOf(headers, 'date'));
    if (theirs === undefined) return told;
    if (!told && Math.abs(theirs - signedAt) < SKEW_MS) return false;
    this.#aheadMs = theirs - this.#clock.now();
    return true;
  }
}
