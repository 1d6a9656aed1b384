import type { Clock } from './clock.ts';

/** A wait that `ring` can end early. */
export class Alarm {
  readonly #clock: Clock;
  #waiting: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the current wait, if there is one. */
  ring(): void {
    // Each `abort` makes an error with a stack, also where it has no effect, and some callers ring for each object.
    if (this.#waiting?.signal.aborted === false) this.#waiting.abort();
  }

  /** Resolves after `ms`, or when `ring` is called. One wait at a time. */
  async wait(ms: number, options?: { readonly ref?: boolean }): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    try {
      await this.#clock.sleep(ms, waiting.signal, options);
    } catch (error) {
      if (!waiting.signal.aborted) throw error;
    } finally {
      this.#waiting = undefined;
    }
  }
}

/** Calls `work` after `ms`, unless disposed of before. The wait does not keep the process alive. */
export function after(clock: Clock, ms: number, work: () => void): Disposable {
  const stop = new AbortController();
  void clock.sleep(ms, stop.signal, { ref: false }).then(work, () => undefined);
  return { [Symbol.dispose]: () => stop.abort() };
}

/** Ends by itself; disposing of it stops its timer. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts with a `TimeoutError` after `ms`, or with `signal`. The wait does not keep the process alive. */
export function timeLimit(clock: Clock, ms: number, signal?: AbortSignal): TimeLimit {
  const limit = new AbortController();
  const timer = after(clock, ms, () => {
    limit.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'));
  });
  return {
    signal: signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]),
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}

/** Calls `work` every `ms` until disposed of. The wait does not keep the process alive. */
export function every(clock: Clock, ms: number, work: () => void): Disposable {
  let next = after(clock, ms, run);
  function run(): void {
    next = after(clock, ms, run);
    work();
  }
  return { [Symbol.dispose]: () => next[Symbol.dispose]() };
}
