import type { TaskBehaviour } from './behaviour.ts';
import type { CloudType } from './cloud.ts';
import type { SourceCdn } from './source-cdn.ts';
import type { StoragePolicy } from './storage-class.ts';

export const syncTaskStatuses = ['SYNCHRONIZING', 'STOPPED'] as const;
export type SyncTaskStatus = (typeof syncTaskStatuses)[number];
export type SyncTaskSignal = 'start' | 'stop' | 'delete';

/** What each signal makes of a task; what is missing is not allowed. */
const next: Record<SyncTaskStatus, Partial<Record<SyncTaskSignal, SyncTaskStatus | 'gone'>>> = {
  SYNCHRONIZING: { stop: 'STOPPED' },
  STOPPED: { start: 'SYNCHRONIZING', delete: 'gone' },
};

/** The status after a signal, or undefined where the signal is not allowed. */
export function step(
  status: SyncTaskStatus,
  signal: SyncTaskSignal,
): SyncTaskStatus | 'gone' | undefined {
  return next[status][signal];
}

export const overwriteModes = [
  'NO_OVERWRITE',
  'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  'CRC64_COMPARISON_OVERWRITE',
  'FULL_OVERWRITE',
] as const;
export type OverwriteMode = (typeof overwriteModes)[number];

export const consistencyChecks = ['size_last_modified', 'crc64', 'no_check'] as const;
export type ConsistencyCheck = (typeof consistencyChecks)[number];

/** One end of a sync task, as the request named it. */
export interface BucketPlace {
  readonly cloud: CloudType;
  readonly region: string;
  readonly bucket: string;
  /** An address the request gave; absent where the operator's file or the cloud's own serves. */
  readonly endpoint: string | undefined;
}

/** What a client decided when it created a task of any kind; nothing of it changes later. */
export interface TaskPlan {
  readonly source: BucketPlace;
  readonly target: BucketPlace;
  /** Where the source's bytes are read; undefined where from the bucket itself. */
  readonly sourceCdn: SourceCdn | undefined;
  readonly description: string;
  readonly metadataMigration: boolean;
  /** Whether the target encrypts by its key service. */
  readonly kms: boolean;
  /** Whether archived sources are restored first. */
  readonly restore: boolean;
  readonly overwriteMode: OverwriteMode;
  readonly consistencyCheck: ConsistencyCheck;
  readonly storagePolicy: StoragePolicy | undefined;
  readonly appId: string | undefined;
}

/** What every task has, whatever its kind. */
export interface Task extends TaskPlan {
  readonly id: string;
  readonly projectId: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly lastStartedAt: number;
  /** How its stores were seen to behave; undefined where they were not probed. */
  readonly behaviour?: TaskBehaviour | undefined;
}

/** A task that goes on until it is stopped. */
export interface SyncTask extends Task {
  readonly status: SyncTaskStatus;
}
