import { createHash } from 'node:crypto';
import type { RangeEnd } from './ranges-table.ts';

export type ScanEnd =
  | { readonly state: 'complete'; readonly digest: Uint8Array }
  | { readonly state: 'incomplete'; readonly reason: string };

const REASONS_SHOWN = 3;

/**
 * How a scan ended of which no range is open. It is complete only if its ranges, in the order of their keys, are the
 * whole key space without a gap or an overlap, and each was walked to its end.
 */
export function endOf(ranges: readonly RangeEnd[]): ScanEnd {
  const failed = ranges.filter(({ state, unreadable }) => state !== 'done' || unreadable > 0);
  if (failed.length > 0) {
    const shown = failed.slice(0, REASONS_SHOWN).map(reasonOf);
    const more = failed.length > shown.length ? [`and ${failed.length - shown.length} more`] : [];
    return { state: 'incomplete', reason: [...shown, ...more].join('; ') };
  }
  const gap = gapOf(ranges);
  if (gap !== undefined) return { state: 'incomplete', reason: gap };
  const hash = createHash('sha256');
  for (const { digest } of ranges) hash.update(digest);
  return { state: 'complete', digest: hash.digest() };
}

function reasonOf({ after, until, message = 'it was not walked to its end' }: RangeEnd): string {
  const from = after === '' ? 'the beginning' : JSON.stringify(after);
  const to = until === undefined ? 'the end' : JSON.stringify(until);
  return `The keys from ${from} to ${to}: ${message}`;
}

function gapOf(ranges: readonly RangeEnd[]): string | undefined {
  let end: string | undefined = '';
  for (const { after, until } of ranges) {
    if (after !== end)
      return `The ranges leave out, or have twice, the keys at ${JSON.stringify(after)}`;
    end = until;
  }
  return end === undefined ? undefined : 'The ranges do not reach the end of the key space';
}
