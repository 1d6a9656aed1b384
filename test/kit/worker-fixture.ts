import type { ClaimedChange, ClaimRequest } from '../../src/domain/queue/changes.ts';
import { DatabaseError } from '../../src/platform/postgres/db.ts';
import type { Settlement } from '../../src/domain/queue/settle.ts';
import type { Claim, WorkResult } from '../../src/domain/queue/work.ts';
import { claimedChange } from './claimed-change.ts';
import { SteppedClock } from './stepped-clock.ts';
import { Worker, type WorkerOptions, type WorkQueue } from '../../src/domain/queue/worker.ts';

/** Returns whether the test treats a key as found by a scan: its prefix says so. */
function isScanned(key: string): boolean {
  return key.startsWith('scanned/');
}

/** The database's side, in memory: what is due is a list of keys for each task. */
export class FakeQueue implements WorkQueue {
  readonly due = new Map<string, string[]>();
  readonly settled: (Settlement & { readonly taskId: string })[] = [];
  readonly renewals: string[][] = [];
  claimIds = 0;
  looks = 0;
  nextDueMs: number | undefined;
  /** Thrown by the next calls, one each. */
  readonly errors: Error[] = [];
  renewing = true;
  /** Awaited by a claim after it took its keys. */
  claimGate: Promise<void> = Promise.resolve();

  add(taskId: string, ...keys: string[]): void {
    this.due.set(taskId, [...(this.due.get(taskId) ?? []), ...keys]);
  }

  async dueTasks() {
    this.looks += 1;
    const error = this.errors.shift();
    if (error !== undefined) throw error;
    return [...this.due].filter(([, keys]) => keys.length > 0).map(([taskId]) => taskId);
  }

  async claim({ taskId, limit, scanned }: ClaimRequest): Promise<ClaimedChange[]> {
    const due = this.due.get(taskId) ?? [];
    const ofScans = due.filter(isScanned);
    const events = due.filter((key) => !isScanned(key));
    const shared = ofScans.splice(0, Math.min(limit, scanned.least, scanned.most));
    const first = events.splice(0, limit - shared.length);
    const room = Math.min(limit - first.length, scanned.most) - shared.length;
    const keys = [...shared, ...first, ...ofScans.splice(0, Math.max(0, room))];
    this.due.set(taskId, [...events, ...ofScans]);
    await this.claimGate;
    return keys.map((key) =>
      claimedChange({
        key,
        claimId: String((this.claimIds += 1)),
        lane: isScanned(key) ? 1 : 0,
      }),
    );
  }

  async renew({ claims }: { claims: readonly { key: string; claimId: string }[] }) {
    if (!this.renewing) throw new DatabaseError('unavailable', 'gone');
    this.renewals.push(claims.map(({ key }) => key));
    return new Set(claims.map(({ claimId }) => claimId));
  }

  async settle(taskId: string, settlements: readonly Settlement[]) {
    for (const settlement of settlements) {
      this.settled.push({ ...settlement, taskId });
      if (settlement.released) this.add(taskId, settlement.key);
    }
    return new Set(settlements.map(({ claimId }) => claimId));
  }

  async untilNextDue() {
    return this.nextDueMs;
  }

  /** Keys that were settled as done. */
  done(taskId: string): string[] {
    return this.settled
      .filter((one) => one.taskId === taskId && one.done)
      .map(({ key }) => key)
      .sort();
  }

  released(): string[] {
    return this.settled.filter((one) => one.released).map(({ key }) => key);
  }
}

export const done: WorkResult = { done: true, delayMs: 0, released: false, outcome: 'copied' };

/** Makes a worker whose changes are in work until the test ends them. */
export function workerOf(options: Partial<WorkerOptions> = {}) {
  const queue = new FakeQueue();
  const clock = new SteppedClock();
  const inWork = new Map<string, { claim: Claim; end: () => void }>();
  const errors: string[] = [];
  const worker = new Worker({
    queue,
    clock,
    // Works until the test ends it, or its lease expires.
    handle: (claim) =>
      new Promise<WorkResult>((resolve) => {
        const end = () => {
          inWork.delete(claim.key);
          resolve(done);
        };
        inWork.set(claim.key, { claim, end });
        claim.lease.signal.addEventListener('abort', end);
      }),
    concurrency: 4,
    taskConcurrency: 2,
    leaseMs: 60_000,
    onSettled: () => undefined,
    onLate: () => undefined,
    onError: (doing) => errors.push(doing),
    ...options,
  });
  return {
    queue,
    clock,
    worker,
    inWork,
    errors,
    working: () => [...inWork.keys()].sort(),
    /** Stops at once, whatever is in work. */
    end: async (): Promise<void> => {
      await clock.passUntil(worker.stop(0));
    },
  };
}
