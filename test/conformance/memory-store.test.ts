import { MemoryStore } from '../kit/memory-store.ts';
import { type Store } from '../../src/platform/stores/store.ts';
import { Semaphore } from '../../src/platform/base/semaphore.ts';
import { systemClock } from '../../src/platform/base/clock.ts';
import { limited } from '../../src/platform/stores/layers/limited.ts';
import { resuming } from '../../src/platform/stores/layers/resuming.ts';
import { retrying } from '../../src/platform/stores/layers/retrying.ts';
import { type Harness, testStore } from './store.ts';

const policy = {
  attempts: 3,
  delayMs: () => 0,
  delayMaxMs: 1000,
  onRetry: () => {},
};

function harness(wrap: (inner: Store) => Store): Harness {
  return {
    open: async () => {
      const store = wrap(new MemoryStore());
      return {
        store,
        bucket: 'bucket',
        archive: { tier: 'ARCHIVE', thaw: () => {} },
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      };
    },
  };
}

testStore(
  'memory',
  harness((inner) => inner),
);
testStore(
  'limited(memory)',
  harness((inner) => limited(inner, new Semaphore(2))),
);
testStore(
  'retrying(memory)',
  harness((inner) => retrying(inner, policy, systemClock)),
);
testStore(
  'resuming(memory)',
  harness((inner) => resuming(inner, policy, systemClock)),
);
