/** What OMS calls the classes of storage, whatever a cloud calls its own. */
export const storageTiers = ['STANDARD', 'IA', 'ARCHIVE', 'DEEP_ARCHIVE'] as const;
export type StorageTier = (typeof storageTiers)[number];

/** What a task wants of the class; `SRC_STORAGE_MAPPING` follows the source's. */
export const storagePolicies = [...storageTiers, 'SRC_STORAGE_MAPPING'] as const;
export type StoragePolicy = (typeof storagePolicies)[number];

/** What there is to know of one class of one cloud. */
export interface StorageClassFacts {
  /** By cost and access time: OMS publishes no table for SRC_STORAGE_MAPPING. */
  readonly tier: StorageTier;
  /** Must be restored before it can be read. */
  readonly archived: boolean;
}

/**
 * The tier that the target writes; undefined leaves it to the bucket.
 *
 * A mapped tier that the target does not have becomes the next warmer one: nothing gets slower to
 * read than it was.
 *
 * @param sourceTier Undefined where the source names no class, or one that is not known: STANDARD.
 * @param tiers Those that the target has.
 */
export function targetTier(
  policy: StoragePolicy | undefined,
  sourceTier: StorageTier | undefined,
  tiers: readonly StorageTier[],
): StorageTier | undefined {
  if (policy !== 'SRC_STORAGE_MAPPING') return policy;
  const coldness = storageTiers.indexOf(sourceTier ?? 'STANDARD');
  return storageTiers.findLast((tier, at) => at <= coldness && tiers.includes(tier));
}

/** The tier of a head that names no class is the standard one. */
export function tierOf(head: {
  readonly storageClass: string | undefined;
  readonly tier: StorageTier | undefined;
}): StorageTier | undefined {
  return head.storageClass === undefined ? 'STANDARD' : head.tier;
}

/** What to report where the target is seen to keep an object in another class than was requested. */
export function classNote(
  requested: StorageTier | undefined,
  kept: StorageTier | undefined,
): readonly string[] {
  if (requested === undefined || kept === undefined || requested === kept) return [];
  // A cloud with one archive writes both of these to it.
  if (archives.has(requested) && archives.has(kept)) return [];
  return [`the target keeps it in the class ${kept}, where ${requested} was requested`];
}

const archives: ReadonlySet<StorageTier> = new Set(['ARCHIVE', 'DEEP_ARCHIVE']);
