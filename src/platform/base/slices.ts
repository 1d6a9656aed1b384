import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** Milliseconds for which nothing else of this process may have a turn. */
const SLICE_MS = 5;

/**
 * Runs short pieces of computation of many callers, so that together they do not hold the event loop for longer than a
 * slice and the last piece: then everything else that is ready gets its turn.
 */
export class Slices {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #usedMs = 0;
  #turn: Promise<void> | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  async run<T>(compute: () => T): Promise<T> {
    while (this.#isUsedUp) await this.#nextTurn();
    return this.#measured(compute);
  }

  /** As `run` for each item, and cheaper: it waits only where a slice is used up. */
  async each<T>(items: Iterable<T>, compute: (item: T) => void): Promise<void> {
    for (const item of items) {
      while (this.#isUsedUp) await this.#nextTurn();
      this.#measured(() => compute(item));
    }
  }

  get #isUsedUp(): boolean {
    return this.#usedMs >= SLICE_MS;
  }

  #measured<T>(compute: () => T): T {
    const began = this.#clock.monotonic();
    try {
      return compute();
    } finally {
      this.#usedMs += this.#clock.monotonic() - began;
    }
  }

  /** All that wait go on in one turn of the loop, so each has to look whether those before it have used up the slice. */
  #nextTurn(): Promise<void> {
    this.#turn ??= this.#begin();
    return this.#turn;
  }

  async #begin(): Promise<void> {
    await setImmediate();
    this.#usedMs = 0;
    this.#turn = undefined;
  }
}
