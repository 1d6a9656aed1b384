import type { Clock } from '../../platform/base/clock.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import { type Health, NotReady } from './sync/sync-task-service.ts';

export interface ReadinessOptions {
  /** Does what requests need of the database. */
  readonly check: () => Promise<void>;
  /** How often the database was found not to serve: what was checked before then does not count. */
  readonly faultCount: () => number;
  readonly clock: Clock;
}

/** A check that succeeded counts for this long, unless a statement meets a fault of the database before. */
const READY_MS = 5_000;
/** A check that failed counts for this long, so that probes cannot keep a sick database busy. */
const NOT_READY_MS = 500;
const PATIENCE_MS = 5_000;

/**
 * Whether the service can do its work now: all of it has started, it can authenticate, and it can
 * write durably. Concurrent callers share one check.
 */
export class Readiness implements Health {
  readonly #options: ReadinessOptions;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #last:
    | { readonly until: number; readonly faults: number; readonly error: Error | undefined }
    | undefined;
  #checking: Promise<void> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** All parts run, and the first credentials are there. */
  begin(): void {
    this.#phase = 'serving';
  }

  /** Requests go elsewhere from now on. */
  end(): void {
    this.#phase = 'stopping';
  }

  async ready(): Promise<void> {
    if (this.#phase !== 'serving') throw new NotReady(`The service is ${this.#phase}.`);
    const { clock, faultCount } = this.#options;
    const last = this.#last;
    if (last !== undefined && clock.monotonic() < last.until) {
      if (last.error !== undefined) throw last.error;
      if (last.faults === faultCount()) return;
    }
    this.#checking ??= this.#check();
    await this.#inTime(this.#checking);
  }

  async #check(): Promise<void> {
    const { check, clock, faultCount } = this.#options;
    const faults = faultCount();
    let error: Error | undefined;
    try {
      await check();
    } catch (cause) {
      error = notReady(cause);
      throw error;
    } finally {
      const until = clock.monotonic() + (error === undefined ? READY_MS : NOT_READY_MS);
      this.#last = { until, faults, error };
      this.#checking = undefined;
    }
  }

  async #inTime(checking: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = this.#options.clock.sleep(PATIENCE_MS, done.signal).then(
      () => {
        throw new NotReady('The database took too long to answer.');
      },
      () => undefined,
    );
    try {
      await Promise.race([checking, late]);
    } finally {
      done.abort();
    }
  }
}

function notReady(cause: unknown): Error {
  const state = cause instanceof DatabaseError ? cause.state : undefined;
  return new NotReady(state ?? 'The check of the database failed.', { cause });
}
