import { createHash } from 'node:crypto';
import { startCrc64 } from '../../base/crc64.ts';
import type { ObjectHead } from '../../model/object.ts';
import { type ChecksumKind, checksumKinds, checksumNames } from '../../model/checksums.ts';
import type { ReadBody } from '../../http/bodies.ts';

/** Computes a checksum of bytes as one of the bucket's own checksums was made. */
interface Summing {
  readonly kind: ChecksumKind;
  readonly expected: string;
  readonly update: (bytes: Uint8Array) => void;
  readonly digest: () => string;
}

/** By a checksum that the bucket reports for a whole object; undefined where it reports none. */
async function summingOf(head: ObjectHead): Promise<Summing | undefined> {
  const kind = checksumKinds.find((each) => head[each] !== undefined);
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

/** What is known of the bytes that a whole object has to have. */
export interface WholeCheck {
  readonly head: ObjectHead;
  /** Whether the bucket itself serves bytes with this MD5, although its head reports another. */
  readonly bucketServes: (md5: string) => Promise<boolean>;
  /** Makes the error of bytes that have another checksum. */
  readonly failure: (message: string) => Error;
}

/**
 * The body of a whole object, which fails where it is not what the bucket has. Its last piece is
 * held back until that is known, so that its reader never writes the complete object elsewhere.
 */
export function checkedBody(body: ReadBody, { head, bucketServes, failure }: WholeCheck): ReadBody {
  async function check({ kind, expected, digest }: Summing): Promise<void> {
    const found = digest();
    // An MD5 is taken from an ETag, which need not be one, or from what a writer said.
    if (found === expected || (kind === 'md5' && (await bucketServes(found)))) return;
    throw failure(
      `the bucket's object has the ${checksumNames[kind]} ${expected}, the CDN's has ${found}`,
    );
  }

  return {
    async bytes() {
      const all = await body.bytes();
      const summing = await summingOf(head);
      summing?.update(all);
      if (summing !== undefined) await check(summing);
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
      if (summing !== undefined) await check(summing);
      if (held !== undefined) yield held;
    },
    discard: () => body.discard(),
  };
}
