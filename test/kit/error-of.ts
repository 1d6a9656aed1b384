import type { StoreError } from '../../src/platform/model/store-error.ts';

/** The error that a call of a store must fail with. */
export async function errorOf(call: Promise<unknown>): Promise<StoreError> {
  try {
    await call;
  } catch (error) {
    return error as StoreError; // Whatever else it is fails the assertions on it.
  }
  throw new Error('it has not failed');
}
