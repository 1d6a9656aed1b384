import { setImmediate } from 'node:timers/promises';
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
/** Globs may take some time for each key; after so many others get a turn. */
const MATCHED_AT_ONCE = 50;

/** The pairs whose keys the task is not about. */
export async function outsideOf(
  pairs: readonly Pair[],
  scope: KeyScope | undefined,
): Promise<ReadonlySet<Pair>> {
  if (scope === undefined || scope.includesAll) return none;
  const outside = new Set<Pair>();
  for (const [index, pair] of pairs.entries()) {
    if (index % MATCHED_AT_ONCE === MATCHED_AT_ONCE - 1) await setImmediate();
    if (!scope.includes(pair.key) || !scope.hasTarget(pair.key)) outside.add(pair);
  }
  return outside;
}
