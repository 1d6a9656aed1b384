import { createHash } from 'node:crypto';
import { combineCrc64 } from '../base/crc64.ts';
import type { CopyEvidence } from '../model/consistency.ts';
import type { ObjectHead } from '../model/object.ts';
import { partRange } from '../model/part-plan.ts';
import type { PutReceipt } from '../stores/store.ts';
import type { CheckedPart } from './transfer.ts';

/** What is known of an object that was put together of these parts; in the order of their numbers. */
export function partsEvidence(
  head: ObjectHead,
  parts: readonly CheckedPart[],
  partSize: number,
  receipt: PutReceipt,
): CopyEvidence {
  // An equal ETag proves that exactly these parts were joined; another one proves nothing.
  const joined = etagOfParts(parts);
  return {
    sourceSize: head.size,
    sourceModified: head.lastModified,
    copiedSize: head.size,
    // Parts arrive side by side: nobody has summed the whole.
    sourceMd5: undefined,
    computedMd5: undefined,
    targetMd5: undefined,
    md5OfParts: receipt.etag === joined ? joined : undefined,
    sourceCrc64: head.crc64,
    computedCrc64: crc64OfParts(parts, head.size, partSize),
    targetCrc64: receipt.crc64,
    targetSize: undefined,
    targetModified: undefined,
    targetEncryption: receipt.encryption,
  };
}

export function inOrder(parts: readonly CheckedPart[]): CheckedPart[] {
  return [...parts].sort((a, b) => a.number - b.number);
}

/** The ETag that the S3 protocol gives an object of these parts; some clouds have their own. */
function etagOfParts(parts: readonly CheckedPart[]): string | undefined {
  const hash = createHash('md5');
  for (const { md5 } of parts) {
    if (md5 === undefined) return undefined;
    hash.update(md5, 'hex');
  }
  return `"${hash.digest('hex')}-${parts.length}"`;
}

export function crc64OfParts(
  parts: readonly CheckedPart[],
  size: number,
  partSize: number,
): string | undefined {
  let whole: string | undefined;
  for (const { number, crc64 } of parts) {
    if (crc64 === undefined) return undefined;
    const range = partRange(number, size, partSize);
    whole = whole === undefined ? crc64 : combineCrc64(whole, crc64, range.last - range.first + 1);
  }
  return whole;
}
