import type { Store } from '../stores/store.ts';
import type { JournaledUpload, UploadJournal } from './transfer.ts';

/** The clocks of a target and of the journal may differ by this much. */
const CLOCKS_DIFFER_MS = 15 * 60_000;
/** An intention waits for its turn and for an answer; by then it is carried out, or never. */
const OPENED_WITHIN_MS = 15 * 60_000;

/** Aborts an upload that an earlier attempt left and that nobody takes up, and forgets it. */
export async function dropUpload(
  {
    key,
    target,
    journal,
    lease,
  }: {
    readonly key: string;
    readonly target: Store;
    readonly journal: Pick<UploadJournal, 'ended'>;
    readonly lease: { readonly signal: AbortSignal };
  },
  upload: Pick<JournaledUpload, 'uploadId' | 'startedAt'> | undefined,
): Promise<void> {
  if (upload === undefined) return;
  if (upload.uploadId !== undefined) {
    await target.resumeParts(key, upload.uploadId).abort(lease.signal);
  } else {
    // Only the intention was written down: what was opened under this key just then is ours.
    for (const open of await target.listUploads(key, lease.signal)) {
      const afterMs = open.startedAt - upload.startedAt;
      if (afterMs < -CLOCKS_DIFFER_MS || afterMs > OPENED_WITHIN_MS + CLOCKS_DIFFER_MS) continue;
      await target.resumeParts(key, open.id).abort(lease.signal);
    }
  }
  await journal.ended();
}
