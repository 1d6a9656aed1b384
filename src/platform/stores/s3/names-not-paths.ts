import type { Fault } from '../../model/fault.ts';
import { orLetGo } from '../../http/let-go.ts';
import { forwarding, forwardingUpload } from '../layers/forwarding.ts';
import type { PartUpload, Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';

/** A way to say a name that is another for a file system. */
interface Shape {
  readonly like: RegExp;
  /** Another name said so; undefined for one that cannot be. */
  readonly of: (key: string) => string | undefined;
}

const shapes: readonly Shape[] = [
  { like: /^\//, of: (key) => `/${key}` },
  { like: /.\/\//, of: (key) => (key.includes('/') ? key.replace('/', '//') : undefined) },
  { like: /(?:^|\/)\.{1,2}(?:\/|$)/, of: (key) => `./${key}` },
];

/**
 * A store that may treat names as paths: then `/a`, `x//a` and `./a` are its `a`, and a write to one
 * replaces the other. Before such a name is used, we test with an existing object what the store does,
 * and keep the result. If the store treats names as paths, such names are refused and never sent.
 *
 * An empty store shows nothing: there a name is sent unless its path turns out to be the same object.
 */
export function namesNotPaths(inner: Store): Store {
  const names = new Names(inner);
  return forwarding(inner, {
    head: (key, signal) => names.use('head', key, signal, () => inner.head(key, signal)),
    read: (key, options, signal) =>
      names.use('read', key, signal, () => inner.read(key, options, signal)),
    put: (key, body, options, signal) =>
      orLetGo(body, () =>
        names.use('put', key, signal, () => inner.put(key, body, options, signal)),
      ),
    startParts: (key, options, signal) =>
      names.use('startParts', key, signal, async () =>
        namedUpload(names, key, await inner.startParts(key, options, signal)),
      ),
    resumeParts: (key, uploadId, options) =>
      namedUpload(names, key, inner.resumeParts(key, uploadId, options)),
    remove: async (removals, signal) => {
      for (const { key } of removals) await names.check('remove', key, signal);
      await inner.remove(removals, signal);
    },
    copy: (from, key, signal) =>
      names.use('copy', key, signal, () => inner.copy(from, key, signal)),
  });
}

function namedUpload(names: Names, key: string, upload: PartUpload): PartUpload {
  return forwardingUpload(upload, {
    complete: (parts, signal) =>
      names.use('complete', key, signal, () => upload.complete(parts, signal)),
  });
}

/** What a store makes of names. */
class Names {
  readonly #store: Store;
  readonly #takesForPaths = new Map<Shape, boolean>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws {StoreError} `refused` where the name would be another's. */
  async use<T>(
    operation: string,
    key: string,
    signal: AbortSignal,
    call: () => Promise<T>,
  ): Promise<T> {
    await this.check(operation, key, signal);
    return await call();
  }

  async check(operation: string, key: string, signal: AbortSignal): Promise<void> {
    const own = shapes.filter(({ like }) => like.test(key));
    if (own.length === 0) return;
    const known = await Promise.all(own.map((shape) => this.#takesForPath(shape, signal)));
    if (!known.includes(true)) {
      const isSure = !known.includes(undefined);
      if (isSure || !(await this.#isPathItself(key, signal))) return;
    }
    const cloudMessage = `the store takes the name for a path: it would be the object ${pathOf(key)}`;
    throw new StoreError('refused', { store: this.#store.name, operation, key, cloudMessage });
  }

  /** Undefined while there is no object to test with. */
  async #takesForPath(shape: Shape, signal: AbortSignal): Promise<boolean | undefined> {
    const known = this.#takesForPaths.get(shape) ?? (await this.#ask(shape, signal));
    if (known !== undefined) this.#takesForPaths.set(shape, known);
    return known;
  }

  async #ask({ like, of }: Shape, signal: AbortSignal): Promise<boolean | undefined> {
    const there = await firstListed(this.#store, '', signal);
    if (there === undefined) return undefined;
    if (like.test(there)) return false;
    const odd = of(there);
    return odd === undefined ? undefined : await hasUnlisted(this.#store, odd, signal);
  }

  async #isPathItself(key: string, signal: AbortSignal): Promise<boolean> {
    const path = pathOf(key);
    if (path === '' || !(await isThere(this.#store, path, signal))) return false;
    return await hasUnlisted(this.#store, key, signal);
  }
}

/** Whether an object answers to a name that the list does not have. */
async function hasUnlisted(store: Store, key: string, signal: AbortSignal): Promise<boolean> {
  return (await isThere(store, key, signal)) && (await firstListed(store, key, signal)) !== key;
}

/** What a file system makes of a name. */
function pathOf(key: string): string {
  const path: string[] = [];
  for (const segment of key.split('/')) {
    if (segment === '..') path.pop();
    else if (segment !== '' && segment !== '.') path.push(segment);
  }
  return path.join('/') + (key.endsWith('/') && path.length > 0 ? '/' : '');
}

/** What is refused, or may not be looked at, is taken not to be there. */
async function isThere(store: Store, key: string, signal: AbortSignal): Promise<boolean> {
  const head = await unlessRefused(['not-found', 'refused', 'denied'], store.head(key, signal));
  return head !== undefined;
}

/** The first name that begins with the prefix; undefined also if the store lists names that were not requested. */
async function firstListed(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const listing = store.list({ prefix, limit: 1 }, signal);
  const page = await unlessRefused(['denied', 'refused', 'bad-reply'], listing);
  return page?.entries[0]?.key;
}

/** Undefined where the store fails in one of these ways. */
async function unlessRefused<T>(
  faults: readonly Fault[],
  asked: Promise<T>,
): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreError && faults.includes(error.fault)) return undefined;
    throw error;
  }
}
