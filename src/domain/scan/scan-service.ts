import type { ScanKind, ScanSignal } from './scan.ts';
import type { BusiestRate } from '../queue/statistics.ts';
import type { CertifiedRange } from './certificate-table.ts';
import type { Difference } from './differences-table.ts';
import type { ScanRecord } from './scans-table.ts';

export interface NewScan {
  readonly kind: ScanKind;
  /** Of a verification: of how many keys the bytes are read. One of both; about so many where it is a count. */
  readonly deep?:
    | { readonly share?: number | undefined; readonly count?: number | undefined }
    | undefined;
}

export interface DifferencesPage {
  readonly differences: readonly Difference[];
  /** Pass as `after` to go on; undefined on the last page. */
  readonly next: string | undefined;
  /** Whether the report has no room for all that was found. */
  readonly truncated: boolean;
}

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
  start(projectId: string, taskId: string, scan: NewScan): Promise<ScanRecord>;
  /** @returns With the fastest that its task has copied, for an estimate of the time. */
  show(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<ScanRecord & { readonly rate?: BusiestRate | undefined }>;
  /** The ranges of a scan, in the order of their keys: what makes it complete. */
  certificate(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<{ readonly scan: ScanRecord; readonly ranges: readonly CertifiedRange[] }>;
  /** What a verification found to differ, in the order of the keys. */
  differences(
    projectId: string,
    taskId: string,
    scanId: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<DifferencesPage>;
  /** Begins to have copied what a verification found to differ; what only the target has stays. */
  enqueueDifferences(projectId: string, taskId: string, scanId: string): Promise<ScanRecord>;
  signal(
    projectId: string,
    taskId: string,
    scanId: string,
    signal: ScanSignal,
  ): Promise<ScanRecord>;
}
