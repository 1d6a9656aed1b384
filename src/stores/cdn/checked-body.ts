import { createHash } from 'node:crypto';
import { startCrc64 } from '../../base/crc64.ts';
import type { ObjectHead } from '../../model/object.ts';
import type { ReadBody } from '../store.ts';

/** Sums bytes as one of the bucket's own sums was made. */
interface Summing {
  readonly name: string;
  readonly expected: string;
  readonly update: (bytes: Uint8Array) => void;
  readonly digest: () => string;
}

/** The sum that the bucket tells of a whole object; undefined where it tells none. */
async function summingOf({ md5, crc64 }: ObjectHead): Promise<Summing | undefined> {
  if (md5 !== undefined) {
    const hash = createHash('md5');
    return {
      name: 'MD5',
      expected: md5,
      update: (bytes) => void hash.update(bytes),
      digest: () => hash.digest('hex'),
    };
  }
  if (crc64 === undefined) return undefined;
  const crc = await startCrc64();
  return {
    name: 'CRC-64',
    expected: crc64,
    update: (bytes) => void crc.update(bytes),
    digest: () => crc.digest(),
  };
}

/**
 * The body of a whole object, which fails where it is not what the bucket has. Its last piece is
 * held back until that is known: whoever writes it elsewhere never has all of it.
 *
 * @param failure Makes the error of bytes that have another sum.
 */
export function checkedBody(
  body: ReadBody,
  head: ObjectHead,
  failure: (message: string) => Error,
): ReadBody {
  function check({ name, expected, digest }: Summing): void {
    const found = digest();
    if (found === expected) return;
    throw failure(`the bucket's object has the ${name} ${expected}, the CDN's has ${found}`);
  }

  return {
    async bytes() {
      const all = await body.bytes();
      const summing = await summingOf(head);
      summing?.update(all);
      if (summing !== undefined) check(summing);
      return all;
    },
    async *[Symbol.asyncIterator]() {
      const summing = await summingOf(head);
      let held: Uint8Array | undefined;
      for await (const piece of body) {
        if (held !== undefined) yield held;
        summing?.update(piece);
        held = piece;
      }
      if (summing !== undefined) check(summing);
      if (held !== undefined) yield held;
    },
    discard: () => body.discard(),
  };
}
