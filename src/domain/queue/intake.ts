import type { NamedKeys } from './changes.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';

export class IntakeFull extends Error {
  override readonly name = 'IntakeFull';
}

export interface SyncEvent {
  readonly taskId: string;
  readonly projectId: string;
  readonly keys: readonly string[];
}

export interface IntakeOptions {
  /** Writes named keys, all or nothing; gives the tasks that took theirs, with their projects. */
  readonly commit: (named: readonly NamedKeys[]) => Promise<ReadonlyMap<string, string>>;
  readonly onAccepted: (keys: number) => void;
  /** Keys of one commit. */
  readonly batchMax: number;
  /** Keys that may wait for a commit; beyond, events are refused. */
  readonly queueMax: number;
}

interface Waiting {
  readonly event: SyncEvent;
  readonly resolve: (taken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes events durable, many in one commit: what arrives while one commit runs shares the next.
 * One event that cannot be written fails alone.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #queue: Waiting[] = [];
  #queuedKeys = 0;
  #running: Promise<void> | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the event is durable: true when its task took it, false when the task is not
   * there or not running.
   *
   * @throws {IntakeFull} when too much waits already.
   */
  accept(event: SyncEvent): Promise<boolean> {
    if (this.#queuedKeys + event.keys.length > this.#options.queueMax) {
      return Promise.reject(new IntakeFull('too many events wait to be written'));
    }
    this.#queuedKeys += event.keys.length;
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when all that was accepted so far is written. */
  async drained(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Lets the requests of this turn of the event loop share the first commit.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#write(this.#take());
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let keys = 0;
    let count = 0;
    for (const { event } of this.#queue) {
      if (count > 0 && keys + event.keys.length > this.#options.batchMax) break;
      keys += event.keys.length;
      count += 1;
    }
    this.#queuedKeys -= keys;
    return this.#queue.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      const taken = await this.#options.commit(merge(batch));
      for (const { event, resolve } of batch) {
        const ours = taken.get(event.taskId) === event.projectId;
        if (ours) this.#options.onAccepted(event.keys.length);
        resolve(ours);
      }
    } catch (error) {
      // Each event tries alone, so that only the one that cannot be written fails; unless it is the
      // database that cannot write, because each event would then wait for that again.
      if (batch.length > 1 && !isDown(error)) for (const one of batch) await this.#write([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

/** Whether each event alone would meet the same; those in each other's way may well be written one by one. */
function isDown(error: unknown): boolean {
  return error instanceof DatabaseError && error.transient && error.fault !== 'contended';
}

/** One entry for each task and project, its keys distinct. */
function merge(batch: readonly Waiting[]): NamedKeys[] {
  const tasks = new Map<
    string,
    { taskId: string; projectId: string; keys: Set<string>; accepted: number }
  >();
  for (const { event } of batch) {
    const id = `${event.taskId}/${event.projectId}`;
    const known = tasks.get(id);
    const entry = known ?? {
      taskId: event.taskId,
      projectId: event.projectId,
      keys: new Set<string>(),
      accepted: 0,
    };
    if (known === undefined) tasks.set(id, entry);
    for (const key of event.keys) entry.keys.add(key);
    entry.accepted += event.keys.length;
  }
  return [...tasks.values()].map((entry) => ({ ...entry, keys: [...entry.keys] }));
}
