import { KiB } from '../base/bytes.ts';
import type { SpeedGauge } from './speed.ts';

/**
 * Bytes that are handed to a connection at once; more go in slices, to see how they get on. A connection that
 * takes none for a minute is given up, so a slice is as large as the floor of speed allows in that time.
 */
export const SLICE = 64 * KiB;

/** A stream that was not as long as it was said to be. */
export class LengthMismatch extends Error {
  override readonly name = 'LengthMismatch';
}

/** A connection that takes its bytes too slowly. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/**
 * A stream of known length on its way out. The chunk that completes it is held back until the
 * stream has ended: one that is shorter or longer fails, and the store never has all of its bytes.
 */
export class SizedBody implements AsyncIterable<Uint8Array> {
  readonly #content: AsyncIterator<Uint8Array>;
  readonly #gauge: SpeedGauge | undefined;
  #left: number;
  /** The bytes that the connection has been given last. */
  #given = 0;
  /** The source's own error, a {@link LengthMismatch}, or {@link TooSlow}. */
  failure: { readonly cause: unknown } | undefined;

  constructor(content: Uint8Array | AsyncIterable<Uint8Array>, size: number, gauge?: SpeedGauge) {
    const stream = content instanceof Uint8Array ? slices(content) : content;
    this.#content = stream[Symbol.asyncIterator]();
    this.#left = size;
    this.#gauge = gauge;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      this.#measure();
      const result: IteratorResult<Uint8Array, unknown> = await this.#content.next();
      if (result.done === true) {
        if (this.#left > 0) throw new LengthMismatch(`the content ended ${this.#left} bytes early`);
        return { done: true, value: undefined };
      }
      this.#left -= result.value.length;
      if (this.#left <= 0) await this.#expectEnd();
      this.#given = result.value.length;
      this.#gauge?.begin();
      return result;
    } catch (cause) {
      this.failure ??= { cause };
      throw cause;
    }
  }

  /** The connection requests more bytes when it has taken those that it was given. */
  #measure(): void {
    const slow = this.#given === 0 ? undefined : this.#gauge?.end(this.#given);
    if (slow !== undefined) throw new TooSlow(slow);
  }

  async #expectEnd(): Promise<void> {
    while (this.#left === 0) {
      const result: IteratorResult<Uint8Array, unknown> = await this.#content.next();
      if (result.done === true) return;
      this.#left -= result.value.length;
    }
    throw new LengthMismatch('the content is longer than was said');
  }

  /** Lets the source go; it may hold a connection of its own. */
  close(): void {
    // Whoever reads the source has its errors already.
    this.#content.return?.().catch(() => {});
  }
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}
