import { backoffMs } from '../../src/platform/base/backoff.ts';
import { afterAnswer, afterSending, type Pace, unpaced } from '../../src/platform/stores/pace.ts';

/** A store that accepts some requests and refuses others. All times are in milliseconds. */
export interface RefusingStore {
  /** Whether it refuses the request that reaches it now, which would take so long. */
  readonly refuses: (now: number, latencyMs: number) => boolean;
}

export interface ModelOptions {
  /** Objects in work at once; each sends one request after the other, as soon as it may. */
  readonly concurrency: number;
  readonly latencyMs: () => number;
  readonly store: RefusingStore;
  readonly retryAfterMs?: number;
  /** The controller; without it every request is sent at once. */
  readonly isPaced?: boolean;
  readonly random: () => number;
  /** Milliseconds. */
  readonly duration: number;
}

export interface ModelResult {
  /** When the store accepted and refused requests, milliseconds. */
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
  /** The longest that one object took, its retries included. */
  readonly longestMs: number;
}

/** The waits of `retrying` after a refusal. */
const RETRY = { baseMs: 25, maxMs: 5000 };

interface Waiting {
  readonly begunAt: number;
  readonly attempt: number;
}

/** Clients, the controller of their pace and a store, in simulated time. */
export function simulate(options: ModelOptions): ModelResult {
  const { concurrency, latencyMs, store, random, duration, isPaced = true } = options;
  const agenda = new Agenda();
  const queue: Waiting[] = [];
  const accepted: number[] = [];
  const refused: number[] = [];
  let pace: Pace = unpaced;
  let longestMs = 0;
  let pumpAt = Number.POSITIVE_INFINITY;

  function answer(sentAt: number, { begunAt, attempt }: Waiting, isRefused: boolean): void {
    const at = agenda.now;
    const { retryAfterMs } = options;
    if (isPaced) pace = afterAnswer(pace, { sentAt, at, refused: isRefused, retryAfterMs });
    if (!isRefused) {
      longestMs = Math.max(longestMs, at - begunAt);
      queue.push({ begunAt: at, attempt: 1 });
    } else {
      const delay = Math.max(backoffMs(attempt, RETRY, random()), retryAfterMs ?? 0);
      agenda.add(at + delay, () => {
        queue.push({ begunAt, attempt: attempt + 1 });
        pump();
      });
    }
    pump();
  }

  function pump(): void {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const { now } = agenda;
      if (pace.nextAt > now) {
        // As a timer does, it may come a millisecond late.
        const at = Math.min(pace.nextAt, now + 100) + random();
        if (at < pumpAt || pumpAt <= now) {
          pumpAt = at;
          agenda.add(at, pump);
        }
        return;
      }
      queue.shift();
      send(next, now);
    }
  }

  function send(next: Waiting, now: number): void {
    pace = afterSending(pace, now);
    const latency = latencyMs();
    const isRefused = store.refuses(now, latency);
    (isRefused ? refused : accepted).push(now);
    agenda.add(now + latency, () => answer(now, next, isRefused));
  }

  for (let index = 0; index < concurrency; index++) queue.push({ begunAt: 0, attempt: 1 });
  agenda.add(0, pump);
  agenda.run(duration);
  for (const { begunAt } of queue) longestMs = Math.max(longestMs, duration - begunAt);
  return { accepted, refused, longestMs };
}

/** A store that allows so many requests a second, and a few at once. */
export function allows(perSecond: (now: number) => number, burst: number): RefusingStore {
  let tokens = burst;
  let filledAt = 0;
  return {
    refuses(now) {
      tokens = Math.min(burst, tokens + ((now - filledAt) * perSecond(now)) / 1000);
      filledAt = now;
      if (tokens < 1) return true;
      tokens -= 1;
      return false;
    },
  };
}

/** A store that counts the requests of each second, and refuses all when it has had enough. */
export function allowsEachSecond(count: number): RefusingStore {
  let second = -1;
  let accepted = 0;
  return {
    refuses(now) {
      const current = Math.floor(now / 1000);
      if (current !== second) [second, accepted] = [current, 0];
      if (accepted >= count) return true;
      accepted += 1;
      return false;
    },
  };
}

/** A store that allows so many requests at the same time. */
export function allowsAtOnce(count: number): RefusingStore {
  let ends: number[] = [];
  return {
    refuses(now, latencyMs) {
      ends = ends.filter((end) => end > now);
      if (ends.length >= count) return true;
      ends.push(now + latencyMs);
      return false;
    },
  };
}

/** How many of these times are from here on, and until there. */
export function countBetween(times: readonly number[], from: number, until: number): number {
  return times.filter((time) => time >= from && time < until).length;
}

class Agenda {
  now = 0;
  /** The latest first. */
  readonly #events: { readonly at: number; readonly run: () => void }[] = [];

  add(at: number, run: () => void): void {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, run });
  }

  run(until: number): void {
    for (let next = this.#events.pop(); next !== undefined; next = this.#events.pop()) {
      if (next.at > until) return;
      this.now = next.at;
      next.run();
    }
  }
}
