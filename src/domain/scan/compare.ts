import type { ObjectEntry } from '../../platform/model/object.ts';
import type { OverwriteMode } from '../../platform/model/sync-task.ts';
import type { ScanKind } from './scan.ts';
import type { Pair } from './listing.ts';

/** How the two sides of a key compare, by what both listings say of it. */
export const comparisons = ['equal', 'different', 'missing', 'extra'] as const;
export type Comparison = (typeof comparisons)[number];

/**
 * Compares a key by the two listings alone. What is `different` or `missing` is worth a look: the look at both
 * objects, and not this comparison, decides whether it is copied.
 *
 * Of a task that always overwrites, or compares checksums, which listings do not have, a backfill has every object
 * looked at, as if an event had named it. A reconcile compares sizes and times, or each would look at the whole bucket.
 */
export function compareListed(
  { source, target }: Pair,
  { mode, kind }: { readonly mode: OverwriteMode; readonly kind: ScanKind },
): Comparison {
  if (source === undefined) return 'extra';
  if (target === undefined) return 'missing';
  if (mode === 'NO_OVERWRITE') return 'equal';
  const byTime = mode === 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE';
  if (kind === 'backfill' && !byTime) return 'different';
  return differs(source, target) ? 'different' : 'equal';
}

/** A copy is younger than its source. The ETags say nothing: parts and encryption make them differ. */
function differs(source: ObjectEntry, target: ObjectEntry): boolean {
  return source.size !== target.size || source.lastModified > target.lastModified;
}
