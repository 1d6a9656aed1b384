import type { ObjectHead } from '../../platform/model/object.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { CopyJob } from './transfer.ts';

/** What the target has under the key, if anything. */
export async function headIfThere(job: CopyJob): Promise<ObjectHead | undefined> {
  try {
    return await job.target.head(job.key, job.lease.signal);
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'not-found') return undefined;
    throw error;
  }
}
