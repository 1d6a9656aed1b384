import type { Clock } from '../../platform/base/clock.ts';
import { keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import { eachConcurrently } from '../../platform/base/concurrently.ts';
import type { Logger } from '../../platform/base/log.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import type { Database } from '../../platform/postgres/db.ts';
import {
  type DueRecheck,
  dueRechecks,
  endRecheck,
  postponeRecheck,
  type RecheckEnd,
  tasksToRecheck,
} from '../queue/rechecks.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { isComparable, isSameWrite } from '../../platform/model/written.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { OpenTask, OpenTasks } from './open-tasks.ts';

/**
 * How a recheck ended: the target has what is on record; it has something else, and the object is copied
 * again; nothing was on record to compare, or the target may not be looked at, and the object is looked
 * at in full; nothing was copied, as its failure says; or the target could not be reached, or does not accept
 * the credentials, and the recheck is repeated.
 */
export type RecheckResult = 'unchanged' | 'changed' | 'not-comparable' | 'not-copied' | 'postponed';

export interface RechecksOptions {
  readonly database: Database;
  readonly openTasks: Pick<OpenTasks, 'use'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onRecheck?: (result: RecheckResult) => void;
}

const TASKS_CONCURRENCY = 8;
const OBJECTS_CONCURRENCY = 8;
const BATCH = 200;
/** Of one task in one run; the next run continues. */
const BATCHES_MAX = 10;
const LOOK_MS = 30_000;
const POSTPONED_MS = 300_000;

/**
 * Looks at the targets of objects whose claim ended without a settlement: a write of it that the store
 * performs late would replace what was copied since. An object that is not what is on record is made due.
 *
 * Can run twice at once, or break off anywhere: a recheck ends in one transaction with what follows
 * from it, and until then it is due.
 */
export async function recheck(options: RechecksOptions, signal: AbortSignal): Promise<void> {
  const tasks = await tasksToRecheck(options.database);
  await eachConcurrently(
    tasks,
    { concurrency: TASKS_CONCURRENCY, signal },
    async (taskId, stop) => {
      try {
        await recheckTask(options, taskId, stop);
      } catch (err) {
        stop.throwIfAborted();
        options.log.warn({ event: 'recheck.failed', taskId, err }, 'rechecks of a task not made');
      }
    },
  );
}

async function recheckTask(
  options: RechecksOptions,
  taskId: string,
  signal: AbortSignal,
): Promise<void> {
  using task = await options.openTasks.use(taskId, 0);
  for (let batches = 0; batches < BATCHES_MAX; batches++) {
    const due = await dueRechecks(options.database, { taskId, limit: BATCH });
    const postponed: DueRecheck[] = [];
    await eachConcurrently(due, { concurrency: OBJECTS_CONCURRENCY, signal }, async (one, stop) => {
      // If a target does not answer, it gets no further requests; the other rechecks stay due.
      if (postponed.length > 0) return;
      const ended = await recheckObject(options, task, { taskId, one, signal: stop });
      if (!ended) postponed.push(one);
    });
    if (postponed.length > 0 || due.length < BATCH) return;
  }
}

/** @returns False where it was postponed. */
async function recheckObject(
  { database, clock, log, onRecheck }: RechecksOptions,
  task: OpenTask,
  { taskId, one, signal }: { taskId: string; one: DueRecheck; signal: AbortSignal },
): Promise<boolean> {
  using limit = timeLimit(clock, LOOK_MS, signal);
  const result = await look(task, one, limit.signal);
  signal.throwIfAborted();
  if (result === 'postponed') {
    await postponeRecheck(database, taskId, one, POSTPONED_MS);
    onRecheck?.(result);
    return false;
  }
  if (!(await endRecheck(database, taskId, one, endOf(result, task, one)))) return true;
  onRecheck?.(result);
  const { key } = one;
  if (result === 'changed') {
    log.warn({ event: 'recheck.changed', taskId, key }, 'the target is not what was copied');
  }
  return true;
}

async function look(
  { target }: OpenTask,
  one: DueRecheck,
  signal: AbortSignal,
): Promise<RecheckResult> {
  const { targetEtag: etag, targetVersion, targetWrittenAt } = one;
  if (etag === undefined || !isComparable({ etag, versionId: targetVersion })) {
    return one.outcome === 'failed' ? 'not-copied' : 'not-comparable';
  }
  let found: ObjectHead;
  try {
    found = await target.head(keyOfIndexed(one.key), signal);
  } catch (error) {
    // With expired credentials the object would only be recorded as failed, although it was copied.
    const passes =
      !(error instanceof StoreError) || error.transient || error.fault === 'bad-credentials';
    if (passes) return 'postponed';
    return error.fault === 'not-found' ? 'changed' : 'not-comparable';
  }
  const recorded = { etag, versionId: targetVersion, writtenAt: targetWrittenAt };
  return isSameWrite(recorded, found) ? 'unchanged' : 'changed';
}

function endOf(result: RecheckResult, { policy }: OpenTask, { outcome }: DueRecheck): RecheckEnd {
  return {
    again: result === 'changed' || result === 'not-comparable',
    // Under NO_OVERWRITE an object that was never copied belongs to another writer.
    doubtful: policy.overwriteMode !== 'NO_OVERWRITE' || outcome === 'copied',
    kept: result === 'not-copied',
  };
}
