import type { Clock } from './clock.ts';

export interface CostlyAnswerOptions<T> {
  readonly clock: Clock;
  readonly ask: () => Promise<T>;
  /** How long a caller waits for a newer answer where there is an older one. */
  readonly patienceMs: number;
  /** The share of time that may go into asking: 0.05 rests 19 times as long as the last answer took. */
  readonly share: number;
}

/**
 * The answer to a question that costs more the more there is, such as a count of rows. Callers share it, however
 * many they are: asking takes a bounded share of the time, and a caller gets the last answer where a newer
 * one takes longer than its patience. A failure is an answer too.
 */
export class CostlyAnswer<T> {
  readonly #options: CostlyAnswerOptions<T>;
  #last: Promise<T> | undefined;
  #asking: Promise<T> | undefined;
  #restUntil = -Infinity;

  constructor(options: CostlyAnswerOptions<T>) {
    this.#options = options;
  }

  async get(): Promise<T> {
    const { clock, patienceMs } = this.#options;
    if (clock.monotonic() >= this.#restUntil) this.#asking ??= this.#ask();
    const [asking, last] = [this.#asking, this.#last];
    if (asking === undefined || last === undefined) return await (asking ?? last ?? this.#ask());
    const answered = new AbortController();
    const outOfPatience = clock.sleep(patienceMs, answered.signal, { ref: false });
    try {
      return await Promise.race([asking, outOfPatience.then(() => last)]);
    } finally {
      outOfPatience.catch(() => undefined);
      answered.abort();
    }
  }

  #ask(): Promise<T> {
    const { clock, ask, share } = this.#options;
    const began = clock.monotonic();
    const asking = ask();
    const ended = (): void => {
      const took = clock.monotonic() - began;
      this.#restUntil = clock.monotonic() + took * (1 / share - 1);
      this.#last = asking;
      this.#asking = undefined;
    };
    asking.then(ended, ended);
    return asking;
  }
}
