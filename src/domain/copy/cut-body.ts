/** A body that is taken piece by piece, each of a given number of bytes. */
export interface CutBody {
  /** The next bytes, as a stream that must be read to its end before the next piece is taken. */
  take(bytes: number): AsyncIterable<Uint8Array>;
  /** Reads over the next bytes. */
  skip(bytes: number): Promise<void>;
}

/** Cuts one body into pieces, without holding more than one of its chunks. */
export function cutBody(body: AsyncIterable<Uint8Array>): CutBody {
  const chunks = body[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  async function* take(bytes: number): AsyncGenerator<Uint8Array> {
    let left = bytes;
    while (left > 0) {
      if (rest.length === 0) {
        const result: IteratorResult<Uint8Array, unknown> = await chunks.next();
        if (result.done === true) return;
        rest = result.value;
      }
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }

  return {
    take,
    async skip(bytes) {
      const pieces = take(bytes);
      while ((await pieces.next()).done !== true);
    },
  };
}
