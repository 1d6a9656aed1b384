import {
  type CopyEvidence,
  checkCopy,
  type Demand,
  needsLook,
} from '../../platform/model/consistency.ts';
import { filteredBy } from '../../platform/model/copy-filters.ts';
import { wayOfCopy } from '../../platform/model/copy-plan.ts';
import { keepsParts } from '../../platform/model/fault.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import type { Check, Outcome, SkipReason } from '../../platform/model/outcome.ts';
import { decide, looksAtTarget, type Decision } from '../../platform/model/overwrite.ts';
import { proofOf } from '../../platform/model/proof.ts';
import { classNote, tierOf } from '../../platform/model/storage-class.ts';
import { crcsAlone } from '../../platform/model/checksums.ts';
import { CLOCKS_DIFFER_MS, foundObject, isSameWrite } from '../../platform/model/written.ts';
import type { ObjectRead, PutOptions } from '../../platform/stores/store.ts';
import { pinText, recordedTag } from '../../platform/stores/pin.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { hasAllBesideBytes, putOptions } from './beside-bytes.ts';
import { copyInParts } from './copy-in-parts.ts';
import { settleSourceMd5 } from './declared-checksums.ts';
import { dropOrLeave } from './drop-upload.ts';
import { headIfThere } from './head-if-there.ts';
import { ownCopy } from './own-copy.ts';
import { inOrder, partsEvidence } from './parts-evidence.ts';
import { earlierPut, putBuffered, putStreamed } from './put-whole.ts';
import { settleTargetMd5 } from './target-md5.ts';
import type { CopyJob, JournaledUpload } from './transfer.ts';

/** How often a copy that did not pass its check is made again at once. */
const COPIES_MAX = 3;

/**
 * Looks at one key on both sides and does what its task requires: nothing, or a checked copy.
 *
 * A copy is pinned: what was compared is what is copied, and a source that changes meanwhile ends
 * the attempt as `changed`, before anything is published.
 *
 * @throws {StoreError} for what a store refused or could not do: its `fault` says whether a later
 *   attempt may succeed. @throws {LeaseLost} when the right to the key ended first.
 */
export async function copyObject(job: CopyJob): Promise<Outcome> {
  try {
    return await lookAndCopy(job);
  } catch (error) {
    return await restoreInstead(job, error);
  }
}

async function lookAndCopy(job: CopyJob): Promise<Outcome> {
  const previous = job.uploading ? await job.journal.find() : undefined;
  const mode = job.policy.overwriteMode;
  // An object that may be our damaged copy is no reason to skip, so it is not looked at; except under
  // NO_OVERWRITE, where it is not replaced either.
  const looks = looksAtTarget(mode) && (!job.targetDoubtful || mode === 'NO_OVERWRITE');
  const target = looks ? await headIfThere(job) : undefined;
  const found = target && (await foundThere(job, target, previous));
  if (found !== undefined) return found;
  const read = await readSource(job, previous);
  const filtered = filteredBy(job.policy.copyFilters, read.head);
  const decision: Decision =
    filtered === undefined
      ? decide(mode, read.head, target, knownOf(job, read.head, target))
      : { kind: 'skip', reason: filtered };
  if (decision.kind === 'skip') {
    read.body.discard();
    await dropOrLeave(job, previous);
    return skipped(job, decision.reason, read.head, target);
  }
  return copyChecked(job, read, previous);
}

/** How a round ends by what is there already, without a comparison of both ends; undefined where it does not. */
async function foundThere(
  job: CopyJob,
  target: ObjectHead,
  previous: JournaledUpload | undefined,
): Promise<Outcome | undefined> {
  if (job.policy.overwriteMode !== 'NO_OVERWRITE') {
    if (!mayBeOwn(job, target, previous)) return undefined;
    const own = await earlierCopy(job, previous, target);
    if (own !== undefined) await dropOrLeave(job, previous);
    return own;
  }
  const counted = isOnRecord(job, target) && !job.targetDoubtful;
  const own = counted ? undefined : await earlierCopy(job, previous);
  await dropOrLeave(job, previous);
  return own ?? left(job, target);
}

/** What the record of the last round says of both ends. */
function knownOf(job: CopyJob, source: ObjectHead, target: ObjectHead | undefined) {
  const { copiedEtag, policy } = job;
  // What may lie at the target is no reason not to copy, whatever sizes and times say.
  const sourceChanged =
    job.targetDoubtful || (copiedEtag !== undefined && copiedEtag !== recordedTag(source));
  const unsettled = target !== undefined && maybeLate(job, target);
  const isRecorded = target !== undefined && isOnRecord(job, target);
  const asCopied =
    copiedEtag === recordedTag(source) && isRecorded && !job.unsettled && !job.targetDoubtful;
  const equalBesideBytes =
    target !== undefined && hasAllBesideBytes(target, putOptions(job, source).options);
  return { sourceChanged, kms: policy.kms, unsettled, asCopied, equalBesideBytes };
}

function skipped(
  { recorded }: CopyJob,
  reason: SkipReason,
  source: ObjectHead,
  target: ObjectHead | undefined,
): Outcome {
  const crcs = reason === 'same-crc64' ? crcsAlone(source) : undefined;
  // A target that was not looked at has what it had.
  const written = target === undefined ? recorded : foundObject(target);
  return { kind: 'skipped', reason, size: source.size, written, ...(crcs && { crcs }) };
}

function demandOf({ policy }: CopyJob): Demand {
  return { method: policy.consistencyCheck, kms: policy.kms };
}

/**
 * Requests a restore where the source is archived and the task restores. A repeated request changes
 * nothing.
 */
async function restoreInstead(
  { source, key, policy, lease }: CopyJob,
  error: unknown,
): Promise<Outcome> {
  const days = policy.restoreDays;
  const frozen =
    error instanceof StoreError &&
    error.fault === 'archived' &&
    error.details.store === source.name;
  if (!frozen || days === undefined) throw error;
  const { checkAfterMs } = await source.restore(key, { days }, lease.signal);
  return { kind: 'restoring', checkAfterMs };
}

/** Whether the target's object may have been written by a claim that was never settled. */
function maybeLate(job: CopyJob, target: ObjectHead): boolean {
  return job.unsettled && !isOnRecord(job, target);
}

/** Where nothing may be replaced, and what is there is not known to be our copy. */
function left(job: CopyJob, target: ObjectHead): Outcome {
  const { size } = target;
  if (!job.targetDoubtful) {
    return { kind: 'skipped', reason: 'target-exists', size, written: foundObject(target) };
  }
  const message =
    'the target has an object that may be a damaged copy of this service, and it is not what the ' +
    'source has. It is not replaced under NO_OVERWRITE, unless it is removed there';
  return { kind: 'failed', fault: 'inconsistent', message, size };
}

/**
 * Whether an earlier attempt of this round may have written the target's object, without a record of it.
 * A process that died has not recorded whether it wrote; but the upload in its journal shows it.
 */
function mayBeOwn(
  job: CopyJob,
  target: ObjectHead,
  previous: JournaledUpload | undefined,
): boolean {
  const sent = job.writeSent || (job.unsettled && previous?.uploadId !== undefined);
  return sent && !isOnRecord(job, target);
}

/** Whether the target has what the last round has recorded. */
function isOnRecord({ recorded }: CopyJob, target: ObjectHead): boolean {
  return recorded !== undefined && isSameWrite(recorded, target);
}

/**
 * The copy that an earlier attempt made without learning the result, where its bytes prove it.
 *
 * @param replaced What the target has, where the attempt may have replaced another object of equal bytes:
 *   then it must have all that is written beside the bytes, too.
 */
async function earlierCopy(
  job: CopyJob,
  previous: JournaledUpload | undefined,
  replaced?: ObjectHead,
): Promise<Outcome | undefined> {
  const first = !job.writeSent && !job.unsettled;
  if (first && previous === undefined && !job.targetDoubtful) return undefined;
  const read = await readSource(job, previous);
  const { head } = read;
  const own = await earlierEvidence(job, read, previous);
  if (own === undefined) return undefined;
  const check = checkCopy(demandOf(job), own);
  const { options, notes } = putOptions(job, head);
  const isWhole = replaced === undefined || (check.passed && hasAllBesideBytes(replaced, options));
  return isWhole ? copied(head, own, check, notes) : undefined;
}

async function earlierEvidence(
  job: CopyJob,
  read: ObjectRead,
  previous: JournaledUpload | undefined,
): Promise<CopyEvidence | undefined> {
  const { head, body } = read;
  const isOfThis = previous?.sourceEtag === pinText(head) && previous.size === head.size;
  const parts = isOfThis ? inOrder(previous.parts) : [];
  if (previous === undefined || parts.length === 0) return await earlierPut(job, read);
  body.discard();
  return await ownCopy(job, (receipt) => partsEvidence(head, parts, previous.partSize, receipt));
}

/** Drops the upload of an earlier attempt where this failure says for good that it is of no use. */
async function readSource(
  job: CopyJob,
  previous: JournaledUpload | undefined,
): Promise<ObjectRead> {
  try {
    return await readWhole(job);
  } catch (error) {
    const over = error instanceof StoreError && !error.transient && !keepsParts(error.fault);
    if (over) await dropOrLeave(job, previous);
    throw error;
  }
}

/** Looks up the class first, where a read does not return it, because a read holds a place at the source. */
async function readWhole({ key, source, policy, lease }: CopyJob): Promise<ObjectRead> {
  const needsClass =
    policy.storagePolicy === 'SRC_STORAGE_MAPPING' ||
    policy.copyFilters?.storageClasses !== undefined;
  if (!needsClass || source.traits.readTellsClass) {
    return await source.read(key, {}, lease.signal);
  }
  const known = await source.head(key, lease.signal);
  const { head, body } = await source.read(key, { pin: known }, lease.signal);
  return { head: { ...head, storageClass: known.storageClass, tier: known.tier }, body };
}

async function copyChecked(
  job: CopyJob,
  first: ObjectRead,
  previous: JournaledUpload | undefined,
): Promise<Outcome> {
  // Where nothing may be replaced, the object that is there by then may be another writer's.
  const copiesMax = job.policy.overwriteMode === 'NO_OVERWRITE' ? 1 : COPIES_MAX;
  let read = first;
  for (let copies = 1; ; copies++) {
    const { options, notes } = putOptions(job, read.head);
    const evidence = await moveBytes(job, read, options, copies === 1 ? previous : undefined);
    if (evidence === 'exists') {
      return { kind: 'skipped', reason: 'target-exists', size: read.head.size };
    }
    const { seen, check } = await checked(job, read.head, evidence);
    if (check.passed) {
      const ofClass = classNote(options.tier, seen.targetTier);
      return copied(read.head, seen, check, [...notes, ...ofClass]);
    }
    if (copies === copiesMax) {
      const times = copies === 1 ? '' : ` ${copies} times`;
      const message = `the copy did not pass its check${times}: ${check.detail}`;
      return { kind: 'failed', fault: 'inconsistent', message, size: read.head.size };
    }
    read = await readWhole(job);
  }
}

/** Checks a copy by what is known of it, and by a look at the target where that is not enough. */
async function checked(
  job: CopyJob,
  source: ObjectHead,
  evidence: CopyEvidence,
): Promise<{ readonly seen: CopyEvidence; readonly check: Check }> {
  const demand = demandOf(job);
  const withMd5 = await settleMd5(job, source, evidence);
  if (!needsLook(demand, withMd5)) return { seen: withMd5, check: checkCopy(demand, withMd5) };
  const head = await headIfThere(job);
  if (head === undefined) {
    const detail = 'the target does not have it, or no longer';
    return { seen: withMd5, check: { method: 'size_last_modified', passed: false, detail } };
  }
  const seen = await settleMd5(job, source, withLook(withMd5, head));
  return { seen, check: checkCopy(demand, seen) };
}

async function settleMd5(
  job: CopyJob,
  source: ObjectHead,
  evidence: CopyEvidence,
): Promise<CopyEvidence> {
  return await settleSourceMd5(job, source, await settleTargetMd5(job, evidence));
}

function copied(
  source: ObjectHead,
  evidence: CopyEvidence,
  check: Check,
  notes: readonly string[],
): Outcome {
  const { size } = source;
  const { source: declared, computed, target, written } = evidence;
  const crcs = {
    crc64: target.crc64 ?? computed.crc64 ?? declared.crc64,
    crc64nvme: target.crc64nvme ?? computed.crc64nvme ?? declared.crc64nvme,
  };
  const proof = proofOf(evidence);
  const all = [...notes, ...(evidence.notes ?? [])];
  return {
    kind: 'copied',
    size,
    check,
    proof,
    written,
    crcs,
    sourceEtag: recordedTag(source),
    notes: all,
  };
}

/**
 * A source may have a time in the future. No copy can be as new, so that the target's own time of the
 * write is compared instead: it still distinguishes the copy from what was there before.
 */
function comparableTime({ sourceModified, written: { writtenAt } }: CopyEvidence): number {
  return writtenAt === undefined
    ? sourceModified
    : Math.min(sourceModified, writtenAt - CLOCKS_DIFFER_MS);
}

function withLook(evidence: CopyEvidence, head: ObjectHead): CopyEvidence {
  return {
    ...evidence,
    sourceModified: comparableTime(evidence),
    targetSize: head.size,
    targetModified: head.lastModified,
    target: {
      ...evidence.target,
      md5: evidence.target.md5 ?? head.md5,
      crc64: evidence.target.crc64 ?? head.crc64,
      crc64nvme: evidence.target.crc64nvme ?? head.crc64nvme,
    },
    targetEncryption: evidence.targetEncryption ?? head.encryption,
    targetTier: evidence.targetTier ?? tierOf(head),
    written: foundObject(head),
  };
}

/** Moves the bytes in the way that {@link wayOfCopy} chooses. */
async function moveBytes(
  job: CopyJob,
  read: ObjectRead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<CopyEvidence | 'exists'> {
  const { size, md5 } = read.head;
  const way = wayOfCopy({ size, md5Known: md5 !== undefined }, job.sizes, job.target.traits);
  try {
    if (way === 'held') {
      await dropOrLeave(job, previous);
      return await putBuffered(job, read, options);
    }
    if (way === 'streamed' && md5 !== undefined) {
      await dropOrLeave(job, previous);
      return await putStreamed(job, read, options, md5);
    }
    read.body.discard();
    return await copyInParts(job, read.head, options, previous);
  } catch (error) {
    read.body.discard(); // It may not have been begun.
    if (error instanceof StoreError && error.fault === 'exists') return 'exists';
    throw error;
  }
}
