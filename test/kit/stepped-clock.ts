import type { Clock } from '../../src/platform/base/clock.ts';

/** A clock that stands still until a test moves it. */
export class SteppedClock implements Clock {
  #time = 0;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  now = () => this.#time;
  monotonic = () => this.#time;
  random = () => 0;

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const sleeper = { at: this.#time + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** Lets this much time pass, a little at a time, so that all that it wakes gets its turn. */
  async pass(ms: number): Promise<void> {
    for (const end = this.#time + ms; this.#time < end; ) {
      this.#time = Math.min(end, this.#time + 10);
      for (const sleeper of this.#sleepers) {
        if (sleeper.at > this.#time) continue;
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
      await turn();
    }
  }

  /** Lets time pass until a condition holds, or a promise has settled. */
  async passUntil(end: (() => boolean) | Promise<unknown>): Promise<void> {
    if (typeof end === 'function') {
      while (!end()) await this.pass(10);
      return;
    }
    const state = { over: false };
    const over = (): boolean => (state.over = true);
    end.then(over, over);
    while (!state.over) await this.pass(10);
    await end;
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
