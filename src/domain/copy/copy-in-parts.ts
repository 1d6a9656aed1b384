import { createHash } from 'node:crypto';
import { eachConcurrently } from '../../platform/base/concurrently.ts';
import type { CopyEvidence } from '../../platform/model/consistency.ts';
import { type Fault, keepsParts } from '../../platform/model/fault.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { partCount, partRange, planPartSize } from '../../platform/model/part-plan.ts';
import { checksumsAlone } from '../../platform/model/checksums.ts';
import type {
  PartUpload,
  PutOptions,
  PutReceipt,
  UploadedPart,
} from '../../platform/stores/store.ts';
import type { PutBody } from '../../platform/http/bodies.ts';
import { pinText } from '../../platform/stores/pin.ts';
import { RetryBudget } from '../../platform/stores/retry-budget.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { dropOrLeave, dropUpload } from './drop-upload.ts';
import { crcsWorthTaking, hashing } from './hashing.ts';
import { ownCopy } from './own-copy.ts';
import { checkPart, settlePart } from './part-check.ts';
import { crcsOfParts, inOrder, partsEvidence } from './parts-evidence.ts';
import { pauseAfter } from './pause.ts';
import { askable, assertStillAbsent } from './absent.ts';
import { cutBody } from './cut-body.ts';
import { compareWithDeclared, type Declared } from './declared-checksums.ts';
import type { CheckedPart, CopyJob, JournaledUpload } from './transfer.ts';

// A part's stream cannot be sent again by a layer, so a part is read and put again here. The failures
// of both ends count together, those after which a layer reads again included.
const PART_TRIES = 5;
const COMPLETE_TRIES = 3;

interface PartsCopy {
  readonly job: CopyJob;
  readonly head: ObjectHead;
  readonly options: PutOptions;
  readonly partSize: number;
  readonly upload: PartUpload;
  readonly done: Map<number, CheckedPart>;
  /** Parts that the target has accepted with their MD5, and answered with another ETag. */
  readonly otherEtags: number[];
}

/**
 * Copies one object in ranged parts, read in parallel and pinned to the ETag that was compared.
 *
 * Takes up what an earlier attempt left, when it was of the same source. A failure leaves the upload
 * and its record for the next attempt, also where a person has to fix something first; only a fault
 * that its parts do not survive ({@link keepsParts}) drops it.
 */
export async function copyInParts(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<CopyEvidence> {
  const copy = await openUpload(job, head, options, previous);
  try {
    await copyMissing(copy);
    const parts = inOrder([...copy.done.values()]);
    const { head: declared, notes } = await checkWhole(copy, parts);
    const evidence = { ...(await complete({ ...copy, head: declared }, parts)), notes };
    return await settleEtags(copy, evidence);
  } catch (error) {
    if (error instanceof StoreError && !keepsParts(error.fault)) {
      await dropOrLeave(job, { uploadId: copy.upload.id, startedAt: 0 });
    }
    throw error;
  }
}

async function settleEtags(copy: PartsCopy, evidence: CopyEvidence): Promise<CopyEvidence> {
  const { job, head, partSize, done, otherEtags } = copy;
  const [number] = otherEtags;
  if (number === undefined) return evidence;
  const range = partRange(number, head.size, partSize);
  return await settlePart(job, evidence, { number, md5: done.get(number)?.md5, range });
}

async function openUpload(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<PartsCopy> {
  const resumed = await resume(job, head, options, previous);
  if (resumed !== undefined) return resumed;
  await dropUpload(job, previous);
  const partSize = partSizeOf(job, head);
  const optionsHash = hashOf(options);
  const sourceEtag = pinText(head);
  await job.journal.intend({ sourceEtag, size: head.size, partSize, optionsHash });
  const upload = await startParts(job, options);
  upload.detach(); // From here on the journal, not this process, decides when it is aborted.
  await job.journal.opened(upload.id);
  return { job, head, options, partSize, upload, done: new Map(), otherEtags: [] };
}

function partSizeOf({ sizes, target }: CopyJob, { size }: ObjectHead): number {
  return planPartSize(size, sizes.partBytes, target.traits);
}

/** Many stores keep from the start of an upload what is written beside the bytes. */
function hashOf({ contentType, contentHeaders, userMetadata, tier, kms }: PutOptions): string {
  const sorted = (record: object = {}) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const described = [contentType, sorted(contentHeaders), sorted(userMetadata), tier, kms];
  return createHash('sha256').update(JSON.stringify(described)).digest('hex');
}

/** What is refused for good opened no upload: nothing is left to look for. */
async function startParts(job: CopyJob, options: PutOptions): Promise<PartUpload> {
  try {
    return await job.target.startParts(job.key, askable(job, options), job.lease.signal);
  } catch (error) {
    if (error instanceof StoreError && !error.transient) {
      await job.journal.ended().catch(job.onUploadLeft);
    }
    throw error;
  }
}

/**
 * The earlier upload, with the parts that the journal has and the target confirms. Where the target
 * does not list parts, the journal is trusted: the completion names the ETag of each part.
 */
async function resume(
  job: CopyJob,
  head: ObjectHead,
  options: PutOptions,
  previous: JournaledUpload | undefined,
): Promise<PartsCopy | undefined> {
  if (previous?.uploadId === undefined || previous.abandoned) return undefined;
  if (previous.sourceEtag !== pinText(head) || previous.size !== head.size) return undefined;
  const { optionsHash = hashOf(options) } = previous;
  if (optionsHash !== hashOf(options)) return undefined;
  // Perhaps the parts were too large for the target, or for a proxy, and the setting has changed.
  if (previous.parts.length === 0 && previous.partSize !== partSizeOf(job, head)) return undefined;
  const upload = job.target.resumeParts(job.key, previous.uploadId, askable(job, options));
  upload.detach();
  const listed = await listParts(job, upload);
  if (listed === 'gone') return undefined;
  const held =
    listed === 'unknown' ? undefined : new Map(listed.map((part) => [part.number, part.etag]));
  const done = previous.parts.filter(
    (part) => held === undefined || held.get(part.number) === part.etag,
  );
  return {
    job,
    head,
    options,
    partSize: previous.partSize,
    upload,
    done: new Map(done.map((part) => [part.number, part])),
    otherEtags: [],
  };
}

/** The parts at the target; `gone` where the upload has ended, `unknown` where they are not listed. */
async function listParts(
  { lease }: CopyJob,
  upload: PartUpload,
): Promise<UploadedPart[] | 'gone' | 'unknown'> {
  try {
    return await upload.listParts(lease.signal);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.fault === 'not-found') return 'gone';
    if (error.fault === 'denied' || error.fault === 'unsupported') return 'unknown';
    throw error;
  }
}

function allParts({ head, partSize }: PartsCopy): number[] {
  return Array.from({ length: partCount(head.size, partSize) }, (_, index) => index + 1);
}

/** Copies the missing parts by ranges, or from one read of the whole where the source serves none. */
async function copyMissing(copy: PartsCopy): Promise<void> {
  try {
    await copyRanges(copy);
  } catch (error) {
    if (!servesNoRanges(error)) throw error;
    await copyFromOneRead(copy);
  }
}

function servesNoRanges(error: unknown): boolean {
  return (
    error instanceof StoreError &&
    error.fault === 'unsupported' &&
    error.details.operation === 'read'
  );
}

/**
 * Copies the missing parts in order while the whole object is read once. A part that fails ends the
 * attempt; the next attempt reads over the parts that are done.
 */
async function copyFromOneRead(copy: PartsCopy): Promise<void> {
  const { job, head } = copy;
  const { signal } = job.lease;
  const { body } = await job.source.read(job.key, { pin: head }, signal);
  try {
    const cut = cutBody(body);
    for (const number of allParts(copy)) {
      const size = partBytes(copy, number);
      if (copy.done.has(number)) await cut.skip(size);
      else await keepPart(copy, await sendPart(copy, number, cut.take(size), signal));
    }
  } finally {
    body.discard();
  }
}

function partBytes({ head, partSize }: PartsCopy, number: number): number {
  const { first, last } = partRange(number, head.size, partSize);
  return last - first + 1;
}

async function keepPart({ job, done }: PartsCopy, part: CheckedPart): Promise<void> {
  await job.journal.checked(part);
  done.set(part.number, part);
}

/**
 * After a failure no other part is begun. Those in flight are finished and recorded where the parts are
 * kept, so that they need not be written again.
 */
async function copyRanges(copy: PartsCopy): Promise<void> {
  const { lease, sizes } = copy.job;
  const missing = allParts(copy).filter((number) => !copy.done.has(number));
  const dropped = new AbortController();
  const signal = AbortSignal.any([lease.signal, dropped.signal]);
  const concurrency = Math.min(sizes.partConcurrency, Math.max(missing.length, 1));
  await eachConcurrently(missing, { concurrency, signal }, async (number, ending) => {
    try {
      await copyPart(copy, number, { signal, ending });
    } catch (error) {
      if (error instanceof StoreError && !keepsParts(error.fault)) dropped.abort(error);
      throw error;
    }
  });
}

/** @param signals Ends the part at once; and `ending`, which allows no other try of it. */
async function copyPart(
  copy: PartsCopy,
  number: number,
  { signal, ending }: { readonly signal: AbortSignal; readonly ending: AbortSignal },
): Promise<void> {
  const budget = new RetryBudget(PART_TRIES - 1);
  for (let tries = 1; ; tries++) {
    try {
      await keepPart(copy, await tryPart(copy, number, budget, signal));
      return;
    } catch (error) {
      const again =
        error instanceof StoreError && (error.repeatableNow || error.fault === 'corrupt');
      if (!again || ending.aborted || !budget.spend()) throw error;
      await pauseAfter(error, tries, copy.job.clock, ending);
    }
  }
}

async function tryPart(
  copy: PartsCopy,
  number: number,
  budget: RetryBudget,
  signal: AbortSignal,
): Promise<CheckedPart> {
  const { job, head, partSize } = copy;
  // One part is the whole: some servers answer 200 to a range that covers everything.
  const isWhole = partCount(head.size, partSize) === 1;
  const range = isWhole ? undefined : partRange(number, head.size, partSize);
  const { body } = await job.source.read(job.key, { range, pin: head, budget }, signal);
  return await sendPart(copy, number, body, signal).finally(() => body.discard());
}

async function sendPart(
  copy: PartsCopy,
  number: number,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<CheckedPart> {
  const { job, head } = copy;
  const stream = await hashing(bytes, crcsWorthTaking(job, head));
  const size = partBytes(copy, number);
  const withMd5 = job.findings.partsNeedMd5;
  const md5AtEnd = () => stream.checksums().md5;
  const body = { content: stream, size, md5AtEnd, md5First: withMd5 };
  const receipt = await putPart(copy, number, body, signal);
  const sent = stream.checksums();
  if (checkPart(job, { number, sent, receipt, withMd5 })) copy.otherEtags.push(number);
  return { number, etag: receipt.etag, ...checksumsAlone(sent) };
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
    await job.journal.abandoned().catch(job.onUploadLeft);
    const cloudMessage = 'somebody has ended the upload';
    const details = { store: job.target.name, operation: 'putPart', key: job.key, cloudMessage };
    throw new StoreError('interrupted', details, { cause: error });
  }
}

/** @throws {StoreError} `corrupt` when what was read is not what the source says it has. */
function checkWhole(
  { job, head, partSize }: PartsCopy,
  parts: readonly CheckedPart[],
): Promise<Declared> {
  // Parts have no MD5 of the whole, but for one that is the whole.
  const md5 = parts.length === 1 ? parts[0]?.md5 : undefined;
  return compareWithDeclared(job, head, { md5, ...crcsOfParts(parts, head.size, partSize) });
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
      await job.journal.ended().catch(job.onUploadLeft);
      return partsEvidence(head, parts, partSize, receipt);
    } catch (error) {
      if (!(error instanceof StoreError) || !maybeDone.has(error.fault)) throw error;
      const listed =
        error.fault === 'exists' ? 'unknown' : await orFirst(error, () => listParts(job, upload));
      if (typeof listed === 'string') {
        const gone = listed === 'gone' || error.fault === 'not-found';
        return await published(copy, parts, { failure: error, gone });
      }
      if (tries === COMPLETE_TRIES) throw error;
      await pauseAfter(error, tries, job.clock, job.lease.signal);
    }
  }
}

/** Runs a look after a failure. Where both fail, the failure is reported, if it may pass by itself. */
async function orFirst<T>(failure: StoreError, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    throw error instanceof StoreError && failure.transient ? failure : error;
  }
}

/** Faults of a completion after which the object may nevertheless exist. */
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
 * @throws {StoreError} `exists` where the target has another object; `interrupted` where the upload is
 *   gone and no object is known to be its result: the next attempt compares both sides again. Otherwise the
 *   failure itself.
 */
async function published(
  { job, head, partSize, upload }: PartsCopy,
  parts: readonly CheckedPart[],
  { failure, gone }: { readonly failure: StoreError; readonly gone: boolean },
): Promise<CopyEvidence> {
  const own = await orFirst(failure, () =>
    ownCopy(job, (receipt) => partsEvidence(head, parts, partSize, receipt)),
  );
  if (own !== undefined) {
    // It may be of an earlier try, so that this upload is still open.
    await dropOrLeave(job, { uploadId: upload.id, startedAt: 0 });
    return own;
  }
  if (!gone) throw failure;
  await job.journal.abandoned().catch(job.onUploadLeft);
  const cloudMessage = 'the upload is gone, and the object is not known to be made of its parts';
  const details = { store: job.target.name, operation: 'complete', key: job.key, cloudMessage };
  throw new StoreError('interrupted', details, { cause: failure });
}
