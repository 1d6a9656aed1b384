import { commonPrefix } from '../../model/key-scope.ts';
import type { ObjectEntry } from '../../model/object.ts';
import { compareKeys } from '../keys.ts';
import type { ListOptions, ListPage, Store } from '../store.ts';
import { forwarding } from './forwarding.ts';

/**
 * A bucket that lists only the keys that begin with one of some prefixes: all others are skipped by the requests, and
 * not read. A page may have keys of several prefixes.
 *
 * @param prefixes In the order of keys; none begins with another.
 */
export function scopedListing(inner: Store, prefixes: readonly string[]): Store {
  if (prefixes.length === 1 && prefixes[0] === '') return inner;
  return forwarding(inner, {
    list(options, signal) {
      const { prefix = '', after, limit = PAGE_MAX, ...others } = options;
      const within = prefixes.flatMap((one) => commonPrefix(one, prefix));
      const fromKey = inner.traits.listsFromKey && others.anyOrder !== true;
      const list = fromKey ? listFromKey : listByToken;
      const requested = (from: ListOptions) => inner.list({ ...others, ...from }, signal);
      return list({ prefixes: within, list: requested }, { after, limit });
    },
  });
}

interface Scoped {
  readonly prefixes: readonly string[];
  readonly list: (options: ListOptions) => Promise<ListPage>;
}

interface Wanted {
  readonly after: string | undefined;
  readonly limit: number;
}

const PAGE_MAX = 1_000;

async function listFromKey(scoped: Scoped, { after, limit }: Wanted): Promise<ListPage> {
  const { prefixes } = scoped;
  const first = prefixes.findIndex(
    (prefix) => after === undefined || after.startsWith(prefix) || compareKeys(after, prefix) < 0,
  );
  if (first === -1) return { entries: [], next: undefined };
  const within = after?.startsWith(prefixes[first] ?? '') === true ? after : undefined;
  const { entries, next } = await listOn(scoped, { at: first, after: within, limit });
  return { entries, next: next === undefined ? undefined : entries.at(-1)?.key };
}

/** Its `next` names the prefix, too: a token is good for one listing only. */
async function listByToken(scoped: Scoped, { after, limit }: Wanted): Promise<ListPage> {
  const separator = after?.indexOf(' ') ?? -1;
  const at = Number(after?.slice(0, separator) ?? 0);
  const token = after?.slice(separator + 1);
  const from = { at, after: token === '' ? undefined : token };
  const { entries, next } = await listOn(scoped, { ...from, limit });
  return { entries, next: next === undefined ? undefined : `${next.at} ${next.after ?? ''}` };
}

/** Where a listing continues: in which of the prefixes, and after which key or token. */
interface Place {
  readonly at: number;
  readonly after: string | undefined;
}

/** Goes on with the next prefix until a page is full: prefixes may have a few keys each. */
async function listOn(
  { prefixes, list }: Scoped,
  { at, after, limit }: Place & Pick<Wanted, 'limit'>,
): Promise<{ readonly entries: readonly ObjectEntry[]; readonly next: Place | undefined }> {
  const entries: ObjectEntry[] = [];
  let place: Place = { at, after };
  for (;;) {
    const prefix = prefixes[place.at];
    if (prefix === undefined) return { entries, next: undefined };
    const page = await list({ prefix, after: place.after, limit: limit - entries.length });
    entries.push(...page.entries);
    place =
      page.next === undefined
        ? { at: place.at + 1, after: undefined }
        : { at: place.at, after: page.next };
    if (page.next !== undefined || entries.length >= limit) {
      return { entries, next: place.at < prefixes.length ? place : undefined };
    }
  }
}
