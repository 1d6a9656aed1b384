import { eachConcurrently } from '../base/concurrently.ts';
import type { CopyEvidence } from '../model/consistency.ts';
import { type Fault, isRepeatable } from '../model/fault.ts';
import type { ObjectHead } from '../model/object.ts';
import { partCount, partRange, planPartSize } from '../model/part-plan.ts';
import { differingSum, type Sums, sumsAlone } from '../model/sums.ts';
import type { PartUpload, PutBody, PutOptions, PutReceipt, UploadedPart } from '../stores/store.ts';
import { StoreError } from '../stores/store-error.ts';
import { dropUpload } from './drop-upload.ts';
import { crcsWorthTaking, hashing } from './hashing.ts';
import { ownCopy } from './own-copy.ts';
import { crcsOfParts, inOrder, partsEvidence } from './parts-evidence.ts';
import { pauseAfter } from './pause.ts';
import { askable, assertStillAbsent } from './absent.ts';
import { assertAsTold } from './as-told.ts';
import type { CheckedPart, CopyJob, JournaledUpload } from './transfer.ts';

/** A part's stream cannot be sent again by a layer, so a part is read and put again here. */
const PART_TRIES = 5;
const COMPLETE_TRIES = 3;

interface PartsCopy {
  readonly job: CopyJob;
  readonly head: ObjectHead;
  readonly options: PutOptions;
  readonly partSize: number;
  readonly upload: PartUpload;
  readonly done: Map<number, CheckedPart>;
}

/**
 * Copies one object in ranged parts, read in parallel and pinned to the ETag that was compared.
 *
 * Takes up what an earlier attempt left, when it was of the same source. What ends it for good
 * aborts the upload; what may pass leaves it, written down, for the next attempt.
 */
export async function copyInParts(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<CopyEvidence> {
  const copy = await openUpload(job, head, options, previous);
  try {
    const missing = missingParts(copy);
    await eachConcurrently(
      missing,
      {
        width: Math.min(job.sizes.partWidth, Math.max(missing.length, 1)),
        signal: job.lease.signal,
      },
      (number, signal) => copyPart(copy, number, signal),
    );
    const parts = inOrder([...copy.done.values()]);
    checkWhole(copy, parts);
    const evidence = await complete(copy, parts);
    await job.journal.ended().catch(job.onUploadLeft);
    return evidence;
  } catch (error) {
    if (error instanceof StoreError && (!error.transient || spoiled.has(error.fault))) {
      await dropUpload(job, { uploadId: copy.upload.id, startedAt: 0 });
    }
    throw error;
  }
}

/** Faults after which the next attempt may not build on these parts. */
const spoiled: ReadonlySet<Fault> = new Set<Fault>(['changed', 'corrupt', 'stale-cdn']);

async function openUpload(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<PartsCopy> {
  const resumed = await resume(job, head, options, previous);
  if (resumed !== undefined) return resumed;
  await dropUpload(job, previous);
  const partSize = planPartSize(head.size, job.sizes.partBytes, job.target.traits);
  await job.journal.intend({ sourceEtag: head.etag, size: head.size, partSize });
  const upload = await startParts(job, options);
  upload.detach(); // From here on the journal, not this process, decides when it is aborted.
  await job.journal.opened(upload.id);
  return { job, head, options, partSize, upload, done: new Map() };
}

/** What is refused for good opened no upload: nothing is left to look for. */
async function startParts(job: CopyJob, options: PutOptions): Promise<PartUpload> {
  try {
    return await job.target.startParts(job.key, askable(job, options), job.lease.signal);
  } catch (error) {
    if (error instanceof StoreError && !error.transient) await job.journal.ended();
    throw error;
  }
}

/** The earlier upload, with the parts that both the journal and the target know alike. */
async function resume(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<PartsCopy | undefined> {
  if (previous?.uploadId === undefined) return undefined;
  if (previous.sourceEtag !== head.etag || previous.size !== head.size) return undefined;
  const upload = job.target.resumeParts(job.key, previous.uploadId, askable(job, options));
  upload.detach();
  const listed = await listParts(job, upload);
  if (listed === undefined) return undefined;
  const held = new Map(listed.map((part) => [part.number, part.etag]));
  const done = previous.parts.filter((part) => held.get(part.number) === part.etag);
  return {
    job,
    head,
    options,
    partSize: previous.partSize,
    upload,
    done: new Map(done.map((part) => [part.number, part])),
  };
}

/** Undefined where the upload is gone, or where nobody may ask: then it cannot be built on, either. */
async function listParts(
  { lease }: CopyJob,
  upload: PartUpload,
): Promise<UploadedPart[] | undefined> {
  try {
    return await upload.listParts(lease.signal);
  } catch (error) {
    if (error instanceof StoreError && unlisted.has(error.fault)) return undefined;
    throw error;
  }
}

const unlisted: ReadonlySet<Fault> = new Set<Fault>(['not-found', 'denied', 'unsupported']);

function missingParts({ head, partSize, done }: PartsCopy): number[] {
  const numbers = Array.from({ length: partCount(head.size, partSize) }, (_, index) => index + 1);
  return numbers.filter((number) => !done.has(number));
}

async function copyPart(copy: PartsCopy, number: number, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const part = await tryPart(copy, number, signal);
      await copy.job.journal.checked(part);
      copy.done.set(number, part);
      return;
    } catch (error) {
      const again =
        error instanceof StoreError && (isRepeatable(error.fault) || error.fault === 'corrupt');
      if (!again || tries === PART_TRIES) throw error;
      await pauseAfter(error, tries, copy.job.clock, signal);
    }
  }
}

async function tryPart(copy: PartsCopy, number: number, signal: AbortSignal): Promise<CheckedPart> {
  const { job, head, partSize } = copy;
  const range = partRange(number, head.size, partSize);
  const size = range.last - range.first + 1;
  const read = await job.source.read(job.key, { range, ifMatch: head.etag }, signal);
  const stream = await hashing(read.body, crcsWorthTaking(job, head));
  const receipt = await putPart(copy, number, { content: stream, size }, signal).finally(() =>
    read.body.discard(),
  );
  const sent = stream.sums();
  checkPart(job, number, sent, receipt);
  return { number, etag: receipt.etag, ...sumsAlone(sent) };
}

/** @throws {StoreError} `interrupted` where the upload is gone: another attempt opens a new one. */
async function putPart(
  { job, upload }: PartsCopy,
  number: number,
  body: PutBody,
  signal: AbortSignal,
): Promise<PutReceipt> {
  try {
    return await upload.putPart(number, body, signal);
  } catch (error) {
    if (!(error instanceof StoreError) || error.fault !== 'not-found') throw error;
    const cloudMessage = 'somebody has ended the upload';
    const details = { store: job.target.name, operation: 'putPart', key: job.key, cloudMessage };
    throw new StoreError('interrupted', details, { cause: error });
  }
}

/** @throws {StoreError} `corrupt` when the target's sum of a part is not that of what was sent. */
function checkPart(
  { key, target }: CopyJob,
  number: number,
  sent: Sums,
  receipt: PutReceipt,
): void {
  if (differingSum(sent, receipt) === undefined) return;
  const cloudMessage = `part ${number} arrived with another sum than it was sent with`;
  throw new StoreError('corrupt', { store: target.name, operation: 'putPart', key, cloudMessage });
}

/** @throws {StoreError} `corrupt` when what was read is not what the source says it has. */
function checkWhole({ job, head, partSize }: PartsCopy, parts: readonly CheckedPart[]): void {
  // Parts have no MD5 of the whole, but for one that is the whole.
  const md5 = parts.length === 1 ? parts[0]?.md5 : undefined;
  assertAsTold(job, head, { md5, ...crcsOfParts(parts, head.size, partSize) });
}

/**
 * Publishes the object. A failure may have come after the deed, so it is looked into: an upload
 * that is still there can be completed again; one that is gone was completed, if the target has
 * the object that these parts make.
 */
async function complete(copy: PartsCopy, parts: readonly CheckedPart[]): Promise<CopyEvidence> {
  const { job, head, options, partSize, upload } = copy;
  for (let tries = 1; ; tries++) {
    try {
      await assertStillAbsent(job, options, 'upload');
      job.lease.assertHeld();
      const receipt = await upload.complete(parts, job.lease.signal);
      return partsEvidence(head, parts, partSize, receipt);
    } catch (error) {
      if (!(error instanceof StoreError) || !maybeDone.has(error.fault)) throw error;
      const open = error.fault !== 'exists' && (await listParts(job, upload)) !== undefined;
      if (!open) return await published(copy, parts, error);
      if (tries === COMPLETE_TRIES) throw error;
      await pauseAfter(error, tries, job.clock, job.lease.signal);
    }
  }
}

/** Faults of a complete after which the object may be there all the same. */
const maybeDone: ReadonlySet<Fault> = new Set<Fault>([
  'not-found',
  'exists',
  'unavailable',
  'unreachable',
  'interrupted',
  'throttled',
  'bad-reply',
]);

/**
 * What is known of an upload that was completed behind a failure.
 *
 * @throws {StoreError} `exists` where the target has another object, and `interrupted` where it has
 *   none that can be told to be ours: the next attempt compares both sides anew.
 */
async function published(
  { job, head, partSize, upload }: PartsCopy,
  parts: readonly CheckedPart[],
  failure: StoreError,
): Promise<CopyEvidence> {
  const own = await ownCopy(job, (receipt) => partsEvidence(head, parts, partSize, receipt));
  if (own !== undefined) {
    await upload.abort(job.lease.signal); // It may be of an earlier try.
    return own;
  }
  if (failure.fault === 'exists') throw failure;
  const cloudMessage = 'the upload is gone, and the object is not known to be made of its parts';
  const details = { store: job.target.name, operation: 'complete', key: job.key, cloudMessage };
  throw new StoreError('interrupted', details, { cause: failure });
}
