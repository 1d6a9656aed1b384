import type { Clock } from '../../base/clock.ts';
import type { Fault } from '../../model/fault.ts';
import type { ObjectRead, PartUpload, PutReceipt, Store } from '../store.ts';
import type { PutBody } from '../../http/bodies.ts';
import { RetryBudget } from '../retry-budget.ts';
import { StoreError } from '../../model/store-error.ts';
import { forwarding, forwardingUpload } from './forwarding.ts';

export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds before the next attempt, after the given one failed with this fault. */
  readonly delayMs: (attempt: number, fault: Fault) => number;
  /**
   * No wait is longer than this, whatever the store requests. At a store that throttles, no attempt begins
   * later than this after the call: the failure is passed on instead, since the caller holds a slot that
   * other objects could use.
   */
  readonly delayMaxMs: number;
  readonly onRetry: (error: StoreError, attempt: number, delayMs: number) => void;
}

/**
 * A store that sends a request again when the very same request may succeed. Each try
 * waits for its turn of the pace, and counts, where its requests are sent.
 *
 * Not repeated are: a put of a stream, because its bytes are gone; a call that is requested `once`;
 * `complete`, because after a failure only a look at the key shows whether it was done; and `startParts`,
 * because a lost answer may leave an open upload, and a caller that repeats it must look for that first.
 */
export function retrying(inner: Store, policy: RetryPolicy, clock: Clock): Store {
  async function again<T>(
    signal: AbortSignal,
    call: () => Promise<T>,
    onRepeat?: (failure: StoreError) => void,
    budget = new RetryBudget(policy.attempts - 1),
  ): Promise<T> {
    const startedAt = clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreError) || !error.repeatableNow) throw error;
        const delayMs = delayBefore(error, policy.delayMs(attempt, error.fault));
        const passedMs = error.fault === 'throttled' ? clock.monotonic() - startedAt : 0;
        if (!budget.spend() || passedMs + delayMs > policy.delayMaxMs) throw error;
        policy.onRetry(error, attempt, delayMs);
        onRepeat?.(error);
        await clock.sleep(delayMs, signal);
      }
    }
  }

  function retryingUpload(upload: PartUpload): PartUpload {
    return forwardingUpload(upload, {
      putPart: (number, body, signal) =>
        isWhole(body)
          ? again(signal, () => upload.putPart(number, body, signal))
          : upload.putPart(number, body, signal),
      listParts: (signal) => again(signal, () => upload.listParts(signal)),
      abort: (signal) => again(signal, () => upload.abort(signal)),
    });
  }

  return forwarding(inner, {
    list: (options, signal) => again(signal, () => inner.list(options, signal)),
    head: (key, signal) => again(signal, () => inner.head(key, signal)),
    read(key, options, signal) {
      const read = (): Promise<ObjectRead> => inner.read(key, options, signal);
      return options.once === true ? read() : again(signal, read, undefined, options.budget);
    },
    put(key, body, options, signal) {
      const put = (): Promise<PutReceipt> => inner.put(key, body, options, signal);
      return isWhole(body) && options.once !== true ? again(signal, put, options.onRepeat) : put();
    },
    startParts: async (key, options, signal) =>
      retryingUpload(await inner.startParts(key, options, signal)),
    resumeParts: (key, uploadId, options) =>
      retryingUpload(inner.resumeParts(key, uploadId, options)),
    listUploads: (key, signal) => again(signal, () => inner.listUploads(key, signal)),
    remove: (removals, signal) => again(signal, () => inner.remove(removals, signal)),
    copy: (from, key, signal) => again(signal, () => inner.copy(from, key, signal)),
    restore: (key, options, signal) => again(signal, () => inner.restore(key, options, signal)),
  });
}

function delayBefore({ details }: StoreError, ownMs: number): number {
  return Math.max(details.retryAfterMs ?? 0, ownMs);
}

/** Whether its bytes can be sent again. */
function isWhole({ content }: PutBody): boolean {
  return content instanceof Uint8Array;
}
