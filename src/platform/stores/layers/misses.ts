import { StoreError } from '../../model/store-error.ts';
import type { Store } from '../store.ts';
import { around } from './around.ts';

export interface Misses {
  /** The store, watched. */
  readonly store: Store;
  /** Whether this is an answer of the store that it has no such object. */
  readonly missed: (error: unknown) => error is StoreError;
}

/** Notices `not-found` of this store: the names of two stores may be equal, so an error does not tell. */
export function misses(inner: Store): Misses {
  const answers = new Set<unknown>();
  async function noting<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof StoreError && error.fault === 'not-found') answers.add(error);
      throw error;
    }
  }
  const store = around(inner, {
    call: (_operation, _signal, run) => noting(run),
    read: (_signal, run) => noting(run),
  });
  return { store, missed: (error): error is StoreError => answers.has(error) };
}
