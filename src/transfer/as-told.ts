import type { ObjectHead } from '../model/object.ts';
import { differingSum, sumNames, type Sums } from '../model/sums.ts';
import { StoreError } from '../stores/store-error.ts';
import type { CopyJob } from './transfer.ts';

/**
 * That what was read is what the source says it has, before any of it is published.
 *
 * @throws {StoreError} `corrupt` with both sums.
 */
export function assertAsTold({ source, key }: CopyJob, head: ObjectHead, read: Sums): void {
  const kind = differingSum(head, read);
  if (kind === undefined) return;
  const cloudMessage = `the source has the ${sumNames[kind]} ${head[kind] ?? ''}, what was read from it has ${read[kind] ?? ''}`;
  throw new StoreError('corrupt', { store: source.name, operation: 'read', key, cloudMessage });
}
