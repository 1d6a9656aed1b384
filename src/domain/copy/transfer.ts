import type { Clock } from '../../platform/base/clock.ts';
import type { CopyFilters } from '../../platform/model/copy-filters.ts';
import type { CopySizes } from '../../platform/model/copy-plan.ts';
import type { StoragePolicy } from '../../platform/model/storage-class.ts';
import type { Checksums } from '../../platform/model/checksums.ts';
import type { ConsistencyCheck, OverwriteMode } from '../../platform/model/sync-task.ts';
import type { WrittenObject } from '../../platform/model/written.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { TargetFindings } from './target-findings.ts';

/** What a task requires of every copy. */
export interface CopyPolicy {
  readonly overwriteMode: OverwriteMode;
  readonly consistencyCheck: ConsistencyCheck;
  readonly metadataMigration: boolean;
  readonly storagePolicy: StoragePolicy | undefined;
  /** Whether the target encrypts by its key service. */
  readonly kms: boolean;
  /** Which objects are copied; undefined: all. */
  readonly copyFilters?: CopyFilters | undefined;
  /** Days that archived sources are restored for; undefined: they fail. */
  readonly restoreDays: number | undefined;
}

/** How bytes are moved. Memory of one copy: `bufferBytes`, or the buffers of `partConcurrency` sockets. */
export interface TransferSizes extends CopySizes {
  /** Parts of one object in flight. */
  readonly partConcurrency: number;
}

/** The right to work on one key. */
export interface WorkLease {
  /** Aborted when the lease is about to end, or the process is. */
  readonly signal: AbortSignal;
  /**
   * Called just before anything becomes visible at the target.
   *
   * @throws {LeaseLost} when another claim may have the key by now.
   */
  assertHeld(): void;
}

/** The right to a key ended before its work did: nothing was published. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** A part that the target holds and that was checked, with the checksums of what was sent. */
export interface CheckedPart extends Checksums {
  /** Counts from 1. */
  readonly number: number;
  readonly etag: string;
}

export interface JournaledUpload {
  /** Undefined for an intention: whether the target opened the upload is not known. */
  readonly uploadId: string | undefined;
  readonly sourceEtag: string;
  readonly size: number;
  readonly partSize: number;
  /** A digest of what the upload was started with beside the bytes; undefined where not recorded. */
  readonly optionsHash: string | undefined;
  /** Whether it was given up: its parts may not be built upon, or the maintenance is aborting it. */
  readonly abandoned: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly parts: readonly CheckedPart[];
}

/** What is recorded of an upload before the request that opens it. */
export type IntendedUpload = Pick<JournaledUpload, 'sourceEtag' | 'size' | 'partSize'> & {
  readonly optionsHash: string;
};

/** Where the upload of one key is written down, so that another attempt can take it up. */
export interface UploadJournal {
  find(): Promise<JournaledUpload | undefined>;
  /** Written before the request that opens the upload, so that a crash in between leaves a trace. */
  intend(upload: IntendedUpload): Promise<void>;
  opened(uploadId: string): Promise<void>;
  checked(part: CheckedPart): Promise<void>;
  /** No attempt may build on the upload any more; it still has to be aborted. */
  abandoned(): Promise<void>;
  /** The upload was completed or aborted. */
  ended(): Promise<void>;
}

/** One object to look at. */
export interface CopyJob {
  readonly key: string;
  readonly source: Store;
  readonly target: Store;
  /** Of the target, by all copies to it. */
  readonly findings: TargetFindings;
  /** The source's ETag when this key was copied last. */
  readonly copiedEtag: string | undefined;
  /** A copy failed its check, or a late write may lie over it: the record does not say what the target has. */
  readonly targetDoubtful: boolean;
  /**
   * An earlier claim of the key ended without a settlement: what the target has may be a late write of
   * it, unless it is what is on record.
   */
  readonly unsettled: boolean;
  /** An earlier attempt of this round has sent a write that succeeded, or may have. */
  readonly writeSent: boolean;
  /** What the target had when the key was settled last. */
  readonly recorded: WrittenObject | undefined;
  /** Whether the journal may hold an upload of this key. */
  readonly uploading: boolean;
  readonly journal: UploadJournal;
  readonly policy: CopyPolicy;
  readonly sizes: TransferSizes;
  readonly lease: WorkLease;
  readonly clock: Clock;
  /** An upload could not be forgotten, or not be looked for: the copy is none the worse for it. */
  readonly onUploadLeft: (error: unknown) => void;
}
