import type { Readable } from 'node:stream';
import { KiB } from '../base/bytes.ts';
import { type BodyLimits, bodyTooLarge } from './body-limits.ts';
import type { HeldBytes } from './body-room.ts';
import { JsonScan } from './json-scan.ts';
import { RequestError } from './request-error.ts';

/** What a new body gets before it is known how long it is. */
const FIRST_BYTES = 4 * KiB;

/**
 * Reads a body to its end. Memory follows the bytes that have arrived, not those that were announced, and
 * not the number of pieces they came in.
 *
 * @throws {RequestError} as soon as the limits are exceeded; the stream stays open for the answer.
 */
export async function readBody(
  stream: Readable,
  { bytes: max, values }: BodyLimits,
  room: HeldBytes,
): Promise<Buffer> {
  const scan = values === 0 ? undefined : new JsonScan(values);
  let body = Buffer.alloc(0);
  let length = 0;
  for await (const chunk of chunksOf(stream)) {
    const end = length + chunk.length;
    if (end > max) throw bodyTooLarge(max);
    scan?.add(chunk);
    if (end > body.length) {
      const size = Math.min(max, Math.max(FIRST_BYTES, end, 2 * body.length));
      room.take(size - body.length);
      const larger = Buffer.allocUnsafeSlow(size);
      body.copy(larger, 0, 0, length);
      body = larger;
    }
    body.set(chunk, length);
    length = end;
  }
  return body.subarray(0, length);
}

/** @throws {RequestError} when the connection ends before the body does. */
async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    // By default the loop destroys the stream on an error, and with it the connection.
    yield* stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>; // No encoding is set.
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET') {
      throw new RequestError('bad-http', 'the connection ended before the body did', { cause });
    }
    throw cause;
  }
}
