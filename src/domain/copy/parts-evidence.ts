import { createHash } from 'node:crypto';
import { combineCrc64, type Crc64Kind } from '../../platform/base/crc64.ts';
import type { CopyEvidence } from '../../platform/model/consistency.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { partRange } from '../../platform/model/part-plan.ts';
import { type Crcs, checksumsAlone } from '../../platform/model/checksums.ts';
import { writtenBy } from '../../platform/model/written.ts';
import type { PutReceipt } from '../../platform/stores/store.ts';
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
    // Parts arrive concurrently, so no checksum of the whole was computed.
    source: { ...checksumsAlone(head), md5: undefined },
    computed: { ...crcsOfParts(parts, head.size, partSize), md5: undefined },
    target: { ...checksumsAlone(receipt), md5: undefined },
    md5OfParts: receipt.etag === joined ? joined : undefined,
    readAsDeclared: head.md5 !== undefined && parts.length === 1 && parts[0]?.md5 === head.md5,
    targetSize: undefined,
    targetModified: undefined,
    targetEncryption: receipt.encryption,
    targetTier: receipt.tier,
    written: writtenBy(receipt),
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

/** The CRCs of the whole, from those of its parts. */
export function crcsOfParts(parts: readonly CheckedPart[], size: number, partSize: number): Crcs {
  const whole = (kind: Crc64Kind) => crcOfParts(parts, kind, { size, partSize });
  return { crc64: whole('crc64'), crc64nvme: whole('crc64nvme') };
}

function crcOfParts(
  parts: readonly CheckedPart[],
  kind: Crc64Kind,
  { size, partSize }: { readonly size: number; readonly partSize: number },
): string | undefined {
  let whole: string | undefined;
  for (const { number, [kind]: crc } of parts) {
    if (crc === undefined) return undefined;
    const range = partRange(number, size, partSize);
    whole =
      whole === undefined ? crc : combineCrc64(whole, crc, range.last - range.first + 1, kind);
  }
  return whole;
}
