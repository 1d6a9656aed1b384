import { createHash } from 'node:crypto';
import { startCrc64 } from '../../base/crc64.ts';
import type { ObjectHead } from '../../model/object.ts';
import { type SumKind, sumKinds, sumNames } from '../../model/sums.ts';
import type { ReadBody } from '../store.ts';

/** Sums bytes as one of the bucket's own sums was made. */
interface Summing {
  readonly kind: SumKind;
  readonly expected: string;
  readonly update: (bytes: Uint8Array) => void;
  readonly digest: () => string;
}

/** By a sum that the bucket tells of a whole object; undefined where it tells none. */
async function summingOf(head: ObjectHead): Promise<Summing | undefined> {
  const kind = sumKinds.find((each) => head[each] !== undefined);
  const expected = kind && head[kind];
  if (kind === undefined || expected === undefined) return undefined;
  if (kind === 'md5') {
    const hash = createHash('md5');
    const digest = () => hash.digest('hex');
    return { kind, expected, update: (bytes) => void hash.update(bytes), digest };
  }
  const crc = await startCrc64(kind);
  const digest = () => crc.digest();
  return { kind, expected, update: (bytes) => void crc.update(bytes), digest };
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
  function check({ kind, expected, digest }: Summing): void {
    const found = digest();
    if (found === expected) return;
    throw failure(
      `the bucket's object has the ${sumNames[kind]} ${expected}, the CDN's has ${found}`,
    );
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
