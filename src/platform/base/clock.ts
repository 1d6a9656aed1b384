import { setTimeout as timeout } from 'node:timers/promises';

/** Time and chance, passed in so that tests can hold, speed up and replay them. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never run backwards: for durations and local deadlines. */
  monotonic(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /**
   * Rejects with `signal.reason` when aborted.
   *
   * @param options With `ref: false` the wait does not keep the process alive.
   */
  sleep(ms: number, signal: AbortSignal, options?: { readonly ref?: boolean }): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  async sleep(ms, signal, options) {
    try {
      await timeout(ms, undefined, { signal, ...options });
    } catch (error) {
      // Node's timer rejects with an AbortError of its own; callers are promised the reason.
      signal.throwIfAborted();
      throw error;
    }
  },
};
