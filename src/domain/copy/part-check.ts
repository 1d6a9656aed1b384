import type { CopyEvidence } from '../../platform/model/consistency.ts';
import type { ByteRange } from '../../platform/model/object.ts';
import { comparableCrc, differingKinds, type Checksums } from '../../platform/model/checksums.ts';
import type { PutReceipt } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { checksumsOfStream, type ComputedChecksums } from './hashing.ts';
import type { CopyJob } from './transfer.ts';

/** A part that was sent, and what the target said of it. */
export interface SentPart {
  readonly number: number;
  readonly sent: ComputedChecksums;
  readonly receipt: PutReceipt;
  /** Its MD5 went before it, so that the target has compared it. */
  readonly withMd5: boolean;
}

/**
 * Compares a part with what the target says of it. Where only the MD5 differs, the target's ETag may be
 * none: from then on parts are sent with their MD5, and the target's acceptance counts.
 *
 * @returns Whether its ETag is not its MD5 although it has arrived.
 * @throws {StoreError} `corrupt` where it has not arrived as it was sent, as far as is known.
 */
export function checkPart(job: CopyJob, { number, sent, receipt, withMd5 }: SentPart): boolean {
  const { key, target, findings } = job;
  const kinds = differingKinds(sent, receipt);
  if (kinds.length === 0) {
    // An ETag that differed before was of a part that was damaged on its way.
    if (withMd5 && receipt.md5 !== undefined) findings.partsNeedMd5 = false;
    return false;
  }
  if (kinds.every((kind) => kind === 'md5')) {
    const proven = comparableCrc(sent, receipt) !== undefined;
    if (proven ? findings.etagsAreNoMd5 : withMd5) return !proven;
    // One part is sent again before ETags are disbelieved.
    if (proven) findings.etagsAreNoMd5 = true;
    else findings.partsNeedMd5 = target.traits.checksMd5OfStreams;
  }
  const cloudMessage = `part ${number} arrived with another checksum than it was sent with`;
  throw new StoreError('corrupt', { store: target.name, operation: 'putPart', key, cloudMessage });
}

/** A part whose ETag is not its MD5, at the target. */
export interface StoredPart {
  readonly number: number;
  readonly md5: string | undefined;
  readonly range: ByteRange;
}

/**
 * Reads a part back from the object that it has become, once for a target: if it is not what was sent, the
 * copy does not pass its check.
 */
export async function settlePart(
  job: CopyJob,
  evidence: CopyEvidence,
  { number, md5, range }: StoredPart,
): Promise<CopyEvidence> {
  const { findings, policy } = job;
  if (findings.etagsAreNoMd5 || policy.consistencyCheck === 'no_check') return evidence;
  const found = await md5OfRange(job, range);
  if (found === undefined) return evidence;
  if (found !== md5) return differing(evidence, { computed: md5, target: found });
  findings.etagsAreNoMd5 = true;
  const note = `the ETags of the target are not the MD5s of the parts: part ${number} was read back and has the MD5 ${found} of what was sent`;
  return { ...evidence, notes: [...(evidence.notes ?? []), note] };
}

function differing(
  evidence: CopyEvidence,
  md5: { readonly computed: string | undefined; readonly target: string },
): CopyEvidence {
  const of = (checksums: Checksums, value: string | undefined): Checksums => ({
    ...checksums,
    md5: value,
  });
  return {
    ...evidence,
    computed: of(evidence.computed, md5.computed),
    target: of(evidence.target, md5.target),
  };
}

/** Undefined where it may not be read: the target has accepted it with its MD5. */
async function md5OfRange(
  { target, key, lease }: CopyJob,
  range: ByteRange,
): Promise<string | undefined> {
  try {
    const { body } = await target.read(key, { range }, lease.signal);
    return (await checksumsOfStream(body, [])).md5;
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}
