import type { OpenUpload, Store } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { CopyJob, JournaledUpload, UploadJournal } from './transfer.ts';

/** The clocks of a target and of the journal may differ by this much. */
const CLOCKS_DIFFER_MS = 15 * 60_000;
/** An intention waits for its turn and for an answer; by then it is carried out, or never. */
const OPENED_WITHIN_MS = 15 * 60_000;

export interface UploadPlace {
  readonly key: string;
  readonly target: Store;
  readonly journal: Pick<UploadJournal, 'ended'>;
  readonly lease: { readonly signal: AbortSignal };
  /** Called when uploads may not be listed, so that one may stay; without it, that error is thrown. */
  readonly onUploadLeft?: (error: StoreError) => void;
}

/** Aborts an upload that an earlier attempt left and that no attempt continues, and removes its record. */
export async function dropUpload(
  place: UploadPlace,
  upload: Pick<JournaledUpload, 'uploadId' | 'startedAt'> | undefined,
): Promise<void> {
  if (upload === undefined) return;
  const { key, target, journal, lease } = place;
  if (upload.uploadId !== undefined) {
    await target.resumeParts(key, upload.uploadId).abort(lease.signal);
  } else {
    // Only the intention was written down: what was opened under this key just then is ours.
    for (const open of await openUploads(place)) {
      const afterMs = open.startedAt - upload.startedAt;
      if (afterMs < -CLOCKS_DIFFER_MS || afterMs > OPENED_WITHIN_MS + CLOCKS_DIFFER_MS) continue;
      await target.resumeParts(key, open.id).abort(lease.signal);
    }
  }
  await journal.ended();
}

/**
 * Drops an upload where the attempt has a result, or a failure, to report. That is not to be replaced, so
 * an error here is only passed to `onUploadLeft`: the upload is marked first, so that no later attempt
 * builds on it, and the maintenance aborts what could not be aborted here.
 */
export async function dropOrLeave(
  job: CopyJob,
  upload: Pick<JournaledUpload, 'uploadId' | 'startedAt'> | undefined,
): Promise<void> {
  if (upload === undefined) return;
  try {
    await job.journal.abandoned();
    await dropUpload(job, upload);
  } catch (error) {
    job.onUploadLeft(error);
  }
}

async function openUploads({
  key,
  target,
  lease,
  onUploadLeft,
}: UploadPlace): Promise<readonly OpenUpload[]> {
  try {
    return await target.listUploads(key, lease.signal);
  } catch (error) {
    const forbidden = error instanceof StoreError && error.fault === 'denied';
    if (!forbidden || onUploadLeft === undefined) throw error;
    onUploadLeft(error);
    return [];
  }
}
