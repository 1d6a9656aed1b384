import { createHash } from 'node:crypto';
import { startCrc64 } from '../base/crc64.ts';

export interface Sums {
  /** Bytes that went through. */
  readonly size: number;
  /** Lower-case hex. */
  readonly md5: string;
  /** CRC-64/XZ as an unsigned decimal, where asked for. */
  readonly crc64: string | undefined;
}

/** Passes a stream on and sums it on the way. */
export interface HashingStream extends AsyncIterable<Uint8Array> {
  /** The sums of what went through; asked once, after the stream has ended. */
  sums(): Sums;
}

/** Wraps a stream so that its bytes are summed as they are read, without a copy. */
export async function hashing(
  source: AsyncIterable<Uint8Array>,
  { crc64 }: { readonly crc64: boolean },
): Promise<HashingStream> {
  const md5Hash = createHash('md5');
  const crc64Hash = crc64 ? await startCrc64() : undefined;
  let size = 0;
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of source) {
        size += chunk.length;
        md5Hash.update(chunk);
        crc64Hash?.update(chunk);
        yield chunk;
      }
    },
    sums: () => ({ size, md5: md5Hash.digest('hex'), crc64: crc64Hash?.digest() }),
  };
}

/** Sums bytes that are at hand. */
export async function sumsOf(
  bytes: Uint8Array,
  { md5, crc64 }: { readonly md5: string | undefined; readonly crc64: boolean },
): Promise<Sums> {
  return {
    size: bytes.length,
    md5: md5 ?? createHash('md5').update(bytes).digest('hex'),
    crc64: crc64 ? (await startCrc64()).update(bytes).digest() : undefined,
  };
}
