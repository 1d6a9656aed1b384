import { backoffMs } from '../../platform/base/backoff.ts';
import type { Clock } from '../../platform/base/clock.ts';
import { Alarm } from '../../platform/base/timers.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import type { Settlement } from './settle.ts';
import type { Claim, WorkResult } from './work.ts';

export interface SettlerOptions {
  readonly clock: Clock;
  /** Gives the claims that were still ours, and whose results so are written. */
  readonly settle: (
    taskId: string,
    settlements: readonly Settlement[],
  ) => Promise<ReadonlySet<string>>;
  /** @param written Whether the result is in the database; else the change comes round again. */
  readonly onEnded: (claim: Claim, result: WorkResult, written: boolean) => void;
  readonly onLate: (taskId: string, count: number) => void;
  readonly onError: (error: unknown) => void;
  /** How long results gather before they are written together. */
  readonly gatherMs: number;
  /** So many results are worth a statement: they do not gather any longer. */
  readonly batchEnough: number;
}

interface Ended {
  readonly claim: Claim;
  readonly result: WorkResult;
}

const RETRY = { baseMs: 200, maxMs: 5_000 };

const NONE: ReadonlySet<string> = new Set();

/** Writes results; a task whose results cannot be written just now holds up no other. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #byTask = new Map<string, TaskSettler>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  add(claim: Claim, result: WorkResult): void {
    const { taskId } = claim;
    let ofTask = this.#byTask.get(taskId);
    if (ofTask === undefined) {
      ofTask = new TaskSettler(this.#options, taskId, () => this.#byTask.delete(taskId));
      this.#byTask.set(taskId, ofTask);
    }
    ofTask.add({ claim, result });
  }

  /** Resolves when all that was added so far is written or given up. */
  async drained(): Promise<void> {
    await Promise.all(Array.from(this.#byTask.values(), (ofTask) => ofTask.drained()));
  }
}

/**
 * Writes the results of one task together: those that come while one batch is written share the next.
 * A batch that cannot be written is tried again as long as its leases may be ours; after that the
 * changes come round again by themselves. Where the database refuses a batch, each result is written
 * alone, so that one that can never be written holds up no other.
 */
class TaskSettler {
  readonly #options: SettlerOptions;
  readonly #taskId: string;
  readonly #onIdle: () => void;
  #ended: Ended[] = [];
  #running: Promise<void> | undefined;
  readonly #gathering: Alarm;

  constructor(options: SettlerOptions, taskId: string, onIdle: () => void) {
    this.#options = options;
    this.#taskId = taskId;
    this.#onIdle = onIdle;
    this.#gathering = new Alarm(options.clock);
  }

  add(ended: Ended): void {
    this.#ended.push(ended);
    if (this.#ended.length >= this.#options.batchEnough) this.#gathering.ring();
    this.#running ??= this.#run();
  }

  async drained(): Promise<void> {
    this.#gathering.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#ended.length > 0) {
      await this.#gather();
      // All that came while the last batch was written: parts of it would wait for one statement each.
      await this.#write(this.#ended.splice(0));
    }
    this.#running = undefined;
    this.#onIdle();
  }

  async #gather(): Promise<void> {
    if (this.#ended.length >= this.#options.batchEnough) return;
    await this.#gathering.wait(this.#options.gatherMs);
  }

  async #write(ended: readonly Ended[]): Promise<void> {
    let held = NONE;
    try {
      held = await this.#settle(ended);
    } catch {
      // The database refused. The error is reported already, and nothing was written.
      if (ended.length > 1) {
        for (const one of ended) await this.#write([one]);
        return;
      }
    }
    for (const { claim, result } of ended) {
      this.#options.onEnded(claim, result, held.has(claim.claimId));
    }
  }

  /** @throws {DatabaseError} for what is refused however often it is tried. */
  async #settle(ended: readonly Ended[]): Promise<ReadonlySet<string>> {
    const settlements = ended.map(({ claim, result }) => ({
      ...result,
      key: claim.key,
      claimId: claim.claimId,
      generation: claim.generation,
    }));
    const { clock, settle, onLate, onError } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const held = await settle(this.#taskId, settlements);
        const late = settlements.length - held.size;
        if (late > 0) onLate(this.#taskId, late);
        return held;
      } catch (error) {
        onError(error);
        // The fault lies in what is written.
        if (error instanceof DatabaseError && !error.transient) throw error;
        if (!ended.some(({ claim }) => claim.lease.held())) return NONE;
        await clock.sleep(backoffMs(attempt, RETRY, clock.random()), new AbortController().signal);
      }
    }
  }
}
