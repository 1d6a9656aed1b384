import type { Fault } from './fault.ts';
import type { Crcs } from './checksums.ts';
import type { WrittenObject } from './written.ts';

export const outcomeKinds = ['copied', 'skipped', 'failed'] as const;

/** What the object list reports: how the last round ended, or that this one is not over. */
export const listedOutcomes = [...outcomeKinds, 'retrying'] as const;
export type ListedOutcome = (typeof listedOutcomes)[number];

/**
 * Why an object needed no copy.
 *
 * - `target-equal`: by size and time it would have been copied, but the target has the same bytes, and everything
 *   else that the copy would have written.
 * - `out-of-scope`: the task is not about its key.
 * - `no-target-key`: nothing is left of its key when the prefix of the source is removed.
 * - `filtered-…`: a copy filter of the task excludes it, by its size, its time or its class.
 * - `source-missing`: the source has no such object, and the task does not count that as a failure.
 */
export const skipReasons = [
  'target-exists',
  'target-up-to-date',
  'target-equal',
  'same-crc64',
  'out-of-scope',
  'no-target-key',
  'filtered-size',
  'filtered-time',
  'filtered-class',
  'source-missing',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/**
 * How a copy was proven, the strongest that both ends allowed. Checksums are of the whole object but for
 * `md5_of_parts`: each part has arrived as it was read, and exactly these parts were joined.
 * `encryption` only ever fails: the bytes are there, but not encrypted as the task requires.
 */
export const checkMethods = [
  'crc64',
  'crc64nvme',
  'md5',
  'md5_of_parts',
  'size_last_modified',
  'size',
  'encryption',
] as const;
export type CheckMethod = (typeof checkMethods)[number];

export interface Check {
  readonly method: CheckMethod;
  readonly passed: boolean;
  /** For people: what was compared, and how it differed. */
  readonly detail: string;
}

/**
 * What the checksums of a copy prove, the strongest first.
 *
 * - `source_checksum`: the target's object equals a checksum that the source itself has for the object.
 * - `transport`: the target holds exactly the bytes that were read. No checksum of the source was
 *   compared, so bytes that the source served wrong would not have been noticed.
 * - `size`: no checksum of the copied bytes could be compared, only their number.
 */
export const copyProofs = ['source_checksum', 'transport', 'size'] as const;
export type CopyProof = (typeof copyProofs)[number];

/** How the look at one object ended. */
export type Outcome =
  | {
      readonly kind: 'copied';
      readonly size: number;
      readonly check: Check;
      readonly proof: CopyProof;
      /** What the target has now. */
      readonly written: WrittenObject;
      /** Of the object's bytes, where either end reported them or we computed them on the way. */
      readonly crcs: Crcs;
      /** The ETag that was copied: the next round compares it. */
      readonly sourceEtag: string;
      /** For people: what of the object's metadata could not travel as it was. */
      readonly notes: readonly string[];
    }
  | {
      readonly kind: 'skipped';
      readonly reason: SkipReason;
      readonly size: number | undefined;
      /** What the target had; undefined where that was not looked at. */
      readonly written?: WrittenObject | undefined;
      /** Of the source, where one was the reason. */
      readonly crcs?: Crcs;
    }
  | {
      readonly kind: 'failed';
      readonly fault: FailureKind;
      /** For people: what went wrong, where, and what to do about it. Never a secret. */
      readonly message: string;
      readonly size: number | undefined;
    }
  /** Its source is archived, and its restore was requested: the outcome is not known before that ends. */
  | { readonly kind: 'restoring'; readonly checkAfterMs: number };

/** A store's fault, or one that only a comparison of both ends can find. */
export type FailureKind = Fault | 'inconsistent' | 'too-large' | 'internal';
