import type { KeyScope } from '../../model/key-scope.ts';
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

async function listMapped(
  inner: Store,
  scope: KeyScope,
  { prefix = '', after, ...options }: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  const { sourcePrefix } = scope;
  const begins = prefix.startsWith(sourcePrefix);
  if (!begins && !sourcePrefix.startsWith(prefix)) return { entries: [], next: undefined };
  const from = begins ? prefix : sourcePrefix;
  const goesOn = after?.startsWith(sourcePrefix) === true;
  // Only what follows the prefix can be named at the target: below it all is still to come, above it nothing is.
  const isToken = !inner.traits.listsFromKey || options.anyOrder === true;
  if (!isToken && after !== undefined && !goesOn && compareKeys(after, sourcePrefix) > 0) {
    return { entries: [], next: undefined };
  }
  const key = goesOn && after !== undefined ? scope.targetKey(after) : undefined;
  const page = await inner.list(
    { ...options, prefix: scope.targetKey(from), after: isToken ? after : key },
    signal,
  );
  const next = page.next;
  return {
    entries: page.entries.map((entry) => ({ ...entry, key: scope.sourceKey(entry.key) })),
    next: isToken || next === undefined ? next : scope.sourceKey(next),
  };
}
