import { type Clock, systemClock } from '../../src/platform/base/clock.ts';

/**
 * The system's clock, which a test can put forward: what is remembered for some seconds is then out of date at once.
 * Its sleeps take real time.
 */
export class ShiftedClock implements Clock {
  #shiftMs = 0;

  now = () => systemClock.now() + this.#shiftMs;
  monotonic = () => systemClock.monotonic() + this.#shiftMs;
  random = () => systemClock.random();
  sleep: Clock['sleep'] = (ms, signal, options) => systemClock.sleep(ms, signal, options);

  putForward(ms: number): void {
    this.#shiftMs += ms;
  }
}
