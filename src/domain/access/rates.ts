import { createHash } from 'node:crypto';
import { BoundedMap } from '../../platform/base/bounded-map.ts';
import { RateLimit } from '../../platform/base/rate-limit.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { takeOfRate } from './rates-table.ts';

/** How often something may happen in a minute, for each key separately. */
export interface Rate {
  /** Milliseconds until one may pass; 0: now, and then {@link has} is true. */
  wait(key: string): Promise<number>;
  /** Whether one may pass, as far as this process knows. */
  has(key: string): boolean;
  /** Counts one, even where none is left. */
  take(key: string): void;
}

export interface Rates {
  /** @param perMinute 0: without a limit. */
  of(name: string, perMinute: number): Rate;
}

const MINUTE_MS = 60_000;
const KEYS_MAX = 10_000;
/** A process reserves one second's worth at once. What it has not used after a minute expires. */
const SLICES_A_MINUTE = 60;
/** Where less is left than was wanted, a process reads the database again only after this long. */
const REST_MS = 200;

const unlimited: Rate = {
  wait: () => Promise.resolve(0),
  has: () => true,
  take: () => undefined,
};

/** For one process. */
export class MemoryRates implements Rates {
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  of(_name: string, perMinute: number): Rate {
    const limit = new RateLimit({ perMinute, now: this.#now });
    return {
      wait: (key) => Promise.resolve(limit.wait(key)),
      has: (key) => limit.wait(key) === 0,
      take: (key) => void limit.take(key),
    };
  }
}

/**
 * For all processes on one database. Each process reserves slices of what a minute allows, so that it waits for the
 * database once in a second's worth of calls. Together the processes let no more through than one process would,
 * except for the slices that they still hold from the minute before.
 */
export class DatabaseRates implements Rates {
  readonly #db: Db;
  readonly #now: () => number;

  constructor(db: Db, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  of(name: string, perMinute: number): Rate {
    if (perMinute === 0) return unlimited;
    return new DatabaseRate(this.#db, { name, perMinute, now: this.#now });
  }
}

interface Slice {
  /** Negative where more passed than was left. */
  count: number;
  /** When as much has come back in the database: what is unused ends then. */
  until: number;
  /** Before this time the database is not read. */
  restUntil: number;
  /** When the next one may pass, as the database said. */
  nextAt: number;
  /** How many calls wait for the database. */
  waiting: number;
  asking: Promise<void> | undefined;
}

class DatabaseRate implements Rate {
  readonly #db: Db;
  readonly #name: string;
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #slices = new BoundedMap<string, Slice>(KEYS_MAX);

  constructor(db: Db, options: { name: string; perMinute: number; now: () => number }) {
    this.#db = db;
    this.#name = options.name;
    this.#perMinute = options.perMinute;
    this.#now = options.now;
  }

  async wait(key: string): Promise<number> {
    const slice = this.#sliceOf(key);
    while (!this.#hasOne(slice)) {
      const now = this.#now();
      if (slice.restUntil > now) return Math.max(1, Math.ceil(slice.nextAt - now));
      slice.waiting += 1;
      try {
        await (slice.asking ??= this.#ask(key, slice));
      } finally {
        slice.waiting -= 1;
      }
    }
    return 0;
  }

  has(key: string): boolean {
    const slice = this.#slices.get(key);
    return slice !== undefined && this.#hasOne(slice);
  }

  take(key: string): void {
    const slice = this.#sliceOf(key);
    slice.count = Math.max(slice.count - 1, -this.#perMinute);
  }

  #sliceOf(key: string): Slice {
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const made: Slice = {
      ...{ count: 0, until: 0, restUntil: 0, nextAt: 0 },
      ...{ waiting: 0, asking: undefined },
    };
    this.#slices.set(key, made);
    return made;
  }

  #hasOne(slice: Slice): boolean {
    return slice.count >= 1 && slice.until > this.#now();
  }

  async #ask(key: string, slice: Slice): Promise<void> {
    try {
      const perMinute = this.#perMinute;
      // What was not used in time has come back in the database.
      const left = slice.until > this.#now() ? slice.count : Math.min(0, slice.count);
      const wanted = Math.max(Math.ceil(perMinute / SLICES_A_MINUTE), slice.waiting) - left;
      const digest = createHash('sha256').update(`${this.#name} ${key}`).digest();
      const before = slice.count;
      const { granted, leftOver } = await takeOfRate(this.#db, digest, { perMinute, wanted });
      const now = this.#now();
      // What was taken meanwhile counts for the new slice.
      slice.count = left + granted + (slice.count - before);
      slice.until = now + MINUTE_MS;
      if (granted >= wanted) return;
      const missing = Math.max(0, 1 - slice.count - leftOver);
      slice.nextAt = now + Math.max(REST_MS, (missing * MINUTE_MS) / perMinute);
      slice.restUntil = slice.count >= 1 ? now + REST_MS : slice.nextAt;
    } finally {
      slice.asking = undefined;
    }
  }
}
