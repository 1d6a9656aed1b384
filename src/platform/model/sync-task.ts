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

/** `skip`: an object that the source does not have is not a failure. OMS knows only `fail`. */
export const missingSources = ['fail', 'skip'] as const;
export type MissingSource = (typeof missingSources)[number];

export const consistencyChecks = ['size_last_modified', 'crc64', 'no_check'] as const;
export type ConsistencyCheck = (typeof consistencyChecks)[number];
