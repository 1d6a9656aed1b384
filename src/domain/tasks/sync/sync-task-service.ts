import type { Secret } from '../../../platform/base/seal.ts';
import type { ListedOutcome } from '../../../platform/model/outcome.ts';
import type { Quota } from '../../access/quotas.ts';
import type { ObjectRecord } from '../../queue/object-record.ts';
import type { QueueProgress } from '../../queue/progress.ts';
import type { Rate } from '../../queue/statistics.ts';
import type { ScanRecord } from '../../scan/scans-table.ts';
import type { Counters, StatisticWidth } from '../../../platform/model/statistics.ts';
import type { SyncTaskStatus } from '../../../platform/model/sync-task.ts';
import type { SyncTask, TaskPlan } from '../task-record.ts';
import type { AccessKey } from '../../../platform/signing/access-key.ts';
import type { RetryFilter } from './retry-objects.ts';
import type { TaskChange } from '../tasks-table.ts';
import type { Created } from '../signed-creations.ts';

/** What a task needs to enter both buckets, and the CDN in front of the source. */
export interface TaskCredentials {
  readonly source: AccessKey;
  readonly target: AccessKey;
  /** The authentication key of the CDN; undefined where it requires none. */
  readonly cdnKey?: Secret | undefined;
}

export interface NewSyncTask extends TaskPlan {
  readonly credentials: TaskCredentials;
  /** Whether it synchronizes at once; if not, it is created stopped. */
  readonly start?: boolean | undefined;
  /** Whether a backfill begins with the task. */
  readonly initialScan?: boolean | undefined;
  /** A reconcile begins this often by itself; never where it is 0 or not given. */
  readonly reconcileHours?: number | undefined;
}

export interface TaskPage {
  readonly tasks: readonly SyncTask[];
  /** Of all that match, whatever the page. */
  readonly count: number;
}

export interface StatisticPoint {
  /** The start of the bucket, milliseconds since the Unix epoch. */
  readonly start: number;
  readonly counters: Counters;
}

export interface TaskStatistics {
  readonly width: StatisticWidth;
  /** Ascending and without gaps. */
  readonly points: readonly StatisticPoint[];
}

/** How far a task is. */
export interface TaskProgress extends QueueProgress {
  readonly rate: Rate;
  /** The newest scan that has not ended. */
  readonly scan: ScanRecord | undefined;
  readonly lastReconcile: ScanRecord | undefined;
}

export interface ObjectFilter {
  /** Undefined: what is settled, however it ended. `retrying`: what failed and comes again. */
  readonly outcome?: ListedOutcome | undefined;
  readonly prefix?: string | undefined;
  /** The last key of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * The use cases of synchronization tasks. A project sees its own tasks only; every method rejects
 * with a {@link ServiceError} for what the caller can correct.
 */
export interface SyncTaskService {
  /** Newest first. */
  list(
    projectId: string,
    page: {
      readonly limit: number;
      readonly offset: number;
      readonly status?: SyncTaskStatus | undefined;
    },
  ): Promise<TaskPage>;
  /**
   * @param signedCall Identifies the signed request that creates it: an equal one within a minute gets the
   *   same task. Undefined for a request that is not signed.
   */
  create(projectId: string, task: NewSyncTask, signedCall?: string): Promise<Created>;
  /** @param queryTime Milliseconds; the counters are those of the calendar month that holds it. */
  show(
    projectId: string,
    taskId: string,
    queryTime: number,
  ): Promise<{
    readonly task: SyncTask;
    readonly month: Counters;
    /** 0 where the task is not reconciled by itself. */
    readonly reconcileHours: number;
  }>;
  /** Changes what of a task may change while it exists. */
  change(projectId: string, taskId: string, change: TaskChange): Promise<void>;
  remove(projectId: string, taskId: string): Promise<void>;
  /** @param credentials Replace the sealed ones; what is absent serves on. */
  start(projectId: string, taskId: string, credentials: Partial<TaskCredentials>): Promise<void>;
  stop(projectId: string, taskId: string): Promise<void>;
  /** How many names one event of a project may have. */
  eventQuota(projectId: string): Promise<Quota>;
  /** Durable when it resolves. @param encodedKeys As the client sent them, still URL-encoded. */
  acceptEvents(projectId: string, taskId: string, encodedKeys: readonly string[]): Promise<void>;
  statistics(
    projectId: string,
    taskId: string,
    range: { readonly startMs: number; readonly endMs: number },
  ): Promise<TaskStatistics>;
  progress(projectId: string, taskId: string): Promise<TaskProgress>;
  listObjects(
    projectId: string,
    taskId: string,
    filter: ObjectFilter,
  ): Promise<{ readonly objects: readonly ObjectRecord[]; readonly next: string | undefined }>;
  /** Makes every failed object due again, and on request those that are tried again later. */
  retryFailed(
    projectId: string,
    taskId: string,
    filter: RetryFilter,
  ): Promise<{ readonly retried: number }>;
}

/** Why requests cannot be served now; the message may be shown to anyone. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

export interface Health {
  /** Resolves when requests can be served now. @throws {NotReady} when they cannot. */
  ready(): Promise<void>;
}
