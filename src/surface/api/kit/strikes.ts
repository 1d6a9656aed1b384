import { BoundedMap } from '../../../platform/base/bounded-map.ts';

const STRIKES_MAX = 5;
const OUT_MS = 5 * 60_000;
const KEYS_MAX = 10_000;

/** Counts failures in a row; after five of them the key is out for five minutes. */
export class Strikes {
  readonly #now: () => number;
  /** What is forgotten under a flood of keys gets five more tries: memory stays bounded. */
  readonly #counts = new BoundedMap<string, { readonly count: number; readonly until: number }>(
    KEYS_MAX,
  );

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Until when the key is out, in milliseconds; undefined where it is not. */
  outUntil(key: string): number | undefined {
    const known = this.#live(key);
    return known !== undefined && known.count >= STRIKES_MAX ? known.until : undefined;
  }

  add(key: string): void {
    const count = (this.#live(key)?.count ?? 0) + 1;
    this.#counts.set(key, { count, until: this.#now() + OUT_MS });
  }

  clear(key: string): void {
    this.#counts.delete(key);
  }

  #live(key: string): { readonly count: number; readonly until: number } | undefined {
    const known = this.#counts.get(key);
    return known !== undefined && known.until > this.#now() ? known : undefined;
  }
}
