import type { PutOptions, Traits } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { headIfThere } from './head-if-there.ts';
import type { CopyJob } from './transfer.ts';

/**
 * Drops the condition where the target cannot keep it: a look just before the put must suffice. Then, and
 * where not all buckets keep it, a failed put is not repeated; another attempt looks again first.
 */
export function askable({ target }: CopyJob, options: PutOptions): PutOptions {
  if (options.mode !== 'create' || keptAtPuts(target.traits)) return options;
  return { ...options, mode: target.traits.conditionalPut ? 'create' : 'overwrite', once: true };
}

/**
 * Looks once more just before something is published, where nothing may be replaced and the target
 * alone does not see to it: before every put there, and before the end of every upload, for not
 * every store that keeps the condition at a put keeps it at that: Ceph 16 does not.
 *
 * @throws {StoreError} `exists` when the target has something under the key.
 */
export async function assertStillAbsent(
  job: CopyJob,
  { mode }: PutOptions,
  publishing: 'put' | 'upload',
): Promise<void> {
  if (mode !== 'create' || (publishing === 'put' && keptAtPuts(job.target.traits))) return;
  if ((await headIfThere(job)) === undefined) return;
  const cloudMessage = 'it has appeared during the copy';
  const details = { store: job.target.name, operation: 'head', key: job.key, cloudMessage };
  throw new StoreError('exists', details);
}

/** Whether the condition of a put surely holds, whatever the bucket is. */
function keptAtPuts({ conditionalPut, conditionalPutVersioned }: Traits): boolean {
  return conditionalPut && conditionalPutVersioned;
}
