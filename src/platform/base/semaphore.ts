/** So many calls at once; the others wait, first come first served. */
export class Semaphore {
  #free: number;
  /** In order of arrival, as a set's members are. */
  readonly #waiting = new Set<Waiter>();

  constructor(concurrency: number) {
    this.#free = concurrency;
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await this.#turn(signal);
  }

  give(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(first);
    first.admit();
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const waiter: Waiter = {
      admit() {
        signal.removeEventListener('abort', onAbort);
        resolve(undefined);
      },
    };
    const onAbort = (): void => {
      this.#waiting.delete(waiter);
      reject(signal.reason as Error);
    };
    this.#waiting.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise;
  }
}

interface Waiter {
  readonly admit: () => void;
}
