/** The bytes of an object or a part. */
export interface Content {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `first` up to, but not including, `end`, in pieces and without copying. */
  pieces(first: number, end: number): Iterable<Buffer>;
}

/** Bytes held as they came in. */
export function heldContent(chunks: readonly Buffer[]): Content {
  return {
    size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    *pieces(first, end) {
      let position = 0;
      for (const chunk of chunks) {
        if (position >= end) return;
        const from = Math.max(first - position, 0);
        const to = Math.min(end - position, chunk.length);
        if (from < to) yield chunk.subarray(from, to);
        position += chunk.length;
      }
    },
  };
}

const FILL_BYTE = 7;
const fill = Buffer.alloc(256 * 1024, FILL_BYTE);

/**
 * Bytes that are not held: every one is a seven. What was put as sevens comes back as it was, and
 * so still matches its ETag.
 */
export function sevens(size: number): Content {
  return {
    size,
    *pieces(first, end) {
      for (let left = end - first; left > 0; left -= fill.length) {
        yield left >= fill.length ? fill : fill.subarray(0, left);
      }
    },
  };
}

/** Several contents, one after the other. */
export function joined(contents: readonly Content[]): Content {
  return {
    size: contents.reduce((sum, content) => sum + content.size, 0),
    *pieces(first, end) {
      let position = 0;
      for (const content of contents) {
        if (position >= end) return;
        const from = Math.max(first - position, 0);
        const to = Math.min(end - position, content.size);
        if (from < to) yield* content.pieces(from, to);
        position += content.size;
      }
    },
  };
}

/** All of it in one piece: for tests that look. */
export function allBytes(content: Content): Buffer {
  return Buffer.concat([...content.pieces(0, content.size)], content.size);
}
