/** The bytes of a read. Exactly one of the ways is taken, and one must be: it holds a connection. */
export interface ReadBody extends AsyncIterable<Uint8Array> {
  /** Everything at once; for small bodies. */
  bytes(): Promise<Uint8Array>;
  /** Gives the body up. */
  discard(): void;
}

/**
 * The bytes of one put or part: whole, or as a stream of known length. A stream is read once; it
 * fails the put with its own error, and a stream that ends early or late fails it as `interrupted`.
 * A put that fails, begun or not, releases its stream: it discards a {@link ReadBody}, and calls
 * `return` on the iterator of any other stream.
 */
export interface PutBody {
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex of the whole content, where known: the store checks it. */
  readonly md5?: string | undefined;
  /** The same for a stream that is summed as it is read; a store that held the stream calls it after the end. */
  readonly md5AtEnd?: (() => string) | undefined;
  /** Where the trait says so, a stream is held until its MD5 is known, which is sent before it. */
  readonly md5First?: boolean | undefined;
}
