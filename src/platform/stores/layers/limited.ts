import type { Semaphore } from '../../base/semaphore.ts';
import type { Store } from '../store.ts';
import { around } from './around.ts';
import { watchedBody } from './watched-body.ts';

/**
 * A store whose calls each take a place of all `shared`, in this order, and wait for it, first come first
 * served. A read keeps its place until its body is over.
 *
 * Outermost: a body that `resuming` opens again keeps its place. The put that reads it holds a place of
 * the target, and must not wait for a place of the source.
 *
 * Source and target of a copy need limits of their own, even where they are one bucket: a read
 * that waits for the put that it feeds would wait for ever.
 */
export function limited(inner: Store, ...shared: readonly Semaphore[]): Store {
  const places = shared.reduce<Taken>(both, free);
  return around(inner, {
    async call(_operation, signal, run) {
      await places.take(signal);
      try {
        return await run();
      } finally {
        places.give();
      }
    },
    async read(signal, run) {
      await places.take(signal);
      try {
        const { head, body } = await run();
        const release = (): void => {
          signal.removeEventListener('abort', onAbort);
          places.give();
        };
        const watched = watchedBody(body, release);
        // Nobody may come for the body of a read that is aborted.
        const onAbort = (): void => watched.discard();
        signal.addEventListener('abort', onAbort, { once: true });
        return { head, body: watched };
      } catch (error) {
        places.give();
        throw error;
      }
    },
  });
}

type Taken = Pick<Semaphore, 'take' | 'give'>;

const free: Taken = { take: async (signal) => signal.throwIfAborted(), give: () => undefined };

/** Takes a place of each; those who wait for the second hold the first, and never the reverse. */
function both(first: Taken, second: Taken): Taken {
  return {
    async take(signal) {
      await first.take(signal);
      try {
        await second.take(signal);
      } catch (error) {
        first.give();
        throw error;
      }
    },
    give() {
      second.give();
      first.give();
    },
  };
}
