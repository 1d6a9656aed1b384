import type { ObjectHead } from '../../model/object.ts';
import { orLetGo } from '../let-go.ts';
import type { PartUpload, Store } from '../store.ts';
import { StoreError } from '../store-error.ts';

/** Writes a key, unless that would be to write another. */
type Checked = <T>(
  operation: string,
  key: string,
  signal: AbortSignal,
  write: () => Promise<T>,
) => Promise<T>;

/**
 * A store that may take names for paths: then `/a` and `b/../a` are its `a`, and to write the one is to
 * replace the other. Before such a name is written, and after, both are looked at: one that is refused
 * has replaced nothing. Once they are seen to be two, names are names there, and no more is looked.
 */
export function namesNotPaths(inner: Store): Store {
  let areNames = false;

  /** Whether a name and its path are one object. Nobody knows while neither is there. */
  async function isOne(key: string, path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const there = await headAt(inner, path, signal);
      const named = await headAt(inner, key, signal);
      if (isSame(named, there)) return named !== undefined;
      // What comes or goes between two looks would make two of one.
      if (isSame(there, await headAt(inner, path, signal))) areNames = true;
    } catch (error) {
      // Without the right to look, or with a name that is refused, nothing is known.
      if (!(error instanceof StoreError)) throw error;
    }
    return false;
  }

  const checked: Checked = async (operation, key, signal, write) => {
    const path = pathOf(key);
    if (areNames || path === key || path === '') return write();
    const check = async (): Promise<void> => {
      if (areNames || !(await isOne(key, path, signal))) return;
      const cloudMessage = `the store takes the name for a path: it would be the object ${path}`;
      throw new StoreError('refused', { store: inner.name, operation, key, cloudMessage });
    };
    await check();
    const done = await write();
    await check();
    return done;
  };

  return {
    name: inner.name,
    traits: inner.traits,
    list: (options, signal) => inner.list(options, signal),
    head: (key, signal) => inner.head(key, signal),
    read: (key, options, signal) => inner.read(key, options, signal),
    put: (key, body, options, signal) =>
      orLetGo(body, () => checked('put', key, signal, () => inner.put(key, body, options, signal))),
    startParts: async (key, options, signal) =>
      checkedUpload(checked, key, await inner.startParts(key, options, signal)),
    resumeParts: (key, uploadId, options) =>
      checkedUpload(checked, key, inner.resumeParts(key, uploadId, options)),
    listUploads: (key, signal) => inner.listUploads(key, signal),
    remove: (keys, signal) => inner.remove(keys, signal),
    copy: (from, key, signal) => checked('copy', key, signal, () => inner.copy(from, key, signal)),
    restore: (key, options, signal) => inner.restore(key, options, signal),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function checkedUpload(checked: Checked, key: string, upload: PartUpload): PartUpload {
  return {
    id: upload.id,
    putPart: (number, body, signal) => upload.putPart(number, body, signal),
    listParts: (signal) => upload.listParts(signal),
    complete: (parts, signal) =>
      checked('complete', key, signal, () => upload.complete(parts, signal)),
    detach: () => upload.detach(),
    abort: (signal) => upload.abort(signal),
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  };
}

/** What a file system makes of a name. */
function pathOf(key: string): string {
  if (!/^\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(key)) return key;
  const path: string[] = [];
  for (const segment of key.split('/')) {
    if (segment === '..') path.pop();
    else if (segment !== '' && segment !== '.') path.push(segment);
  }
  return path.join('/') + (key.endsWith('/') && path.length > 0 ? '/' : '');
}

async function headAt(
  store: Store,
  key: string,
  signal: AbortSignal,
): Promise<ObjectHead | undefined> {
  try {
    return await store.head(key, signal);
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'not-found') return undefined;
    throw error;
  }
}

function isSame(a: ObjectHead | undefined, b: ObjectHead | undefined): boolean {
  return a?.etag === b?.etag && a?.size === b?.size && a?.lastModified === b?.lastModified;
}
