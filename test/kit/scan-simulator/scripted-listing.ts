import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Fault } from '../../../src/platform/model/fault.ts';
import type { ObjectEntry } from '../../../src/platform/model/object.ts';
import { StoreError } from '../../../src/platform/model/store-error.ts';
import { compareKeys } from '../../../src/platform/stores/keys.ts';
import { mistakeInOrder } from '../../../src/platform/stores/listed-pages.ts';
import type { ListOptions, ListPage, Store } from '../../../src/platform/stores/store.ts';
import { MemoryStore } from '../memory-store.ts';

export interface ListingScript {
  /** Determines the lengths and faults of pages, from the key after which a page continues. */
  readonly seed: number;
  readonly pageMax: number;
  /** Out of a hundred requests, how many fail once or twice before they are answered. */
  readonly faulty?: number;
  /** Pages that begin at this key or above are refused, always. */
  readonly deniedFrom?: string | undefined;
  /** Out of a hundred pages, how many come out of order, or again. */
  readonly twisted?: number;
  readonly listsFromKey?: boolean;
  readonly order?: keyof typeof orders;
}

/** The orders of stores. A range of keys is another set of keys in each. */
export const orders = {
  'bytes': compareKeys,
  // As Azurite does.
  'UTF-16': (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0),
  // As hierarchical namespaces do: what is below `a/` comes before `a.b`.
  'directories': (a: string, b: string) => compareKeys(inDirectories(a), inDirectories(b)),
  // As stores with encrypted names, or none, do.
  'hashes': (a: string, b: string) => compareKeys(hashed(a), hashed(b)),
} as const satisfies Readonly<Record<string, (a: string, b: string) => number>>;

const inDirectories = (key: string): string => key.replaceAll('/', '\0');
const hashed = (key: string): string => createHash('md5').update(key).digest('hex');

const PASSING = ['throttled', 'unavailable', 'interrupted', 'unreachable', 'bad-reply'] as const;

/**
 * A bucket of which only listings are of interest. It answers as an adapter does, with short pages, faults and pages
 * in a wrong order as its script says; the same request is answered alike, whenever and however often it comes.
 */
export function scriptedListing(
  name: string,
  entries: readonly ObjectEntry[],
  script: ListingScript,
): Store {
  const { listsFromKey = true, order = 'bytes' } = script;
  const store = new MemoryStore({ name, traits: { listsFromKey } });
  const ordered = entries.toSorted((a, b) => orders[order](a.key, b.key));
  const calls = new Map<string, number>();
  const indexAfter = (key: string | undefined): number => indexIn(ordered, key, orders[order]);

  function failure(fault: Fault, cloudMessage?: string): StoreError {
    return new StoreError(fault, { store: name, operation: 'list', cloudMessage });
  }

  function isDenied(page: readonly ObjectEntry[]): boolean {
    const { deniedFrom } = script;
    const last = page.at(-1)?.key;
    return deniedFrom !== undefined && last !== undefined && compareKeys(last, deniedFrom) >= 0;
  }

  function checkCall(after: string, draw: (what: string) => number): void {
    const count = (calls.get(after) ?? 0) + 1;
    calls.set(after, count);
    const { faulty = 0 } = script;
    if (draw('fault') % 100 >= faulty || count > 1 + (draw('times') % 2)) return;
    throw failure(PASSING[draw('kind') % PASSING.length] ?? 'unavailable');
  }

  function twisted(page: readonly ObjectEntry[], draw: (what: string) => number) {
    const { twisted: share = 0 } = script;
    if (page.length === 0 || draw('twist') % 100 >= share) return page;
    const before = ordered.slice(0, indexAfter(page[0]?.key) - 1).slice(-2);
    return draw('how') % 2 === 0 ? page.toReversed() : [...before, ...page];
  }

  store.list = async (
    { after, limit = 1_000, anyOrder = false }: ListOptions,
    signal,
  ): Promise<ListPage> => {
    const byKey = listsFromKey && !anyOrder;
    const from = keyOf(after, byKey);
    const draw = (what: string): number => drawn(`${script.seed} ${name} ${from ?? ''} ${what}`);
    for (let turns = draw('turns') % 3; turns > 0; turns--) await turn();
    signal.throwIfAborted();
    checkCall(`${from ?? ''} ${Math.min(limit, 2)}`, draw);
    const length = Math.min(limit, 1 + (draw('length') % script.pageMax));
    const at = indexAfter(from);
    const untwisted = ordered.slice(at, at + length);
    const page = twisted(untwisted, draw);
    if (isDenied(page)) throw failure('denied');
    const mistake = anyOrder ? undefined : mistakeInOrder(page, from);
    if (mistake !== undefined) throw failure('out-of-order', mistake);
    const last = at + length < ordered.length ? untwisted.at(-1) : undefined;
    return { entries: page, next: last && tokenOf(last.key, byKey) };
  };
  return store;
}

function indexIn(
  ordered: readonly ObjectEntry[],
  key: string | undefined,
  compare: (a: string, b: string) => number,
): number {
  let [low, high] = [0, key === undefined ? 0 : ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(ordered[middle]?.key ?? '', key ?? '') <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** As the adapters of stores that go on from markers only. */
function tokenOf(key: string, listsFromKey: boolean): string {
  return listsFromKey ? key : JSON.stringify([key, 'marker']);
}

function keyOf(after: string | undefined, listsFromKey: boolean): string | undefined {
  if (after === undefined || listsFromKey) return after;
  const [key] = JSON.parse(after) as [string];
  return key;
}

function drawn(text: string): number {
  return createHash('md5').update(text).digest().readUInt32LE();
}
