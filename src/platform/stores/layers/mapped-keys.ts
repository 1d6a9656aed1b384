import { commonPrefix, type KeyScope } from '../../model/key-scope.ts';
import { compareKeys } from '../keys.ts';
import type { ListOptions, ListPage, Store } from '../store.ts';
import { forwarding } from './forwarding.ts';

/**
 * A bucket whose objects go by the keys that they have at the source: each call is made with the key of the
 * target, and a listing has only what is below the prefix of the target. The order of the keys stays. Only errors name
 * the keys of the target, for these are what people find there.
 *
 * @param scope Every key that is given begins with the prefix of its source.
 */
export function mappedKeys(inner: Store, scope: KeyScope): Store {
  if (scope.isIdentity) return inner;
  const to = (key: string): string => scope.targetKey(key);
  return forwarding(inner, {
    list: (options, signal) => listMapped(inner, scope, options, signal),
    head: async (key, signal) => ({ ...(await inner.head(to(key), signal)), key }),
    async read(key, options, signal) {
      const { head, body } = await inner.read(to(key), options, signal);
      return { head: { ...head, key }, body };
    },
    put: (key, body, options, signal) => inner.put(to(key), body, options, signal),
    startParts: (key, options, signal) => inner.startParts(to(key), options, signal),
    resumeParts: (key, uploadId, options) => inner.resumeParts(to(key), uploadId, options),
    async listUploads(key, signal) {
      const uploads = await inner.listUploads(to(key), signal);
      return uploads.map((upload) => ({ ...upload, key }));
    },
    remove: (removals, signal) =>
      inner.remove(
        removals.map((removal) => ({ ...removal, key: to(removal.key) })),
        signal,
      ),
    copy: (from, key, signal) => inner.copy(from, to(key), signal),
    restore: (key, options, signal) => inner.restore(to(key), options, signal),
  });
}

const nothing: ListPage = { entries: [], next: undefined };

async function listMapped(
  inner: Store,
  scope: KeyScope,
  { prefix = '', after, ...options }: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  const [below] = commonPrefix(prefix, scope.sourcePrefix);
  if (below === undefined) return nothing;
  const wanted = { ...options, prefix: scope.targetKey(below) };
  if (!inner.traits.listsFromKey || options.anyOrder) {
    const page = await inner.list({ ...wanted, after }, signal);
    return { ...page, entries: entriesOf(page, scope) };
  }
  const from = after === undefined ? 'beginning' : placeOf(after, scope);
  if (from === 'end') return nothing;
  const key = from === 'beginning' ? undefined : scope.targetKey(from.after);
  const page = await inner.list({ ...wanted, after: key }, signal);
  const next = page.next === undefined ? undefined : scope.sourceKey(page.next);
  return { entries: entriesOf(page, scope), next };
}

/** Only what follows the prefix can be named at the target: below it all is still to come, above it nothing is. */
function placeOf(
  after: string,
  { sourcePrefix }: KeyScope,
): { readonly after: string } | 'beginning' | 'end' {
  if (after.startsWith(sourcePrefix)) return { after };
  return compareKeys(after, sourcePrefix) < 0 ? 'beginning' : 'end';
}

function entriesOf({ entries }: ListPage, scope: KeyScope): ListPage['entries'] {
  return entries.map((entry) => ({ ...entry, key: scope.sourceKey(entry.key) }));
}
