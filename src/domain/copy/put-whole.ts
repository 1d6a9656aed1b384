import type { CopyEvidence } from '../../platform/model/consistency.ts';
import { checksumsAlone } from '../../platform/model/checksums.ts';
import { writtenBy } from '../../platform/model/written.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import type { ObjectRead, PutOptions, PutReceipt } from '../../platform/stores/store.ts';
import type { PutBody } from '../../platform/http/bodies.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { askable, assertStillAbsent } from './absent.ts';
import {
  asDeclared,
  compareWithDeclared,
  type Declared,
  readChecksums,
} from './declared-checksums.ts';
import { crcsWorthTaking, checksumsOf, type ComputedChecksums } from './hashing.ts';
import { ownCopy } from './own-copy.ts';
import type { CopyJob } from './transfer.ts';

/** A target may refuse an MD5 that the source declares: then that of the bytes is taken. */
export async function putBuffered(
  job: CopyJob,
  { head, body }: ObjectRead,
  options: PutOptions,
): Promise<CopyEvidence> {
  const bytes = await body.bytes();
  const presumed = await computedOf(job, head, bytes);
  try {
    return await putHeld(job, { head, bytes, checksums: presumed }, options);
  } catch (error) {
    if (!isRefusedMd5(error)) throw error;
    const checksums = await checksumsOf(bytes, crcsWorthTaking(job, head), undefined);
    if (checksums.md5 === presumed.md5) throw error;
    return await putHeld(job, { head, bytes, checksums }, options);
  }
}

interface HeldObject {
  readonly head: ObjectHead;
  readonly bytes: Uint8Array;
  readonly checksums: ComputedChecksums;
}

async function putHeld(
  job: CopyJob,
  { head, bytes, checksums }: HeldObject,
  options: PutOptions,
): Promise<CopyEvidence> {
  const declared = await compareWithDeclared(job, head, checksums);
  const put = { content: bytes, size: bytes.length, md5: checksums.md5 };
  return await putWhole(job, put, options, (receipt) => evidenceOf(declared, receipt, checksums));
}

/** Where the target refuses the MD5 that the source declares, the source is read to find the right one. */
export async function putStreamed(
  job: CopyJob,
  { head, body }: ObjectRead,
  options: PutOptions,
  md5: string,
): Promise<CopyEvidence> {
  const { size } = head;
  try {
    const put = { content: body, size, md5 };
    return await putWhole(job, put, options, (receipt) => evidenceOf(asDeclared(head), receipt));
  } catch (error) {
    if (!isRefusedMd5(error)) throw error;
    const checksums = await readChecksums(job, head, crcsWorthTaking(job, head));
    if (checksums.md5 === md5) throw error;
    const declared = await compareWithDeclared(job, head, checksums);
    const again = await job.source.read(job.key, { pin: head }, job.lease.signal);
    const put = { content: again.body, size, md5: checksums.md5 };
    return await putWhole(job, put, options, (receipt) => evidenceOf(declared, receipt, checksums));
  }
}

/** Whether the target has compared what arrived with its MD5, and found other bytes. */
function isRefusedMd5(error: unknown): boolean {
  return (
    error instanceof StoreError && error.fault === 'corrupt' && error.details.operation === 'put'
  );
}

/** A layer may have sent it twice, and lost the first answer: then it is our own copy that exists. */
async function putWhole(
  job: CopyJob,
  put: PutBody,
  options: PutOptions,
  evidence: (receipt: PutReceipt) => CopyEvidence,
): Promise<CopyEvidence> {
  await assertStillAbsent(job, options, 'put');
  job.lease.assertHeld();
  try {
    return evidence(await job.target.put(job.key, put, askable(job, options), job.lease.signal));
  } catch (error) {
    const exists = error instanceof StoreError && error.fault === 'exists';
    const own = exists ? await ownCopy(job, evidence) : undefined;
    if (own === undefined) throw error;
    return own;
  }
}

/** The source's own MD5 goes along unchecked where the target compares it with what arrives there. */
async function computedOf(
  job: CopyJob,
  head: ObjectHead,
  bytes: Uint8Array,
): Promise<ComputedChecksums> {
  const md5 = job.target.traits.checksMd5 ? head.md5 : undefined;
  // Almost every object has the CRC of S3, and it proves nothing more than such an MD5. But the target
  // reports no MD5 for an object that a key service encrypts.
  const byMd5 = md5 !== undefined && !job.policy.kms && job.policy.consistencyCheck !== 'crc64';
  const kinds = crcsWorthTaking(job, head).filter((kind) => kind !== 'crc64nvme' || !byMd5);
  return await checksumsOf(bytes, kinds, md5);
}

function evidenceOf(
  { head, notes }: Declared,
  receipt: PutReceipt,
  computed?: ComputedChecksums,
): CopyEvidence {
  return {
    notes,
    sourceSize: head.size,
    sourceModified: head.lastModified,
    copiedSize: computed?.size ?? head.size,
    source: checksumsAlone(head),
    computed: checksumsAlone(computed ?? { md5: undefined, crc64: undefined }),
    target: checksumsAlone(receipt),
    md5OfParts: undefined,
    targetSize: undefined,
    targetModified: undefined,
    targetEncryption: receipt.encryption,
    targetTier: receipt.tier,
    written: writtenBy(receipt),
  };
}

/**
 * What is known of the target's object, where it is proven that one of our earlier PUTs wrote it. The
 * source is read for its checksums where the MD5 that it declares does not prove that.
 */
export async function earlierPut(
  job: CopyJob,
  { head, body }: ObjectRead,
): Promise<CopyEvidence | undefined> {
  const kinds = crcsWorthTaking(job, head);
  const own = async (checksums: ComputedChecksums): Promise<CopyEvidence | undefined> => {
    const declared = await compareWithDeclared(job, head, checksums);
    return await ownCopy(job, (receipt) => evidenceOf(declared, receipt, checksums));
  };
  if (head.size <= job.sizes.bufferBytes) {
    return await own(await checksumsOf(await body.bytes(), kinds, undefined));
  }
  body.discard();
  const presumed = await ownCopy(job, (receipt) => evidenceOf(asDeclared(head), receipt));
  if (presumed !== undefined || head.md5 === undefined || head.size > job.sizes.putBytes) {
    return presumed;
  }
  const checksums = await readChecksums(job, head, kinds);
  return checksums.md5 === head.md5 ? undefined : await own(checksums);
}
