import type { Clock } from '../../src/platform/base/clock.ts';

/** A clock that a test holds in its hand: sleeping takes no time, and moves it on. */
export class ManualClock implements Clock {
  /** Milliseconds; `now` and `monotonic` alike. */
  time: number;
  readonly sleeps: number[] = [];

  constructor(time = Date.UTC(2024, 0, 1)) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  random(): number {
    return 0.5;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.sleeps.push(ms);
    this.time += ms;
  }
}
