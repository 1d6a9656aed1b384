import type { Fault } from '../../model/fault.ts';
import type { Operation, Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { around } from './around.ts';
import { forwarding } from './forwarding.ts';

/** What makes an object visible. */
const publishing: ReadonlySet<Operation> = new Set<Operation>(['put', 'complete', 'copy']);

/** Faults that leave open whether the store performs the request after all, and when. */
const open: ReadonlySet<Fault> = new Set<Fault>(['unavailable', 'interrupted', 'bad-reply']);

export interface Unanswered {
  /** The store, watched. */
  readonly store: Store;
  /** Whether a write ended without an answer that says whether it was performed. */
  readonly left: () => boolean;
  /** Whether a write was performed, or may have been or still be. */
  readonly sent: () => boolean;
}

/**
 * Notices writes that may still be performed after they failed here: those that were aborted, and
 * those whose answer was lost, also where a layer below sent them again.
 */
export function unanswered(inner: Store): Unanswered {
  let left = false;
  let performed = false;
  const watched = around(inner, {
    async call(operation, _signal, run) {
      try {
        const answer = await run();
        performed ||= publishing.has(operation);
        return answer;
      } catch (error) {
        left ||= publishing.has(operation) && isOpen(error, inner);
        throw error;
      }
    },
    read: (_signal, run) => run(),
  });
  function onRepeat(failure: StoreError): void {
    left ||= isOpen(failure, inner);
  }
  const store = forwarding(watched, {
    put: (key, body, options, signal) => watched.put(key, body, { ...options, onRepeat }, signal),
  });
  return { store, left: () => left, sent: () => left || performed };
}

function isOpen(error: unknown, { name }: Store): boolean {
  if (!(error instanceof StoreError)) return true; // It was aborted.
  // A put also fails with the error of the stream that it sends; then its bytes never were complete.
  return error.details.store === name && open.has(error.fault);
}
