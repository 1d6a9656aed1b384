import type { Readable } from 'node:stream';
import { KiB } from '../../../platform/base/bytes.ts';
import { type BodyLimits, bodyTooLarge } from './body-limits.ts';
import type { HeldBytes } from './body-room.ts';
import { JsonScan } from './json-scan.ts';
import { RequestError } from './request-error.ts';

/** The initial size of the buffer, while the length of the body is unknown. */
const FIRST_BYTES = 4 * KiB;
/** So many pieces may be short. Their number is limited, because every piece costs some microseconds. */
const PIECES_FREE = 512;
const PIECE_BYTES_MIN = 32;

/**
 * Reads a body to its end. Memory follows the bytes that have arrived, not those that were announced, and
 * not the number of pieces they came in.
 *
 * @throws {RequestError} as soon as the limits are exceeded; the stream stays open for the answer.
 */
export function readBody(stream: Readable, limits: BodyLimits, room: HeldBytes): Promise<Buffer> {
  const body = new Body(limits, room);
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      stream.off('data', take).off('end', finish).off('error', fail);
    };
    const take = (piece: Uint8Array): void => {
      try {
        body.add(piece);
      } catch (error) {
        stop();
        drop(stream);
        reject(error instanceof Error ? error : new Error('not an error', { cause: error }));
      }
    };
    const finish = (): void => {
      stop();
      resolve(body.bytes());
    };
    const fail = (cause: Error): void => {
      stop();
      stream.on('error', () => undefined);
      reject(isReset(cause) ? new UnfinishedBody(cause) : cause);
    };
    stream.on('data', take).on('end', finish).on('error', fail);
  });
}

/** Keeps nothing of what still arrives: thousands of short pieces may be in the bytes that are being parsed. */
function drop(stream: Readable): void {
  stream.pause();
  stream.push = () => true;
}

class Body {
  readonly #limits: BodyLimits;
  readonly #room: HeldBytes;
  readonly #scan: JsonScan | undefined;
  #bytes = Buffer.alloc(0);
  #length = 0;
  #pieces = 0;

  constructor(limits: BodyLimits, room: HeldBytes) {
    this.#limits = limits;
    this.#room = room;
    this.#scan = limits.values === 0 ? undefined : new JsonScan(limits);
  }

  add(piece: Uint8Array): void {
    const end = this.#length + piece.length;
    if (end > this.#limits.bytes) throw bodyTooLarge(this.#limits);
    this.#pieces += 1;
    if (this.#pieces > PIECES_FREE && end < this.#pieces * PIECE_BYTES_MIN) throw tooManyPieces();
    this.#scan?.add(piece);
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(piece, this.#length);
    this.#length = end;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const size = Math.min(
      this.#limits.bytes,
      Math.max(FIRST_BYTES, needed, 2 * this.#bytes.length),
    );
    this.#room.take(size - this.#bytes.length);
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function tooManyPieces(): RequestError {
  return new RequestError('bad-http', 'the body comes in too many pieces; send larger ones');
}

/** Whether Node reports that the connection ended before the body did. */
function isReset(error: Error): boolean {
  return 'code' in error && error.code === 'ECONNRESET';
}

/** The connection ended before the body did, so no client reads an answer. */
export class UnfinishedBody extends RequestError {
  constructor(cause: Error) {
    super('bad-http', 'the connection ended before the body did', { cause });
  }
}
