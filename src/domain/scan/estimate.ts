import { GiB, KiB, MiB } from '../../platform/base/bytes.ts';
import { type CopySizes, requestsOfCopy } from '../../platform/model/copy-plan.ts';
import type { ObjectEntry } from '../../platform/model/object.ts';
import { looksAtTarget } from '../../platform/model/overwrite.ts';
import { ObjectTooLarge } from '../../platform/model/part-plan.ts';
import type { StoragePolicy } from '../../platform/model/storage-class.ts';
import type { ConsistencyCheck, OverwriteMode } from '../../platform/model/sync-task.ts';
import type { Store } from '../../platform/stores/store.ts';
import { compareListed } from './compare.ts';
import type { Examine, Examined } from './examine.ts';
import type { Pair } from './listing.ts';
import { type SizeClass, sizeClasses, type Tally, tallied } from './tally.ts';

export interface EstimateOptions {
  readonly source: Store;
  readonly target: Store;
  readonly policy: EstimatedPolicy;
  readonly sizes: CopySizes;
}

/** What of a task decides which requests its copies take. */
export interface EstimatedPolicy {
  readonly overwriteMode: OverwriteMode;
  readonly consistencyCheck?: ConsistencyCheck | undefined;
  readonly storagePolicy?: StoragePolicy | undefined;
}

/** The largest objects of each class, in bytes; the last class has no end. */
export const sizeClassEnds: Readonly<Record<SizeClass, number>> = {
  0: 0,
  1: 4 * KiB,
  2: 64 * KiB,
  3: MiB,
  4: 16 * MiB,
  5: 128 * MiB,
  6: GiB,
  7: Infinity,
};

/**
 * Examines pairs for what a backfill would do with them, by both listings alone: the same comparison, and the same plan
 * of parts. Requests are those of copies that succeed at once.
 */
export function estimating(options: EstimateOptions): Examine {
  return async (pairs) => pairs.map((pair) => estimated(pair, options));
}

function estimated(pair: Pair, options: EstimateOptions): Examined {
  const { overwriteMode: mode } = options.policy;
  const comparison = compareListed(pair, { mode, kind: 'backfill' });
  const { source, target } = pair;
  if (source === undefined) return { comparison };
  const ofClass = classTally(source.size);
  if (comparison === 'equal') {
    const skipped = { skipObjects: 1, skipBytes: source.size };
    return { comparison, tally: tallied([ofClass, skipped]) };
  }
  // Of objects of one size only the look at both knows whether their checksums differ.
  const perhaps = mode === 'CRC64_COMPARISON_OVERWRITE' && source.size === target?.size;
  const work = perhaps ? lookTally(source, options) : copyTally(source, options);
  return { comparison, tally: tallied([ofClass, work]) };
}

function classTally(size: number): Tally {
  const found = sizeClasses.find((index) => size <= sizeClassEnds[index]) ?? 7;
  return { [`size${found}Objects`]: 1, [`size${found}Bytes`]: size };
}

/** The heads of both sides, of which that of the source comes with a read that is given up. */
function lookTally(source: ObjectEntry, options: EstimateOptions): Tally {
  return {
    lookObjects: 1,
    lookBytes: source.size,
    sourceHeads: headsBefore(options),
    sourceGets: 1,
    targetHeads: 1,
  };
}

function copyTally(entry: ObjectEntry, options: EstimateOptions): Tally {
  const { source, target, policy, sizes } = options;
  const md5Known = source.traits.listsChecksums && /^"?[\da-f]{32}"?$/i.test(entry.etag);
  try {
    const copied = { size: entry.size, md5Known };
    const { gets, puts, parts } = requestsOfCopy(copied, sizes, target.traits);
    const uploads = parts > 0 ? 1 : 0;
    return {
      copyObjects: 1,
      copyBytes: entry.size,
      sourceHeads: headsBefore(options),
      sourceGets: gets,
      targetHeads: (looksAtTarget(policy.overwriteMode) ? 1 : 0) + headsAfter(options),
      targetPuts: puts,
      targetUploads: uploads,
      targetParts: parts,
      targetCompletes: uploads,
    };
  } catch (error) {
    if (error instanceof ObjectTooLarge) return { tooLargeObjects: 1 };
    throw error;
  }
}

/** One where a read does not return the class of the object, and the copy must have the same class. */
function headsBefore({ source, policy }: EstimateOptions): number {
  const needsClass = policy.storagePolicy === 'SRC_STORAGE_MAPPING';
  return needsClass && !source.traits.readTellsClass ? 1 : 0;
}

/** Where the answers of the target carry no checksum of what it took. */
function headsAfter({ target: { traits }, policy }: EstimateOptions): number {
  const proven = traits.crc64 || traits.crc64nvme || traits.listsChecksums;
  return proven || policy.consistencyCheck === 'no_check' ? 0 : 1;
}
