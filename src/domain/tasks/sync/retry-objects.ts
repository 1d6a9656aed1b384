import type { Database } from '../../../platform/postgres/db.ts';
import { hastenRetryingBatch, newGeneration, retryFailedBatch } from '../../queue/objects.ts';

const BATCH = 10_000;

/** What of a task is tried again at once. */
export interface RetryFilter {
  readonly prefix?: string | undefined;
  /** Also what failed and would be tried again by itself, later. */
  readonly includeRetrying?: boolean | undefined;
}

/** Makes objects of a running task due at once, in batches. @returns How many. */
export async function retryObjects(
  database: Database,
  taskId: string,
  { prefix, includeRetrying = false }: RetryFilter,
): Promise<number> {
  const failed = await retryFailed(database, taskId, prefix);
  return failed + (includeRetrying ? await hastenRetrying(database, taskId, prefix) : 0);
}

async function retryFailed(
  database: Database,
  taskId: string,
  prefix: string | undefined,
): Promise<number> {
  let retried = 0;
  let after: string | undefined;
  for (;;) {
    const batch = await retryFailedBatch(database, taskId, { prefix, after, limit: BATCH });
    if (batch === undefined) return retried;
    retried += batch.count;
    after = batch.lastKey;
  }
}

async function hastenRetrying(
  database: Database,
  taskId: string,
  prefix: string | undefined,
): Promise<number> {
  const before = await newGeneration(database);
  let retried = 0;
  for (;;) {
    const count = await hastenRetryingBatch(database, taskId, { prefix, before, limit: BATCH });
    retried += count;
    if (count < BATCH) return retried;
  }
}
