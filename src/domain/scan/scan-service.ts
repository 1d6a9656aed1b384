import type { ScanKind, ScanSignal } from './scan.ts';
import type { Difference } from './differences-table.ts';
import type { ScanRecord } from './scans-table.ts';

/**
 * The use cases of scans. A project sees the scans of its own tasks only; every method rejects with a
 * {@link ServiceError} for what the caller can correct.
 */
export interface ScanService {
  /** Newest first. */
  list(
    projectId: string,
    taskId: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<readonly ScanRecord[]>;
  start(projectId: string, taskId: string, kind: ScanKind): Promise<ScanRecord>;
  show(projectId: string, taskId: string, scanId: string): Promise<ScanRecord>;
  /** What a verification found to differ, in the order of the keys. */
  differences(
    projectId: string,
    taskId: string,
    scanId: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<{ readonly differences: readonly Difference[]; readonly next: string | undefined }>;
  /** Has what a verification found to differ copied; what only the target has stays. */
  enqueueDifferences(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<{ readonly enqueued: number }>;
  signal(
    projectId: string,
    taskId: string,
    scanId: string,
    signal: ScanSignal,
  ): Promise<ScanRecord>;
}
