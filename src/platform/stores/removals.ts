import { StoreError } from '../model/store-error.ts';
import { isStrongTag } from './pin.ts';
import type { Removal, Store } from './store.ts';

/**
 * @throws {StoreError} `unsupported` for a condition that the store is not known to honour, or that
 *   names no version of the object: an empty ETag, or a weak one.
 */
export function checkRemovals(
  { name: store, traits }: Pick<Store, 'name' | 'traits'>,
  removals: readonly Removal[],
): void {
  for (const { key, ifMatch } of removals) {
    if (ifMatch === undefined) continue;
    const cloudMessage = mistakeIn(ifMatch, traits);
    if (cloudMessage === undefined) continue;
    throw new StoreError('unsupported', { store, operation: 'remove', key, cloudMessage });
  }
}

function mistakeIn(ifMatch: string, { conditionalRemove }: Store['traits']): string | undefined {
  if (!conditionalRemove) {
    return 'it is not known to remove an object only while its ETag is the given one';
  }
  return isStrongTag(ifMatch)
    ? undefined
    : `an object is removed on condition of a strong ETag only, and not of "${ifMatch}"`;
}
