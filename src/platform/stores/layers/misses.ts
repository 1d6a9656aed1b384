import { StoreError } from '../../model/store-error.ts';
import type { Store } from '../store.ts';
import { around } from './around.ts';

export interface Misses {
  /** The store, watched. */
  readonly store: Store;
  /** Whether this is an answer of the store that it has no such object. */
  readonly missed: (error: unknown) => error is StoreError;
}

/** Notices `not-found` of this store: two stores may have the same name, so the error alone does not show which one it is from. */
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
