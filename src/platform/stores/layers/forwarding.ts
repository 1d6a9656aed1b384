import type { PartUpload, Store } from '../store.ts';

/**
 * A store that does what `changes` has, and passes everything else on to `inner`. The one place that
 * names every member, so that no layer forgets one.
 */
export function forwarding(inner: Store, changes: Partial<Store>): Store {
  return {
    name: inner.name,
    traits: inner.traits,
    list: (options, signal) => inner.list(options, signal),
    head: (key, signal) => inner.head(key, signal),
    read: (key, options, signal) => inner.read(key, options, signal),
    put: (key, body, options, signal) => inner.put(key, body, options, signal),
    startParts: (key, options, signal) => inner.startParts(key, options, signal),
    resumeParts: (key, uploadId, options) => inner.resumeParts(key, uploadId, options),
    listUploads: (key, signal) => inner.listUploads(key, signal),
    remove: (removals, signal) => inner.remove(removals, signal),
    copy: (from, key, signal) => inner.copy(from, key, signal),
    restore: (key, options, signal) => inner.restore(key, options, signal),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    ...changes,
  };
}

/** The same for an upload. */
export function forwardingUpload(inner: PartUpload, changes: Partial<PartUpload>): PartUpload {
  return {
    id: inner.id,
    putPart: (number, body, signal) => inner.putPart(number, body, signal),
    listParts: (signal) => inner.listParts(signal),
    complete: (parts, signal) => inner.complete(parts, signal),
    detach: () => inner.detach(),
    abort: (signal) => inner.abort(signal),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    ...changes,
  };
}
