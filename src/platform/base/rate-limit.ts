import { BoundedMap } from './bounded-map.ts';

const MINUTE_MS = 60_000;
const KEYS_MAX = 10_000;

/**
 * Lets so many through a minute, for each key apart: all of them at once if it must be, then as they come
 * back one by one.
 */
export class RateLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  /** What was left of a key, and when. If there are too many, the least recently used one starts again. */
  readonly #left = new BoundedMap<string, { readonly count: number; readonly at: number }>(
    KEYS_MAX,
  );

  constructor({
    perMinute,
    now,
  }: {
    /** 0: as many as come. */
    readonly perMinute: number;
    /** Milliseconds. */
    readonly now: () => number;
  }) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Milliseconds until one may come through; 0: now. */
  wait(key: string): number {
    if (this.#perMinute === 0) return 0;
    return Math.max(0, Math.ceil(((1 - this.#count(key)) * MINUTE_MS) / this.#perMinute));
  }

  /** Lets one through if it may, else takes nothing; as {@link wait} before it. */
  take(key: string): number {
    const wait = this.wait(key);
    if (wait > 0 || this.#perMinute === 0) return wait;
    const count = this.#count(key) - 1;
    this.#left.set(key, { count, at: this.#now() });
    return 0;
  }

  #count(key: string): number {
    const left = this.#left.get(key);
    if (left === undefined) return this.#perMinute;
    const back = (Math.max(0, this.#now() - left.at) * this.#perMinute) / MINUTE_MS;
    return Math.min(this.#perMinute, left.count + back);
  }
}
