import { BoundedMap } from './bounded-map.ts';

/**
 * Keeps the answers to slow questions for a while; concurrent callers share one question.
 *
 * A failed answer is not kept, and neither is one that the caller does not `accept`: an answer such
 * as "there is no such token" must not outlive the moment at which the token is made.
 */
export class Remembered<T> {
  readonly #options: { readonly forMs: number; readonly now: () => number };
  readonly #answers: BoundedMap<string, { readonly answer: Promise<T>; readonly until: number }>;

  constructor(options: {
    readonly forMs: number;
    /** Answers kept at most. */
    readonly max: number;
    readonly now: () => number;
  }) {
    this.#options = options;
    this.#answers = new BoundedMap(options.max);
  }

  /** @param accept Whether an answer may be kept; any other answer comes from a question asked after this call. */
  async get(
    key: string,
    ask: () => Promise<T>,
    accept: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const known = this.#known(key);
    if (known === undefined) return await this.#ask(key, ask, accept);
    const answer = await known;
    if (accept(answer)) return answer;
    // The question was asked before this call. A question that began since then is shared.
    const newer = this.#known(key);
    return await (newer === undefined || newer === known ? this.#ask(key, ask, accept) : newer);
  }

  /** For when an answer is known to have changed. */
  clear(): void {
    this.#answers.clear();
  }

  #known(key: string): Promise<T> | undefined {
    const known = this.#answers.get(key);
    return known !== undefined && known.until > this.#options.now() ? known.answer : undefined;
  }

  #ask(key: string, ask: () => Promise<T>, accept: (answer: T) => boolean): Promise<T> {
    const { forMs, now } = this.#options;
    const answer = ask();
    this.#answers.set(key, { answer, until: now() + forMs });
    const forget = (): void => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key);
    };
    answer.then((given) => {
      if (!accept(given)) forget();
    }, forget);
    return answer;
  }
}
