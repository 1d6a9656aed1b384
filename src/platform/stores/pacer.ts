import type { Clock } from '../base/clock.ts';
import {
  type AccountPace,
  afterAnswerTo,
  afterTurn,
  nextTurn,
  unpacedAccount,
  type Work,
} from './account-pace.ts';
import type { Observation } from './pace.ts';

/** How long the queue sleeps at most: the pace may have changed meanwhile. */
const LOOK_AGAIN_MS = 100;

/** Of so many turns one is for a list of a scan, even if other requests wait. */
const SCAN_EVERY = 16;

type Admit = (sentAt: number) => void;

/**
 * Lets requests go at the {@link AccountPace} that their answers allow. Those of checks go first, then those of
 * objects, then the lists of scans; equal ones in the order of their arrival. Scans get a few turns in any case.
 *
 * It belongs to whatever the store counts requests by: all stores that share it share its pace.
 * Nothing is held while a request is under way, so that sharing it cannot deadlock.
 */
export class Pacer {
  readonly #clock: Clock;
  #pace: AccountPace = unpacedAccount;
  /** Each in order of arrival, as a set's members are. */
  readonly #checks = new Set<Admit>();
  readonly #objects = new Set<Admit>();
  readonly #scans = new Set<Admit>();
  #isAdmitting = false;
  #isAdmittingScans = false;
  /** Turns since the last one of a scan. */
  #turns = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the next request may be sent; the time at which it is. */
  async turn(signal: AbortSignal, work: Work = 'object'): Promise<number> {
    const now = this.#clock.monotonic();
    if (nextTurn(this.#pace, work) > now || this.#isBehind(work)) return this.#wait(signal, work);
    this.#pace = afterTurn(this.#pace, work, now);
    return now;
  }

  /** The store has answered a request. */
  answered({ work = 'object', ...answer }: PacedAnswer): void {
    const observation = { ...answer, at: this.#clock.monotonic() };
    this.#pace = afterAnswerTo(this.#pace, work, observation);
  }

  /** Whether others wait that go first. */
  #isBehind(work: Work): boolean {
    if (work === 'check') return this.#checks.size > 0;
    return this.#hasOthers || (work === 'scan' && this.#scans.size > 0);
  }

  get #hasOthers(): boolean {
    return this.#checks.size > 0 || this.#objects.size > 0;
  }

  #wait(signal: AbortSignal, work: Work): Promise<number> {
    const queue = { check: this.#checks, object: this.#objects, scan: this.#scans }[work];
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const admit = (sentAt: number): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(sentAt);
      };
      const onAbort = (): void => {
        queue.delete(admit);
        reject(signal.reason as Error); // Whatever the caller aborts with is passed on.
      };
      queue.add(admit);
      signal.addEventListener('abort', onAbort, { once: true });
      if (work === 'scan') void this.#admitScans();
      else void this.#admitOthers();
    });
  }

  async #admitOthers(): Promise<void> {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    while (this.#hasOthers) {
      const left = this.#pace.all.nextAt - this.#clock.monotonic();
      if (left > 0) await this.#clock.sleep(Math.min(left, LOOK_AGAIN_MS), neverAborted);
      else this.#admitNext();
    }
    this.#isAdmitting = false;
  }

  #admitNext(): void {
    this.#turns += 1;
    const isOfScan = this.#turns >= SCAN_EVERY && this.#admitScan();
    if (isOfScan) return;
    if (!this.#admit(this.#checks, 'check')) this.#admit(this.#objects, 'object');
  }

  /** Waits for another time than the others do, and behind them. */
  async #admitScans(): Promise<void> {
    if (this.#isAdmittingScans) return;
    this.#isAdmittingScans = true;
    while (this.#scans.size > 0) {
      const left = nextTurn(this.#pace, 'scan') - this.#clock.monotonic();
      const waitMs = this.#hasOthers ? LOOK_AGAIN_MS : Math.min(left, LOOK_AGAIN_MS);
      if (waitMs > 0) await this.#clock.sleep(waitMs, neverAborted);
      else this.#admitScan();
    }
    this.#isAdmittingScans = false;
  }

  #admitScan(): boolean {
    if (!this.#admit(this.#scans, 'scan')) return false;
    this.#turns = 0;
    return true;
  }

  /** @returns Whether one of the queue goes now. */
  #admit(queue: Set<Admit>, work: Work): boolean {
    const [first] = queue;
    const now = this.#clock.monotonic();
    if (first === undefined || nextTurn(this.#pace, work) > now) return false;
    this.#pace = afterTurn(this.#pace, work, now);
    queue.delete(first);
    first(now);
    return true;
  }
}

/** An answer of the store. */
export interface PacedAnswer extends Omit<Observation, 'at'> {
  /** What the request was for: an object, unless given. */
  readonly work?: Work;
}

const neverAborted = new AbortController().signal;
