import { MiB } from '../base/bytes.ts';
import type { PutBody } from '../http/bodies.ts';

/** Of one process, unless given otherwise. */
const HELD_MAX = 256 * MiB;

/**
 * A bound for the bytes of streams that must be held whole before they are sent. Those that find no room
 * wait, first come first served; one that is larger than the bound waits until nothing else is held.
 */
export class HeldBytes {
  readonly #max: number;
  #held = 0;
  /** In order of arrival, as a set's members are. */
  readonly #waiting = new Set<{ readonly size: number; readonly admit: () => void }>();

  constructor(max: number = HELD_MAX) {
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** @returns The room, which disposing gives back. @throws The signal's reason. */
  async take(size: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#waiting.size > 0 || !this.#fits(size)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const waiter = { size, admit: () => resolve(undefined) };
      this.#waiting.add(waiter);
      try {
        await abortedBy(signal, promise);
      } catch (error) {
        // It may have been admitted at the same moment.
        if (!this.#waiting.delete(waiter)) this.#held -= size;
        this.#admit();
        throw error;
      }
    } else {
      this.#held += size;
    }
    return {
      [Symbol.dispose]: () => {
        this.#held -= size;
        this.#admit();
      },
    };
  }

  #fits(size: number): boolean {
    return this.#held === 0 || this.#held + size <= this.#max;
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.size)) return;
      this.#waiting.delete(waiter);
      this.#held += waiter.size;
      waiter.admit();
    }
  }
}

/**
 * Reads a stream to its end, so that a checksum of it can be sent before it. More bytes than were promised are
 * not read: the sending notices that the length is wrong.
 */
export async function readWhole(
  { content, size }: PutBody,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  if (content instanceof Uint8Array) return [content];
  const chunks: Uint8Array[] = [];
  let read = 0;
  const iterator = content[Symbol.asyncIterator]();
  while (read <= size) {
    const next = await abortedBy(signal, iterator.next());
    if (next.done === true) break;
    read += next.value.length;
    chunks.push(next.value);
  }
  return chunks;
}

/** A promise that rejects with the signal's reason when that is aborted first. */
async function abortedBy<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
