import { StoreError } from '../../platform/model/store-error.ts';
import { compareKeys } from '../../platform/stores/keys.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { Side } from './kept-listings-table.ts';
import { OutOfOrder } from './listing.ts';

/** The end of a range, and where the listing of each side continues there. */
export interface RangeCut {
  readonly until: string | undefined;
  readonly sourceNext: string | undefined;
  readonly targetNext: string | undefined;
}

/** Objects are written and removed meanwhile. */
const TRIES = 3;
const LIMIT = 10;

/**
 * Checks that both stores agree with us on what lies above the end of a range. Every page of two ranges may be in order,
 * and yet a store in another order has keys between them that are on no page: those that follow the cut in our order and
 * precede it in the store's. Then the key that the listing of this range continues with is not the first one that a
 * listing from the cut has.
 *
 * @throws {OutOfOrder} where they do not agree.
 */
export async function checkCut(
  {
    source,
    target,
    range,
  }: {
    readonly source: Store;
    readonly target: Store;
    readonly range: { readonly after: string };
  },
  { until, sourceNext, targetNext }: RangeCut,
  signal: AbortSignal,
): Promise<void> {
  if (until === undefined) return;
  await Promise.all([
    checkSide(source, { side: 'source', from: sourceNext ?? range.after, until }, signal),
    checkSide(target, { side: 'target', from: targetNext ?? range.after, until }, signal),
  ]);
}

async function checkSide(
  store: Store,
  { side, from, until }: { readonly side: Side; readonly from: string; readonly until: string },
  signal: AbortSignal,
): Promise<void> {
  // A store that cannot list from a key is not cut.
  if (!store.traits.listsFromKey) return;
  try {
    for (let tries = 1; ; tries++) {
      const here = await firstAbove(store, { from, until }, signal);
      const there = await firstAbove(store, { from: until, until }, signal);
      if (here === there) return;
      if (tries < TRIES) continue;
      const cloudMessage = `a listing continues after ${until} with ${there ?? 'nothing'}, not with ${here ?? 'nothing'}`;
      throw new StoreError('out-of-order', { store: store.name, operation: 'list', cloudMessage });
    }
  } catch (error) {
    const unordered = error instanceof StoreError && error.fault === 'out-of-order';
    throw unordered ? new OutOfOrder(side, error) : error;
  }
}

/** The first key above `until` in a listing that continues from a key. */
async function firstAbove(
  store: Store,
  { from, until }: { readonly from: string; readonly until: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let after = from === '' ? undefined : from; ; ) {
    const { entries, next } = await store.list({ after, limit: LIMIT, forScan: true }, signal);
    const above = entries.find(({ key }) => compareKeys(key, until) > 0);
    if (above !== undefined || next === undefined) return above?.key;
    after = next;
  }
}
