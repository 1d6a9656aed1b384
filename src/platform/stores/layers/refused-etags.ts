import type { Fault } from '../../model/fault.ts';
import type { ObjectRead, Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { around } from './around.ts';

/**
 * A store that is read without a condition where it refuses its own ETag as one.
 *
 * A 412 alone does not prove that the object has changed: some versions of SeaweedFS answer so to any
 * `If-Match` (https://github.com/seaweedfs/seaweedfs/issues/7274), and other servers do not implement
 * it, or call the request invalid. So the object is read again, and the answer is compared with the pin. Where it is the same
 * object, later reads send no condition at all.
 *
 * Outside `retrying`, which repeats each of the two reads by itself; inside `resuming`, whose reads are
 * pinned.
 */
export function refusedEtags(inner: Store): Store {
  let refused = false;

  return around(inner, {
    call: (_operation, _signal, run) => run(),
    async read(_signal, run, options) {
      const { pin, unconditional = false, once = false } = options;
      if (pin === undefined || unconditional || once) return await run();
      if (refused) return await run({ ...options, unconditional: true });
      try {
        return await run();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const read = await readAgain(error, () => run({ ...options, unconditional: true }));
        refused = true;
        return read;
      }
    },
  });
}

/** Without a status it is our own comparison that failed, and there is nothing to try. */
function isRefusal(error: unknown): error is StoreError {
  return (
    error instanceof StoreError &&
    refusals.has(error.fault) &&
    error.details.status !== undefined &&
    error.details.status >= 400
  );
}

const refusals: ReadonlySet<Fault> = new Set<Fault>(['changed', 'unsupported', 'refused']);

/** The result of the second read counts, unless it is a permanent failure: then the first one says more. */
async function readAgain(
  refusal: StoreError,
  read: () => Promise<ObjectRead>,
): Promise<ObjectRead> {
  try {
    return await read();
  } catch (error) {
    const tellsMore =
      !(error instanceof StoreError) || error.transient || error.fault === 'unsupported';
    throw tellsMore ? error : refusal;
  }
}
