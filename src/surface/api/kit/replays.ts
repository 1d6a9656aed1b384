import { RequestError } from './request-error.ts';

/** As long as a signature may be valid: 15 minutes before its date, and 15 after. */
const KEPT_MS = 30 * 60_000;
const KEPT_MAX = 100_000;

/** Remembers signatures that were used, as long as they could be used again. */
export class Replays {
  readonly #now: () => number;
  /** When each was used, the oldest first. */
  readonly #used = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Whether a signature of a key may be used now: for the first time, or so soon after it that the
   * client itself may have asked twice, since clients sign to the second.
   *
   * @throws {RequestError} `too-many-requests` where no further signature can be remembered: one that is forgotten
   *   while it is valid could be used again.
   */
  mayUse(accessKeyId: string, signature: string, graceMs: number): boolean {
    this.#forgetOld();
    const use = `${accessKeyId} ${signature}`;
    const first = this.#used.get(use);
    if (first !== undefined) return this.#now() - first < graceMs;
    this.#assertRoom();
    this.#used.set(use, this.#now());
    return true;
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [use, at] of this.#used) {
      if (now - at <= KEPT_MS) return;
      this.#used.delete(use);
    }
  }

  #assertRoom(): void {
    const [oldest] = this.#used.values();
    if (oldest === undefined || this.#used.size < KEPT_MAX) return;
    const seconds = Math.ceil((oldest + KEPT_MS - this.#now() + 1) / 1000);
    const detail = `too many signed calls in the last 30 minutes; try again in ${seconds} s`;
    throw new RequestError('too-many-requests', detail, { retryAfterSeconds: seconds });
  }
}
