import type { Clock } from '../../base/clock.ts';
import type { Fault } from '../../model/fault.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { around, type Operation } from './around.ts';
import { watchedBody } from './watched-body.ts';

/** One request has ended; a read with its body. `aborted` is the caller's own doing. */
export type OnRequest = (
  operation: Operation,
  outcome: 'ok' | 'aborted' | Fault,
  seconds: number,
) => void;

/** A store that tells of each request. Innermost, so that each try counts, and no wait does. */
export function measured(inner: Store, clock: Clock, onRequest: OnRequest): Store {
  function report(operation: Operation, startedAt: number, failure?: unknown): void {
    const outcome = failure instanceof StoreError ? failure.fault : 'aborted';
    const seconds = (clock.monotonic() - startedAt) / 1000;
    onRequest(operation, failure === undefined ? 'ok' : outcome, seconds);
  }

  return around(inner, {
    async call(operation, _signal, run) {
      const startedAt = clock.monotonic();
      try {
        const result = await run();
        report(operation, startedAt);
        return result;
      } catch (error) {
        report(operation, startedAt, error ?? new Error('aborted'));
        throw error;
      }
    },
    async read(_signal, run) {
      const startedAt = clock.monotonic();
      try {
        const { head, body } = await run();
        const watched = watchedBody(body, (failure) => report('read', startedAt, failure?.cause));
        return { head, body: watched };
      } catch (error) {
        report('read', startedAt, error ?? new Error('aborted'));
        throw error;
      }
    },
  });
}
