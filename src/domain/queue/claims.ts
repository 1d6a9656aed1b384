import type { Clock } from '../../platform/base/clock.ts';
import type { ClaimedChange } from './changes.ts';
import type { Claim, Lease } from './work.ts';

/** The changes that one process has claimed and not settled yet. */
export class Claims {
  readonly #clock: Clock;
  readonly #byTask = new Map<string, Map<string, HeldClaim>>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(taskId: string): number {
    return this.#byTask.get(taskId)?.size ?? 0;
  }

  /** Of these, keys that scans have found. */
  scannedOf(taskId: string): number {
    let scanned = 0;
    for (const held of this.#byTask.get(taskId)?.values() ?? []) if (held.lane !== 0) scanned += 1;
    return scanned;
  }

  /** @param deadline On the monotonic clock. */
  add(change: ClaimedChange, taskId: string, batch: AbortController, deadline: number): Claim {
    const held = new HeldClaim(this.#clock, batch, deadline);
    const claim = { ...change, taskId, lease: held };
    let claims = this.#byTask.get(taskId);
    if (claims === undefined) {
      claims = new Map();
      this.#byTask.set(taskId, claims);
    }
    held.key = change.key;
    held.lane = change.lane;
    claims.set(change.claimId, held);
    this.#size += 1;
    return claim;
  }

  remove({ taskId, claimId }: Pick<Claim, 'taskId' | 'claimId'>): void {
    const claims = this.#byTask.get(taskId);
    if (claims?.delete(claimId) !== true) return;
    this.#size -= 1;
    if (claims.size === 0) this.#byTask.delete(taskId);
  }

  /** What to renew, a task at a time. */
  *tasks(): Iterable<{ taskId: string; claims: { key: string; claimId: string }[] }> {
    for (const [taskId, claims] of this.#byTask) {
      yield {
        taskId,
        claims: Array.from(claims, ([claimId, held]) => ({ key: held.key, claimId })),
      };
    }
  }

  renewed(taskId: string, claimIds: ReadonlySet<string>, deadline: number): void {
    for (const [claimId, held] of this.#byTask.get(taskId) ?? []) {
      if (claimIds.has(claimId)) held.deadline = deadline;
    }
  }

  /** Ends what has passed its deadline. */
  expire(): void {
    for (const claims of this.#byTask.values()) {
      for (const held of claims.values()) if (!held.held()) held.end();
    }
  }

  /** Ends everything, as a process does that stops. */
  abortAll(): void {
    for (const claims of this.#byTask.values()) for (const held of claims.values()) held.end();
  }
}

/**
 * One lease. The claims of a batch share one signal: a signal for each would cost more than a small
 * object does. A lease of a batch that passes its deadline so ends the attempts of the whole batch,
 * which happens only when the database could not be reached for most of a lease's time.
 */
class HeldClaim implements Lease {
  readonly #clock: Clock;
  readonly #batch: AbortController;
  deadline: number;
  key = '';
  lane = 0;

  constructor(clock: Clock, batch: AbortController, deadline: number) {
    this.#clock = clock;
    this.#batch = batch;
    this.deadline = deadline;
  }

  get signal(): AbortSignal {
    return this.#batch.signal;
  }

  held(): boolean {
    return this.#clock.monotonic() < this.deadline && !this.#batch.signal.aborted;
  }

  end(): void {
    this.#batch.abort(new Error('the right to work on this ended'));
  }
}
