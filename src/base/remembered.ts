/**
 * Remembers for a while what a slow question was answered: one question for many callers at once.
 * A failed answer is not remembered.
 */
export class Remembered<T> {
  readonly #options: { readonly forMs: number; readonly max: number; readonly now: () => number };
  readonly #answers = new Map<string, { readonly answer: Promise<T>; readonly until: number }>();

  constructor(options: {
    readonly forMs: number;
    /** Answers kept at most. */
    readonly max: number;
    readonly now: () => number;
  }) {
    this.#options = options;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const { forMs, max, now } = this.#options;
    const known = this.#answers.get(key);
    if (known !== undefined && known.until > now()) return known.answer;
    if (this.#answers.size >= max) this.#answers.clear();
    const answer = ask();
    this.#answers.set(key, { answer, until: now() + forMs });
    answer.catch(() => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key);
    });
    return answer;
  }

  /** For when an answer is known to have changed. */
  clear(): void {
    this.#answers.clear();
  }
}
