import { StoreError } from '../model/store-error.ts';
import type { Removal, Store } from './store.ts';

/** @throws {StoreError} `unsupported` for a condition that the store is not known to honour. */
export function checkRemovals(
  { name: store, traits }: Pick<Store, 'name' | 'traits'>,
  removals: readonly Removal[],
): void {
  if (traits.conditionalRemove) return;
  const conditional = removals.find(({ ifMatch }) => ifMatch !== undefined);
  if (conditional === undefined) return;
  const { key } = conditional;
  const cloudMessage = 'it is not known to remove an object only while its ETag is the given one';
  throw new StoreError('unsupported', { store, operation: 'remove', key, cloudMessage });
}
