import type { SkipReason } from './outcome.ts';
import { type StorageTier, tierOf } from './storage-class.ts';

/**
 * Which objects of the source are copied, of those whose keys are in scope. All bounds are inclusive; what is absent
 * is no bound.
 */
export interface CopyFilters {
  /** Bytes. */
  readonly minSize?: number | undefined;
  readonly maxSize?: number | undefined;
  /** When the source was modified last, milliseconds since the Unix epoch. */
  readonly modifiedFrom?: number | undefined;
  readonly modifiedTo?: number | undefined;
  readonly storageClasses?: readonly StorageTier[] | undefined;
}

/** What the source says of an object, by a head or by a listing. */
export interface FilteredFacts {
  readonly size: number;
  readonly lastModified: number;
  readonly storageClass: string | undefined;
  readonly tier: StorageTier | undefined;
}

export type FilterReason = Extract<SkipReason, `filtered-${string}`>;

/** Why an object is not copied; undefined where it may be. An unknown class does not match any listed class. */
export function filteredBy(
  filters: CopyFilters | undefined,
  source: FilteredFacts,
): FilterReason | undefined {
  if (filters === undefined) return undefined;
  const { minSize = 0, maxSize = Infinity, modifiedFrom, modifiedTo, storageClasses } = filters;
  if (source.size < minSize || source.size > maxSize) return 'filtered-size';
  if (!within(source.lastModified, modifiedFrom, modifiedTo)) return 'filtered-time';
  const tier = tierOf(source);
  const isOther = tier === undefined || storageClasses?.includes(tier) === false;
  if (storageClasses !== undefined && isOther) return 'filtered-class';
  return undefined;
}

function within(time: number, from = -Infinity, to = Infinity): boolean {
  return time >= from && time <= to;
}

/** What no object can satisfy; undefined where one can. */
export function contradictionOf({
  minSize = 0,
  maxSize = Infinity,
  modifiedFrom = -Infinity,
  modifiedTo = Infinity,
}: CopyFilters): 'size' | 'time' | undefined {
  if (minSize > maxSize) return 'size';
  return modifiedFrom > modifiedTo ? 'time' : undefined;
}
