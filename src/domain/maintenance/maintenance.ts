import { keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import { randomUUID } from 'node:crypto';
import { eachConcurrently } from '../../platform/base/concurrently.ts';
import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { deleteEndedAttempts } from '../access/attempts-table.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import { deleteUnusedRates } from '../access/rates-table.ts';
import { removeOldAudit } from '../access/audit-table.ts';
import { deleteOldUsedSignatures } from '../access/used-signatures.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { removeLostProcesses } from '../fleet/processes-table.ts';
import { clearOldDetails } from '../queue/objects.ts';
import { deleteOldSignedCreations } from '../../platform/postgres/signed-creations.ts';
import { insertScan, removeOldScans, tasksToReconcile } from '../scan/scans-table.ts';
import { foldStatistics } from '../queue/statistics.ts';
import { clearTask, hiddenTasks, taskInWork } from '../tasks/tasks-table.ts';
import { deleteExpiredTokens } from '../access/tokens-table.ts';
import {
  type AbandonedUpload,
  abandonedUploads,
  abandonIdleUploads,
  hasUploads,
  removeUpload,
} from '../copy/uploads.ts';
import type { Job } from './jobs.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { dropUpload } from '../copy/drop-upload.ts';
import type { OpenTasks } from '../tasks/open-tasks.ts';
import { recheck, type RecheckResult } from '../tasks/rechecks.ts';

export interface MaintenanceOptions {
  readonly database: Database;
  readonly openTasks: OpenTasks;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retentionDays: number;
  readonly auditDays: number;
  /** Days that an upload is kept for an object that failed, or whose task is stopped. */
  readonly uploadDays: number;
  readonly timeZone: string;
  readonly onRecheck?: (result: RecheckResult) => void;
}

export const CLEAR_TASKS = 'clear-tasks';
export const RECHECKS = 'rechecks';

const OLD_OBJECTS_BATCH = 5_000;
/** Small: callers that write to the audit wait for a batch. */
const OLD_AUDIT_BATCH = 2_000;
const UPLOADS_BATCH = 200;
const UPLOADS_CONCURRENCY = 16;
const ABORT_MS = 30_000;
/** An upload that cannot be aborted, as its store is not reached any more, is given up after this long. */
const HOPELESS_UPLOAD_MS = 30 * 86_400_000;

/** The scheduled jobs. Each can run twice or be interrupted. */
export function maintenance(options: MaintenanceOptions): Job[] {
  return [...tableJobs(options), ...taskJobs(options)];
}

/** What keeps tables small. */
function tableJobs(options: MaintenanceOptions): Job[] {
  return [
    {
      name: 'retention',
      cron: '17 * * * *',
      expireSeconds: 3_600,
      run: (signal) => clearHistory(options, signal),
    },
    {
      name: 'audit-retention',
      cron: '27 * * * *',
      expireSeconds: 3_600,
      run: (signal) => removeAudit(options, signal),
    },
    {
      name: 'fold-statistics',
      cron: '37 * * * *',
      expireSeconds: 600,
      run: () => foldStatistics(options.database, options.timeZone),
    },
    {
      name: 'expired-tokens',
      cron: '47 * * * *',
      expireSeconds: 600,
      run: () => deleteExpiredTokens(options.database),
    },
    {
      name: 'old-signed-creations',
      cron: '57 * * * *',
      expireSeconds: 600,
      run: () => forgetOldCalls(options.database),
    },
    {
      name: 'lost-processes',
      cron: '7 * * * *',
      expireSeconds: 600,
      run: () => removeLostProcesses(options.database),
    },
  ];
}

/** What concerns tasks. */
function taskJobs(options: MaintenanceOptions): Job[] {
  return [
    {
      name: 'abandoned-uploads',
      cron: '*/5 * * * *',
      expireSeconds: 3_600,
      run: (signal) => abortIdle(options, signal),
    },
    {
      name: RECHECKS,
      cron: '* * * * *',
      expireSeconds: 3_600,
      run: (signal) => recheck(options, signal),
    },
    {
      name: 'reconciles',
      cron: '*/5 * * * *',
      expireSeconds: 600,
      run: () => beginReconciles(options),
    },
    {
      name: CLEAR_TASKS,
      cron: '* * * * *',
      expireSeconds: 3_600,
      run: (signal) => clearHidden(options, signal),
    },
  ];
}

/** Signed calls that cannot be repeated any more, and counts of failures that have ended. */
async function forgetOldCalls(database: Database): Promise<void> {
  await deleteOldSignedCreations(database);
  await deleteOldUsedSignatures(database);
  await deleteEndedAttempts(database);
  await deleteUnusedRates(database);
}

async function clearHistory(
  { database, retentionDays, log }: MaintenanceOptions,
  signal: AbortSignal,
): Promise<void> {
  const batch = { days: retentionDays, limit: OLD_OBJECTS_BATCH };
  const cleared = await inBatches(batch.limit, signal, () => clearOldDetails(database, batch));
  if (cleared > 0) log.info({ event: 'objects.cleared', cleared }, 'old messages cleared');
  while ((await removeOldScans(database, batch)) > 0) signal.throwIfAborted();
}

async function removeAudit(
  { database, auditDays, log }: MaintenanceOptions,
  signal: AbortSignal,
): Promise<void> {
  const batch = { days: auditDays, limit: OLD_AUDIT_BATCH };
  const removed = await inBatches(batch.limit, signal, () => removeOldAudit(database, batch));
  if (removed > 0) log.info({ event: 'audit.retired', removed }, 'old entries removed');
}

/** Begins the reconcile of each task whose period has passed; those that have a scan at work have theirs later. */
async function beginReconciles({ database, log }: MaintenanceOptions): Promise<void> {
  for (const taskId of await tasksToReconcile(database)) {
    const id = randomUUID();
    if (!(await insertScan(database, { id, taskId, kind: 'reconcile' }))) continue;
    log.info({ event: 'scan.begun', taskId, scanId: id }, 'a reconcile begins');
  }
}

/** Works batch after batch, until one is not full. @returns How many rows that were in all. */
async function inBatches(
  size: number,
  signal: AbortSignal,
  remove: () => Promise<number>,
): Promise<number> {
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    const batch = await remove();
    removed += batch;
    if (batch < size) return removed;
  }
}

async function abortIdle(options: MaintenanceOptions, signal: AbortSignal): Promise<void> {
  await abandonIdleUploads(options.database, { keepDays: options.uploadDays });
  await abortAbandoned(options, { hidden: false, signal });
}

/**
 * Aborts uploads that no attempt will finish, a few at once. One that cannot be reached is retried
 * the next time, and delays the others only for a limited time.
 */
async function abortAbandoned(
  options: MaintenanceOptions,
  { hidden, signal }: { readonly hidden: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const uploads = await abandonedUploads(options.database, { hidden, limit: UPLOADS_BATCH });
  await eachConcurrently(
    uploads,
    { concurrency: UPLOADS_CONCURRENCY, signal },
    async (upload, stop) => {
      try {
        using limit = timeLimit(options.clock, ABORT_MS, stop);
        await abort(options, upload, limit.signal);
      } catch (error) {
        stop.throwIfAborted();
        await giveUp(options, upload, error);
      }
    },
  );
}

async function abort(
  { database, openTasks, log }: MaintenanceOptions,
  upload: AbandonedUpload,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, key, uploadId, startedAt, revision } = upload;
  using task = await openTasks.use(taskId, revision);
  const journal = { ended: () => removeUpload(database, upload) };
  const left = { uploadId, startedAt };
  const job = { key: keyOfIndexed(key), target: task.target, journal, lease: { signal } };
  await dropUpload(job, left);
  log.info({ event: 'upload.aborted', taskId, key, uploadId }, 'abandoned upload aborted');
}

async function giveUp(
  { database, clock, log }: MaintenanceOptions,
  upload: AbandonedUpload,
  error: unknown,
): Promise<void> {
  const { taskId, key, uploadId, startedAt, abandonedAt } = upload;
  const gone = error instanceof StoreError && error.fault === 'no-bucket';
  const hopeless = gone || clock.now() - abandonedAt > HOPELESS_UPLOAD_MS;
  log.warn(
    { event: 'upload.stuck', taskId, key, uploadId, startedAt, err: error, hopeless },
    'upload not aborted',
  );
  if (hopeless) await removeUpload(database, upload);
}

/** Clears away deleted tasks once no process works on them and their uploads are aborted. */
async function clearHidden(options: MaintenanceOptions, signal: AbortSignal): Promise<void> {
  const hidden = await hiddenTasks(options.database);
  // Most have no uploads: they do not wait for the stores of those that have.
  const left = await clearReady(options, hidden, signal);
  if (left.length === 0) return;
  await abortAbandoned(options, { hidden: true, signal });
  await clearReady(options, left, signal);
}

/** @returns The tasks that are still in work or still have uploads. */
async function clearReady(
  { database, openTasks, log }: MaintenanceOptions,
  hidden: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const left: string[] = [];
  for (const taskId of hidden) {
    if ((await taskInWork(database, taskId)) || (await hasUploads(database, taskId))) {
      left.push(taskId);
      continue;
    }
    await clearTask(database, taskId, { signal });
    openTasks.forget(taskId);
    log.info({ event: 'task.cleared', taskId }, 'deleted task cleared away');
  }
  return left;
}
