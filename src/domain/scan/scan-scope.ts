import type { Slices } from '../../platform/base/slices.ts';
import type { KeyScope } from '../../platform/model/key-scope.ts';
import { scopedListing } from '../../platform/stores/layers/scoped-listing.ts';
import type { Pair } from './listing.ts';
import type { ScannedTask } from './scanner-options.ts';

/** What of both buckets the task is about, as far as the beginnings of keys say it. */
export function inScope({
  source,
  target,
  scope,
}: ScannedTask): Pick<ScannedTask, 'source' | 'target'> {
  if (scope === undefined) return { source, target };
  const { prefixes } = scope;
  return { source: scopedListing(source, prefixes), target: scopedListing(target, prefixes) };
}

const none: ReadonlySet<Pair> = new Set();

/** The pairs whose keys the task is not about. Globs may take milliseconds for each key. */
export async function outsideOf(
  pairs: readonly Pair[],
  scope: KeyScope | undefined,
  slices: Slices,
): Promise<ReadonlySet<Pair>> {
  if (scope === undefined || scope.includesAll) return none;
  const outside = new Set<Pair>();
  await slices.each(pairs, (pair) => {
    if (!scope.includes(pair.key) || !scope.hasTarget(pair.key)) outside.add(pair);
  });
  return outside;
}
