import type { Claim } from './work.ts';

export interface SlotsOptions {
  /** Changes in work at once. */
  readonly concurrency: number;
  /** Of these, of one task that is alone. */
  readonly taskConcurrency: number;
}

/**
 * Decides which claim gets a free slot of this process.
 *
 * A slot goes to the task with the fewest changes in work; among equal tasks, to the one that was served
 * longest ago. A task may use the share `taskConcurrency / concurrency` of the slots that the other tasks
 * leave free, so tasks that hang always leave slots for tasks that come later.
 */
export class Slots {
  readonly #options: SlotsOptions;
  /** Claims that wait for a slot, by task and in the order of lanes, none empty. The task that was served last comes last. */
  readonly #waiting = new Map<string, Claim[]>();
  readonly #busyOf = new Map<string, number>();
  #busy = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Slots in use. */
  get busy(): number {
    return this.#busy;
  }

  /** Tasks with claims that wait for a slot. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** How many slots a task may have now. */
  limitOf(taskId: string): number {
    const { concurrency, taskConcurrency } = this.#options;
    const left = concurrency - this.#busy + this.#of(taskId);
    return Math.max(1, Math.floor((left * Math.min(taskConcurrency, concurrency)) / concurrency));
  }

  add(claim: Claim): void {
    const waiting = this.#waiting.get(claim.taskId);
    if (waiting === undefined) {
      this.#waiting.set(claim.taskId, [claim]);
      return;
    }
    const before = waiting.findLastIndex(({ lane }) => lane <= claim.lane);
    waiting.splice(before + 1, 0, claim);
  }

  /** Removes the waiting claims of a task, except the first `kept`: those of the lower lane, then the oldest. */
  takeBack(taskId: string, kept = 0): Claim[] {
    const waiting = this.#waiting.get(taskId) ?? [];
    if (kept === 0) this.#waiting.delete(taskId);
    return waiting.splice(kept);
  }

  /** Takes a free slot for the next claim, if a task may have it. {@link free} releases the slot. */
  next(): Claim | undefined {
    if (this.#busy >= this.#options.concurrency) return undefined;
    const taskId = this.#poorest();
    // Tasks with more slots may not have another one either.
    if (taskId === undefined || this.#of(taskId) >= this.limitOf(taskId)) return undefined;
    const waiting = this.#waiting.get(taskId) ?? [];
    const claim = waiting.shift();
    this.#waiting.delete(taskId);
    if (waiting.length > 0) this.#waiting.set(taskId, waiting);
    this.#busy += 1;
    this.#busyOf.set(taskId, this.#of(taskId) + 1);
    return claim;
  }

  free({ taskId }: Claim): void {
    this.#busy -= 1;
    const left = this.#of(taskId) - 1;
    if (left === 0) this.#busyOf.delete(taskId);
    else this.#busyOf.set(taskId, left);
  }

  #of(taskId: string): number {
    return this.#busyOf.get(taskId) ?? 0;
  }

  #poorest(): string | undefined {
    let poorest: string | undefined;
    for (const taskId of this.#waiting.keys()) {
      if (poorest === undefined || this.#of(taskId) < this.#of(poorest)) poorest = taskId;
    }
    return poorest;
  }
}
