import type { ObjectEntry } from '../../platform/model/object.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { compareKeys } from '../../platform/stores/keys.ts';
import type { ListPage, Store } from '../../platform/stores/store.ts';
import type { Side } from './kept-listings-table.ts';

/** A part of the key space: the keys above `after`, up to and including `until`. */
export interface KeyRange {
  /** Empty at the beginning of the key space. */
  readonly after: string;
  /** Absent at the end of the key space. */
  readonly until?: string | undefined;
}

/** One key, with its entry in the listing of each side; at least one side has an entry. */
export interface Pair {
  readonly key: string;
  readonly source: ObjectEntry | undefined;
  readonly target: ObjectEntry | undefined;
}

/** A pair that both sides have. */
export interface Both extends Pair {
  readonly source: ObjectEntry;
  readonly target: ObjectEntry;
}

export function haveBoth(pair: Pair): pair is Both {
  return pair.source !== undefined && pair.target !== undefined;
}

export interface PairBatch {
  /** In the order of their keys. */
  readonly pairs: readonly Pair[];
  /** Answers to list requests that this batch took. */
  readonly pages: number;
  /** Both listings have no more keys in the range. */
  readonly last: boolean;
  /** Where the listings of stores go on that do so from their own tokens only: with the first key behind this batch. */
  readonly tokens: Readonly<Record<Side, string | undefined>>;
}

/** A range of which a part may have been walked. */
export interface WalkedRange extends KeyRange {
  /** Only keys above this one are left. */
  readonly cursor: string;
  /** Where each listing continues; absent at the beginning of the range. */
  readonly sourceNext?: string | undefined;
  readonly targetNext?: string | undefined;
  /** About as many pairs are in a batch; default 1,000. */
  readonly batchPairs?: number | undefined;
}

/** A store does not list in the order of its keys' bytes. */
export class OutOfOrder extends Error {
  override readonly name = 'OutOfOrder';
  readonly side: Side;

  constructor(side: Side, cause: StoreError) {
    super(cause.message, { cause });
    this.side = side;
  }
}

/** About as many pairs as a page of a listing has entries: one transaction settles them. */
const BATCH_PAIRS = 1_000;

/**
 * Both listings of a range, merged by their keys. Every key of either side is in exactly one batch, and all
 * keys of a batch are above those of the batch before: a walk that ends early continues after the last key.
 *
 * Each side reads one page ahead; no more is held, however long the range is.
 *
 * @throws {OutOfOrder} where a store lists keys out of order, and what else a listing throws; what was listed before
 *   comes first.
 */
export async function* pairBatches(
  { source, target }: { readonly source: Store; readonly target: Store },
  range: WalkedRange,
  signal: AbortSignal,
): AsyncGenerator<PairBatch, void, undefined> {
  const { batchPairs = BATCH_PAIRS } = range;
  const stop = new AbortController();
  using stack = new DisposableStack();
  // A walk that ends early leaves no request behind.
  stack.defer(() => stop.abort());
  const both = AbortSignal.any([signal, stop.signal]);
  const left = new Listing(source, { side: 'source', range, from: range.sourceNext }, both);
  const right = new Listing(target, { side: 'target', range, from: range.targetNext }, both);
  let counted = 0;
  for (;;) {
    const pairs: Pair[] = [];
    const failure = await fill(pairs, { left, right, batchPairs });
    if (failure !== undefined && (pairs.length === 0 || both.aborted)) throw failure.error;
    const last = left.ended && right.ended;
    const pages = left.pages + right.pages;
    const tokens = { source: left.token, target: right.token };
    yield { pairs, pages: pages - counted, last, tokens };
    // Thrown after the pairs before it, so that a retried walk continues behind them.
    if (failure !== undefined) throw failure.error;
    if (last) return;
    counted = pages;
  }
}

/** Takes pairs until there are enough, or no more. @returns What a listing threw. */
async function fill(
  pairs: Pair[],
  sides: { readonly left: Listing; readonly right: Listing; readonly batchPairs: number },
): Promise<{ readonly error: unknown } | undefined> {
  const { left, right, batchPairs } = sides;
  try {
    while (pairs.length < batchPairs) {
      await Promise.all([left.load(), right.load()]);
      if (!merge(left, right, pairs)) break;
    }
    return undefined;
  } catch (error) {
    return { error };
  }
}

/**
 * Takes pairs while the next entry of both sides is known.
 *
 * @returns Whether a side has to load its next page; if not, both have ended.
 */
function merge(left: Listing, right: Listing, pairs: Pair[]): boolean {
  for (;;) {
    if (left.isUsedUp || right.isUsedUp) return true;
    if (left.ended && right.ended) return false;
    const order = orderOf(left.first, right.first);
    const fromSource = order <= 0 ? left.take() : undefined;
    const fromTarget = order >= 0 ? right.take() : undefined;
    const key = (fromSource ?? fromTarget)?.key ?? '';
    pairs.push({ key, source: fromSource, target: fromTarget });
  }
}

/** Which one comes first; a side that has ended comes last. */
function orderOf(source: ObjectEntry | undefined, target: ObjectEntry | undefined): number {
  if (source === undefined) return 1;
  return target === undefined ? -1 : compareKeys(source.key, target.key);
}

/** One side's entries of a range, in order. */
class Listing {
  readonly #store: Store;
  readonly #side: Side;
  readonly #range: WalkedRange;
  readonly #signal: AbortSignal;
  #entries: readonly ObjectEntry[] = [];
  #at = 0;
  #loading: Promise<ListPage> | undefined;
  /** The key that the last page ended with. */
  #before: string | undefined;
  #complete = false;
  /** What the page was requested with, and the page that is being loaded. */
  #token: string | undefined;
  #requested: string | undefined;
  pages = 0;

  constructor(
    store: Store,
    {
      side,
      range,
      from,
    }: { readonly side: Side; readonly range: WalkedRange; readonly from: string | undefined },
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#side = side;
    this.#range = range;
    this.#signal = signal;
    // Other stores continue only where one of their own pages ended: what precedes the range is read and left out.
    const start = store.traits.listsFromKey && range.after !== '' ? range.after : undefined;
    this.#request(from ?? start);
  }

  /** The next entry; undefined where the page is used up, or nothing follows. */
  get first(): ObjectEntry | undefined {
    return this.#entries[this.#at];
  }

  /** The next entry is not known before the next page. */
  get isUsedUp(): boolean {
    return this.first === undefined && !this.#complete;
  }

  /** Where a later listing finds the next entry; undefined for a store that lists from any key. */
  get token(): string | undefined {
    if (this.#store.traits.listsFromKey) return undefined;
    return this.isUsedUp ? this.#requested : this.#token;
  }

  /** Nothing follows. */
  get ended(): boolean {
    return this.#complete && this.first === undefined;
  }

  take(): ObjectEntry | undefined {
    const entry = this.#entries[this.#at];
    this.#at += 1;
    return entry;
  }

  /** Resolves when the next entry is known, or that there is none. */
  async load(): Promise<void> {
    while (this.isUsedUp) {
      const page = await this.#loading?.catch((error: unknown) => {
        const unordered = error instanceof StoreError && error.fault === 'out-of-order';
        throw unordered ? new OutOfOrder(this.#side, error) : error;
      });
      if (page === undefined) return;
      this.pages += 1;
      this.#checkOrder(page.entries);
      this.#entries = this.#inRange(page.entries);
      this.#at = 0;
      this.#token = this.#requested;
      const beyond =
        this.#entries.length < page.entries.length && this.#isBeyond(page.entries.at(-1));
      this.#complete = page.next === undefined || beyond;
      if (this.#complete) this.#loading = undefined;
      else this.#request(page.next);
    }
  }

  #request(after: string | undefined): void {
    this.#requested = after;
    this.#loading = this.#store.list({ after, forScan: true }, this.#signal);
    // The page is awaited when it is needed; until then its failure must not be an unhandled rejection.
    this.#loading.catch(() => undefined);
  }

  /** Within a page the adapter has checked it. */
  #checkOrder(entries: readonly ObjectEntry[]): void {
    const first = entries[0]?.key;
    const last = entries.at(-1)?.key;
    if (first === undefined || last === undefined) return;
    if (this.#before !== undefined && compareKeys(first, this.#before) <= 0) {
      const cloudMessage = `keys out of order: ${this.#before} before ${first}`;
      const details = { store: this.#store.name, operation: 'list', cloudMessage };
      throw new OutOfOrder(this.#side, new StoreError('out-of-order', details));
    }
    this.#before = last;
  }

  #inRange(entries: readonly ObjectEntry[]): readonly ObjectEntry[] {
    const { cursor } = this.#range;
    const first = entries.findIndex(({ key }) => cursor === '' || compareKeys(key, cursor) > 0);
    const above = first <= 0 ? (first === 0 ? entries : []) : entries.slice(first);
    if (!this.#isBeyond(above.at(-1))) return above;
    const end = above.findIndex((entry) => this.#isBeyond(entry));
    return above.slice(0, end);
  }

  #isBeyond(entry: ObjectEntry | undefined): boolean {
    const { until } = this.#range;
    return entry !== undefined && until !== undefined && compareKeys(entry.key, until) > 0;
  }
}
