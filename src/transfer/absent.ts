import type { PutOptions } from '../stores/store.ts';
import { StoreError } from '../stores/store-error.ts';
import { headIfThere } from './head-if-there.ts';
import type { CopyJob } from './transfer.ts';

/** Without the condition where the target cannot keep it: a look just before must do. */
export function askable({ target }: CopyJob, options: PutOptions): PutOptions {
  return target.traits.conditionalPut ? options : { ...options, absentOnly: false };
}

/** @throws {StoreError} `exists` when the target has something under the key. */
export async function assertAbsent(job: CopyJob): Promise<void> {
  if ((await headIfThere(job)) === undefined) return;
  const cloudMessage = 'it has appeared during the copy';
  const details = { store: job.target.name, operation: 'head', key: job.key, cloudMessage };
  throw new StoreError('exists', details);
}
