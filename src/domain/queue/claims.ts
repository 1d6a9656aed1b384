import type { Clock } from '../../platform/base/clock.ts';
import type { ClaimedChange } from './changes.ts';
import type { Claim, Lease } from './work.ts';

interface OfTask {
  readonly held: Map<string, HeldClaim>;
  /** Of these, those whose work has not ended, and among them the keys that scans have found. */
  open: number;
  scanned: number;
}

/** The changes that one process has claimed and not settled yet. */
export class Claims {
  readonly #clock: Clock;
  readonly #byTask = new Map<string, OfTask>();
  #size = 0;
  #open = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Claims whose work has not ended; the result of the others is not settled yet. */
  get open(): number {
    return this.#open;
  }

  sizeOf(taskId: string): number {
    return this.#byTask.get(taskId)?.held.size ?? 0;
  }

  /** Claims of a task whose work has not ended, and of these the keys that scans have found. */
  openOf(taskId: string): { readonly all: number; readonly scanned: number } {
    const { open, scanned } = this.#byTask.get(taskId) ?? { open: 0, scanned: 0 };
    return { all: open, scanned };
  }

  /** @param deadline On the monotonic clock. */
  add(change: ClaimedChange, taskId: string, batch: AbortController, deadline: number): Claim {
    const held = new HeldClaim(this.#clock, batch, deadline);
    const claim = { ...change, taskId, lease: held };
    let ofTask = this.#byTask.get(taskId);
    if (ofTask === undefined) {
      ofTask = { held: new Map(), open: 0, scanned: 0 };
      this.#byTask.set(taskId, ofTask);
    }
    held.key = change.key;
    ofTask.held.set(change.claimId, held);
    this.#size += 1;
    this.#open += 1;
    ofTask.open += 1;
    if (change.lane !== 0) ofTask.scanned += 1;
    return claim;
  }

  /** Its work has ended, and its result is to be settled. */
  ended({ taskId, lane }: Pick<Claim, 'taskId' | 'lane'>): void {
    const ofTask = this.#byTask.get(taskId);
    if (ofTask === undefined) return;
    this.#open -= 1;
    ofTask.open -= 1;
    if (lane !== 0) ofTask.scanned -= 1;
  }

  /** Its result is settled; its work has {@link ended} before. */
  remove({ taskId, claimId }: Pick<Claim, 'taskId' | 'claimId'>): void {
    const ofTask = this.#byTask.get(taskId);
    if (ofTask?.held.delete(claimId) !== true) return;
    this.#size -= 1;
    if (ofTask.held.size === 0) this.#byTask.delete(taskId);
  }

  /** What to renew, a task at a time. */
  *tasks(): Iterable<{ taskId: string; claims: { key: string; claimId: string }[] }> {
    for (const [taskId, { held: claims }] of this.#byTask) {
      yield {
        taskId,
        claims: Array.from(claims, ([claimId, held]) => ({ key: held.key, claimId })),
      };
    }
  }

  renewed(taskId: string, claimIds: ReadonlySet<string>, deadline: number): void {
    for (const [claimId, held] of this.#byTask.get(taskId)?.held ?? []) {
      if (claimIds.has(claimId)) held.deadline = deadline;
    }
  }

  /** Ends what has passed its deadline. */
  expire(): void {
    for (const { held: claims } of this.#byTask.values()) {
      for (const held of claims.values()) if (!held.held()) held.end();
    }
  }

  /** Ends everything, as a process does that stops. */
  abortAll(): void {
    for (const { held: claims } of this.#byTask.values()) {
      for (const held of claims.values()) held.end();
    }
  }
}

/**
 * One lease. The claims of a batch share one signal, since a signal for each would cost more than a small
 * object does. A lease of a batch that passes its deadline so ends the attempts of the whole batch,
 * which happens only when the database could not be reached for most of a lease's time.
 */
class HeldClaim implements Lease {
  readonly #clock: Clock;
  readonly #batch: AbortController;
  deadline: number;
  key = '';

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
