import type { Fault } from '../../model/fault.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { around } from './around.ts';
import type { Pacer } from './pacer.ts';

/** Faults that say nothing about what the store allows: it has not answered. */
const unanswered: ReadonlySet<Fault> = new Set<Fault>(['unreachable', 'interrupted']);

/** A store whose requests go at the pace of the pacer, which learns from their answers. */
export function paced(inner: Store, pacer: Pacer): Store {
  async function kept<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const sentAt = await pacer.turn(signal);
    try {
      const result = await run();
      pacer.answered({ sentAt, refused: false });
      return result;
    } catch (error) {
      if (error instanceof StoreError && !unanswered.has(error.fault)) {
        const refused = error.fault === 'throttled';
        pacer.answered({ sentAt, refused, retryAfterMs: error.details.retryAfterMs });
      }
      throw error;
    }
  }

  return around(inner, {
    call: (_operation, signal, run) => kept(signal, run),
    read: (signal, run) => kept(signal, run),
  });
}
