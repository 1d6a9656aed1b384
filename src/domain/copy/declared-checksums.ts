import type { Crc64Kind } from '../../platform/base/crc64.ts';
import type { CopyEvidence } from '../../platform/model/consistency.ts';
import { judgeRead } from '../../platform/model/declared-checksums.ts';
import type { Fault } from '../../platform/model/fault.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import {
  crcKinds,
  differingKinds,
  type ChecksumKind,
  checksumNames,
  type Checksums,
  checksumsAlone,
} from '../../platform/model/checksums.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { crcsWorthTaking, checksumsOfStream, type ComputedChecksums } from './hashing.ts';
import type { CopyJob } from './transfer.ts';

/** The source's object, without those of its declared checksums that are not of its bytes. */
export interface Declared {
  readonly head: ObjectHead;
  /** For people: which checksums these are. */
  readonly notes: readonly string[];
}

/** An object whose checksums have not been found to be wrong. */
export function asDeclared(head: ObjectHead): Declared {
  return { head, notes: [] };
}

/**
 * Compares what was read with the checksums that the source declares, before any of it is published.
 * Where they differ, the object is read once more: two reads of one version that agree disprove an MD5.
 *
 * @throws {StoreError} `corrupt` where two reads differ, or where the source itself has computed another
 *   checksum; `changed` where the source has another version by now.
 */
export async function compareWithDeclared(
  job: CopyJob,
  head: ObjectHead,
  first: Checksums,
): Promise<Declared> {
  const noCheck = job.policy.consistencyCheck === 'no_check';
  let judgement = judgeRead(head, { first, second: undefined }, { noCheck });
  let reads = 1;
  if (judgement.kind === 'undecided' && isWorthReading(job, head, first)) {
    const kinds = crcKinds.filter((kind) => first[kind] !== undefined);
    const second = await readAgain(job, head, kinds);
    judgement = judgeRead(head, { first, second }, { noCheck });
    reads = 2;
    if (judgement.kind === 'unstable') throw corrupt(job, unstable(first, second));
  }
  if (judgement.kind === 'equal') return asDeclared(head);
  if (judgement.kind === 'disproven') {
    return without(head, first, { kinds: judgement.kinds, reads });
  }
  throw corrupt(job, difference(head, first, reads));
}

/** The checksums of the version that was looked at, by a read of its own. */
export async function readChecksums(
  job: CopyJob,
  head: ObjectHead,
  kinds: readonly Crc64Kind[],
): Promise<ComputedChecksums> {
  const { body } = await job.source.read(job.key, { pin: head }, job.lease.signal);
  return await allChecksums(job, head, body, kinds);
}

/**
 * What is known of a copy whose target has other bytes than the MD5 that the source declares, and that
 * was sent along: some servers ignore it. Where the source serves the same bytes, its MD5 is wrong.
 */
export async function settleSourceMd5(
  job: CopyJob,
  head: ObjectHead,
  evidence: CopyEvidence,
): Promise<CopyEvidence> {
  const { source, target } = evidence;
  const differs = source.md5 !== undefined && target.md5 !== undefined && source.md5 !== target.md5;
  if (!differs) return evidence;
  const checksums = await readChecksums(job, head, crcsWorthTaking(job, head));
  if (checksums.md5 !== target.md5) return evidence;
  try {
    const declared = await compareWithDeclared(job, head, checksums);
    const notes = [...(evidence.notes ?? []), ...declared.notes];
    return {
      ...evidence,
      source: checksumsAlone(declared.head),
      computed: checksumsAlone(checksums),
      notes,
    };
  } catch (error) {
    // The bytes that were read, and copied, are not those of the source: the copy fails its check.
    if (!(error instanceof StoreError) || error.fault !== 'corrupt') throw error;
    return evidence;
  }
}

/**
 * The same by other requests, so that nothing on the way can answer as it did before: a cache that holds
 * damaged bytes, or whatever damages every answer at the same place.
 */
async function readAgain(
  job: CopyJob,
  head: ObjectHead,
  kinds: readonly Crc64Kind[],
): Promise<ComputedChecksums> {
  if (head.size < 2) return await readChecksums(job, head, kinds);
  try {
    return await allChecksums(job, head, inTwoRanges(job, head), kinds);
  } catch (error) {
    if (!(error instanceof StoreError) || !withoutRanges.has(error.fault)) throw error;
    return await readChecksums(job, head, kinds);
  }
}

/** Ceph 16 names the whole as the range of a large object of Swift: measured. */
const withoutRanges: ReadonlySet<Fault> = new Set<Fault>(['unsupported', 'bad-reply']);

async function* inTwoRanges(
  { source, key, lease }: CopyJob,
  head: ObjectHead,
): AsyncGenerator<Uint8Array> {
  const middle = Math.ceil(head.size / 3);
  for (const range of [
    { first: 0, last: middle - 1 },
    { first: middle, last: head.size - 1 },
  ]) {
    const { body } = await source.read(key, { range, pin: head }, lease.signal);
    yield* body;
  }
}

async function allChecksums(
  { source, key }: CopyJob,
  { size }: ObjectHead,
  bytes: AsyncIterable<Uint8Array>,
  kinds: readonly Crc64Kind[],
): Promise<ComputedChecksums> {
  const checksums = await checksumsOfStream(bytes, kinds);
  if (checksums.size === size) return checksums;
  const cloudMessage = `${checksums.size} bytes were read of ${size}`;
  throw new StoreError('interrupted', { store: source.name, operation: 'read', key, cloudMessage });
}

/** A second read of a large object is made only where it may end in a copy. */
function isWorthReading({ sizes, policy }: CopyJob, head: ObjectHead, read: Checksums): boolean {
  if (policy.consistencyCheck === 'no_check') return true;
  const ofMd5Alone = differingKinds(head, read).every((kind) => kind === 'md5');
  return ofMd5Alone || head.size <= Math.max(sizes.bufferBytes, sizes.putBytes);
}

function without(
  head: ObjectHead,
  read: Checksums,
  { kinds, reads }: { readonly kinds: readonly ChecksumKind[]; readonly reads: number },
): Declared {
  const wrong = Object.fromEntries(kinds.map((kind) => [kind, undefined]));
  const notes = kinds.map((kind) => {
    const proof =
      reads === 1 ? 'and the CRC-64 of the source agrees with them' : 'in two reads that agree';
    return `${declaredBy(head, kind)} of the source, ${head[kind] ?? ''}, is not the ${checksumNames[kind]} of its bytes: they have ${read[kind] ?? ''}, ${proof}`;
  });
  return { head: { ...head, ...wrong }, notes };
}

function declaredBy({ etag, md5 }: ObjectHead, kind: ChecksumKind): string {
  if (kind !== 'md5') return `the ${checksumNames[kind]}`;
  const isEtag = etag.replaceAll('"', '').toLowerCase() === md5;
  return isEtag ? 'the ETag' : 'the Content-MD5';
}

function unstable(first: Checksums, second: Checksums): string {
  const [kind = 'md5'] = differingKinds(first, second);
  return `two reads of one version gave different bytes, with the ${checksumNames[kind]} ${first[kind] ?? ''} and ${second[kind] ?? ''}: the source, or the network to it, damages data`;
}

function difference(head: ObjectHead, read: Checksums, reads: number): string {
  const [kind = 'md5'] = differingKinds(head, read);
  const both = `the source has the ${checksumNames[kind]} ${head[kind] ?? ''}, what was read from it has ${read[kind] ?? ''}`;
  return reads === 1
    ? both
    : `${both}, in two reads that agree: the object is damaged at the source, or the source keeps a wrong checksum`;
}

function corrupt({ source, key }: CopyJob, cloudMessage: string): StoreError {
  return new StoreError('corrupt', { store: source.name, operation: 'read', key, cloudMessage });
}
