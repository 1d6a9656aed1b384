import type { Claim } from './work.ts';

export interface HandsOptions {
  /** Changes in work at once. */
  readonly concurrency: number;
  /** Of these, of one task that is alone. */
  readonly taskConcurrency: number;
}

/**
 * Which claim gets a free hand of this process.
 *
 * It goes to the task with the fewest in work, and of several such to the one that was served
 * longest ago. A task may have `taskConcurrency` of `concurrency` of those hands that the others leave it: tasks
 * that hang, several too, so leave some to whoever comes after them.
 */
export class Hands {
  readonly #options: HandsOptions;
  /** What waits for a hand, by task and in the order of lanes, none empty. The task that was served last comes last. */
  readonly #waiting = new Map<string, Claim[]>();
  readonly #busyOf = new Map<string, number>();
  #busy = 0;

  constructor(options: HandsOptions) {
    this.#options = options;
  }

  /** Hands that work. */
  get busy(): number {
    return this.#busy;
  }

  /** Tasks of which something waits for a hand. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** How many hands a task may have, as things stand. */
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

  /** Takes away what waits of a task, but for the `kept` that come first: of the lower lane, the longest. */
  takeBack(taskId: string, kept = 0): Claim[] {
    const waiting = this.#waiting.get(taskId) ?? [];
    if (kept === 0) this.#waiting.delete(taskId);
    return waiting.splice(kept);
  }

  /** Puts a hand to work, if one is free and somebody may have it: {@link free} it after. */
  next(): Claim | undefined {
    if (this.#busy >= this.#options.concurrency) return undefined;
    const taskId = this.#poorest();
    // Whoever has more may not have another one either.
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
