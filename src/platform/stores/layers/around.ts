import { orLetGo } from '../../http/let-go.ts';
import type { ObjectRead, Operation, PartUpload, ReadOptions, Store } from '../store.ts';
import { forwarding, forwardingUpload } from './forwarding.ts';

/** What a layer does with each call: a call itself, and a read, whose body lasts longer than the call. */
export interface Around {
  readonly call: <T>(
    operation: Operation,
    signal: AbortSignal,
    run: () => Promise<T>,
  ) => Promise<T>;
  readonly read: (
    signal: AbortSignal,
    /** Reads with the caller's options, or with others. */
    run: (others?: ReadOptions) => Promise<ObjectRead>,
    options: ReadOptions,
  ) => Promise<ObjectRead>;
}

/** A store that does the same around every operation of another, those of its uploads included. */
export function around(inner: Store, { call, read }: Around): Store {
  return forwarding(inner, {
    list: (options, signal) => call('list', signal, () => inner.list(options, signal)),
    head: (key, signal) => call('head', signal, () => inner.head(key, signal)),
    read: (key, options, signal) =>
      read(signal, (others = options) => inner.read(key, others, signal), options),
    put: (key, body, options, signal) =>
      orLetGo(body, () => call('put', signal, () => inner.put(key, body, options, signal))),
    startParts: async (key, options, signal) =>
      aroundUpload(
        await call('startParts', signal, () => inner.startParts(key, options, signal)),
        call,
      ),
    resumeParts: (key, uploadId, options) =>
      aroundUpload(inner.resumeParts(key, uploadId, options), call),
    listUploads: (key, signal) => call('listUploads', signal, () => inner.listUploads(key, signal)),
    remove: (removals, signal) => call('remove', signal, () => inner.remove(removals, signal)),
    copy: (from, key, signal) => call('copy', signal, () => inner.copy(from, key, signal)),
    restore: (key, options, signal) =>
      call('restore', signal, () => inner.restore(key, options, signal)),
  });
}

function aroundUpload(inner: PartUpload, call: Around['call']): PartUpload {
  // Disposing goes past the layers: the abort of an upload given up is a courtesy that waits for nothing.
  return forwardingUpload(inner, {
    putPart: (number, body, signal) =>
      orLetGo(body, () => call('putPart', signal, () => inner.putPart(number, body, signal))),
    listParts: (signal) => call('listParts', signal, () => inner.listParts(signal)),
    complete: (parts, signal) => call('complete', signal, () => inner.complete(parts, signal)),
    abort: (signal) => call('abort', signal, () => inner.abort(signal)),
  });
}
