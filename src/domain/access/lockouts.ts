import { createHash } from 'node:crypto';
import { BoundedMap } from '../../platform/base/bounded-map.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { countAttempt, findAttempts, forgetAttempts } from './attempts-table.ts';

/**
 * Counts failures in a row. After five of them the key is locked out for five minutes.
 *
 * `outUntil` and the first step of `failed` do not wait, so that of many attempts that a process receives at once no
 * more than five are judged. What other processes counted comes with `refresh`, and with the answer to `failed`.
 */
export interface Lockouts {
  /** Until when the key is locked out, in milliseconds; undefined where it is not. */
  outUntil(key: string): number | undefined;
  /** Reads what all processes have counted; of a key without failures, at most once a second. */
  refresh(key: string): Promise<void>;
  failed(key: string): Promise<void>;
  succeeded(key: string): Promise<void>;
}

/** Log-ins of an address, counted by all processes. */
export interface LogIns {
  /** Counts one. @returns Milliseconds until a log-in may pass; 0: now. */
  take(address: string, perMinute: number): Promise<number>;
}

const FAILURES_MAX = 5;
const OUT_MS = 5 * 60_000;
const MINUTE_MS = 60_000;
const KEYS_MAX = 10_000;
const FRESH_MS = 1_000;

/** For one process. */
export class MemoryLockouts implements Lockouts {
  readonly #now: () => number;
  /** Bounded: a key that a flood of others displaces gets five more tries. */
  readonly #counts = new BoundedMap<string, { readonly count: number; readonly until: number }>(
    KEYS_MAX,
  );

  constructor(now: () => number) {
    this.#now = now;
  }

  outUntil(key: string): number | undefined {
    const known = this.#live(key);
    return known !== undefined && known.count >= FAILURES_MAX ? known.until : undefined;
  }

  async refresh(): Promise<void> {
    // This process counts alone, so there is nothing to read.
  }

  async failed(key: string): Promise<void> {
    this.set(key, this.count(key) + 1, OUT_MS);
  }

  async succeeded(key: string): Promise<void> {
    this.#counts.delete(key);
  }

  count(key: string): number {
    return this.#live(key)?.count ?? 0;
  }

  set(key: string, count: number, forMs: number): void {
    this.#counts.set(key, { count, until: this.#now() + forMs });
  }

  #live(key: string): { readonly count: number; readonly until: number } | undefined {
    const known = this.#counts.get(key);
    return known !== undefined && known.until > this.#now() ? known : undefined;
  }
}

/** For all processes on one database. */
export class DatabaseLockouts implements Lockouts, LogIns {
  readonly #db: Db;
  readonly #now: () => number;
  readonly #local: MemoryLockouts;
  /** When the count of a key was last read from the database. */
  readonly #read = new BoundedMap<string, number>(KEYS_MAX);

  constructor(db: Db, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#local = new MemoryLockouts(now);
  }

  outUntil(key: string): number | undefined {
    return this.#local.outUntil(key);
  }

  async refresh(key: string): Promise<void> {
    const readAt = this.#read.get(key);
    const fresh = readAt !== undefined && Math.abs(this.#now() - readAt) < FRESH_MS;
    // A key that has failed is rare, and each of its attempts counts.
    if (fresh && this.#local.count(key) === 0) return;
    const found = await findAttempts(this.#db, digestOf('key', key));
    this.#read.set(key, this.#now());
    if (found !== undefined) this.#learn(key, found);
  }

  async failed(key: string): Promise<void> {
    await this.#local.failed(key);
    const window = { forMs: OUT_MS, extends: true };
    this.#learn(key, await countAttempt(this.#db, digestOf('key', key), window));
  }

  async succeeded(key: string): Promise<void> {
    if (this.#local.count(key) === 0) return;
    await this.#local.succeeded(key);
    await forgetAttempts(this.#db, digestOf('key', key));
  }

  async take(address: string, perMinute: number): Promise<number> {
    if (perMinute === 0) return 0;
    const window = { forMs: MINUTE_MS, extends: false };
    const { count, leftMs } = await countAttempt(this.#db, digestOf('log-in', address), window);
    return count <= perMinute ? 0 : Math.max(1, leftMs);
  }

  /** Keeps the larger count, because the database may not have counted all attempts of this process yet. */
  #learn(
    key: string,
    { count, leftMs }: { readonly count: number; readonly leftMs: number },
  ): void {
    this.#local.set(key, Math.max(count, this.#local.count(key)), leftMs);
  }
}

function digestOf(kind: string, key: string): Buffer {
  return createHash('sha256').update(`${kind} ${key}`).digest();
}
