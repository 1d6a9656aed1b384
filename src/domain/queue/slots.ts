import { BoundedMap } from '../../platform/base/bounded-map.ts';
import type { Claim } from './work.ts';

export interface SlotsOptions {
  /** Changes in work at once. */
  readonly concurrency: number;
  /** Of these, of one task that is alone. */
  readonly taskConcurrency: number;
}

/** Of so many slots, or claims, of a task one is for the keys of scans while events wait, and one for events otherwise. */
const SHARE = 8;
/** Tasks whose share is counted; what is forgotten of a task delays one key of a scan. */
const TASKS_MAX = 10_000;

interface Waiting {
  readonly events: Claim[];
  readonly scanned: Claim[];
}

/** The slots that a task has in use. */
interface Busy {
  readonly all: number;
  readonly scanned: number;
}

/**
 * Decides which claim gets a free slot of this process.
 *
 * A slot goes to the task with the fewest changes in work; among equal tasks, to the one that was served
 * longest ago. A task may use the share `taskConcurrency / concurrency` of the slots that the other tasks
 * leave free, so tasks that hang always leave slots for tasks that come later.
 *
 * Within a task events go first. A scan still gets on: its keys have one grant in eight, and one slot in eight. And
 * they leave as many slots free, so that an event begins at once even where all the keys of a scan are slow.
 */
export class Slots {
  readonly #options: SlotsOptions;
  /** Claims that wait for a slot, by task, none empty. The task that was served last comes last. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #busyOf = new Map<string, Busy>();
  /** Events of a task that got a slot since one of its scanned keys did; counted up to where the next one is due. */
  readonly #eventsSince = new BoundedMap<string, number>(TASKS_MAX);
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
    const left = concurrency - this.#busy + this.#of(taskId).all;
    return Math.max(1, Math.floor((left * Math.min(taskConcurrency, concurrency)) / concurrency));
  }

  /**
   * How many scanned keys a claim for a task should bring.
   *
   * @param claim.held Scanned keys that are claimed already.
   * @param claim.most What the task may have claimed in all.
   */
  scannedOf(
    taskId: string,
    { limit, held, most }: { readonly limit: number; readonly held: number; readonly most: number },
  ): { readonly least: number; readonly most: number } {
    const due = Math.floor(((this.#eventsSince.get(taskId) ?? 0) + limit) / SHARE);
    return {
      least: Math.min(due, Math.max(0, shareOf(most, 1) - held)),
      most: Math.max(0, most - shareOf(this.limitOf(taskId), 0) - held),
    };
  }

  add(claim: Claim): void {
    let waiting = this.#waiting.get(claim.taskId);
    if (waiting === undefined) {
      waiting = { events: [], scanned: [] };
      this.#waiting.set(claim.taskId, waiting);
    }
    (claim.lane === 0 ? waiting.events : waiting.scanned).push(claim);
  }

  /** Removes the waiting claims of a task, except the first `kept`: the events, then the oldest. */
  takeBack(taskId: string, kept = 0): Claim[] {
    const { events = [], scanned = [] } = this.#waiting.get(taskId) ?? {};
    const back = [...events.splice(kept), ...scanned.splice(Math.max(0, kept - events.length))];
    if (events.length + scanned.length === 0) this.#waiting.delete(taskId);
    return back;
  }

  /** Takes a free slot for the next claim, if a task may have it. {@link free} releases the slot. */
  next(): Claim | undefined {
    if (this.#busy >= this.#options.concurrency) return undefined;
    const passed = new Set<string>();
    for (;;) {
      const taskId = this.#poorest(passed);
      // Tasks with more slots may not have another one either.
      if (taskId === undefined || this.#of(taskId).all >= this.limitOf(taskId)) return undefined;
      const claim = this.#take(taskId);
      if (claim !== undefined) return claim;
      passed.add(taskId);
    }
  }

  free({ taskId, lane }: Claim): void {
    this.#busy -= 1;
    const { all, scanned } = this.#of(taskId);
    if (all === 1) this.#busyOf.delete(taskId);
    else this.#busyOf.set(taskId, { all: all - 1, scanned: scanned - (lane === 0 ? 0 : 1) });
  }

  /** @returns Undefined where only scanned keys wait, and these have as many slots as they may. */
  #take(taskId: string): Claim | undefined {
    const waiting = this.#waiting.get(taskId);
    if (waiting === undefined) return undefined;
    const isScanned = this.#isTurnOfScan(taskId, waiting);
    if (isScanned === undefined) return undefined;
    const claim = (isScanned ? waiting.scanned : waiting.events).shift();
    this.#waiting.delete(taskId);
    if (waiting.events.length + waiting.scanned.length > 0) this.#waiting.set(taskId, waiting);
    const { all, scanned } = this.#of(taskId);
    this.#busy += 1;
    this.#busyOf.set(taskId, { all: all + 1, scanned: scanned + (isScanned ? 1 : 0) });
    const events = isScanned ? 0 : Math.min((this.#eventsSince.get(taskId) ?? 0) + 1, SHARE - 1);
    this.#eventsSince.set(taskId, events);
    return claim;
  }

  #isTurnOfScan(taskId: string, { events, scanned }: Waiting): boolean | undefined {
    if (scanned.length === 0) return false;
    const limit = this.limitOf(taskId);
    const inWork = this.#of(taskId).scanned;
    if (events.length === 0) return inWork < limit - shareOf(limit, 0) ? true : undefined;
    return (this.#eventsSince.get(taskId) ?? 0) >= SHARE - 1 && inWork < shareOf(limit, 1);
  }

  #of(taskId: string): Busy {
    return this.#busyOf.get(taskId) ?? { all: 0, scanned: 0 };
  }

  #poorest(passed: ReadonlySet<string>): string | undefined {
    let poorest: string | undefined;
    for (const taskId of this.#waiting.keys()) {
      if (passed.has(taskId)) continue;
      if (poorest === undefined || this.#of(taskId).all < this.#of(poorest).all) poorest = taskId;
    }
    return poorest;
  }
}

/** One in eight; of few slots one, of one slot `ofOne`. */
function shareOf(slots: number, ofOne: 0 | 1): number {
  return slots <= 1 ? ofOne : Math.max(1, Math.floor(slots / SHARE));
}
