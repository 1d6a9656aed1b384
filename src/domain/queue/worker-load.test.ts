import assert from 'node:assert/strict';
import { test } from 'node:test';
import { done, workerOf } from '../../../test/kit/worker-fixture.ts';

/* A worker with many slots. */

const never = new AbortController().signal;

/** The share of the slots in use, with work of 160 ms and a database that takes so long for each statement. */
async function useOfSlots(concurrency: number, claimMs: number, settleMs: number): Promise<number> {
  let [busy, sum, looks] = [0, 0, 0];
  const given = workerOf({
    async handle() {
      busy += 1;
      await given.clock.sleep(160, never);
      busy -= 1;
      return done;
    },
    ...{ concurrency, taskConcurrency: concurrency },
  });
  const { queue, clock, worker, end } = given;
  const claim = queue.claim.bind(queue);
  queue.claim = async (request) => {
    await clock.sleep(claimMs, never);
    return await claim(request);
  };
  const settle = queue.settle.bind(queue);
  queue.settle = async (taskId, settlements) => {
    await clock.sleep(settleMs, never);
    return await settle(taskId, settlements);
  };
  queue.add('t', ...Array.from({ length: concurrency * 30 }, (_, index) => `k${index}`));
  worker.start();
  await clock.pass(1_500);
  for (; looks < 150; looks++) {
    await clock.pass(10);
    sum += busy;
  }
  queue.due.clear();
  await end();
  return sum / looks / concurrency;
}

for (const [concurrency, claimMs, settleMs] of [
  [64, 50, 300],
  [512, 20, 40],
  [512, 60, 150],
] as const) {
  test(`${concurrency} slots are in use while the database takes ${settleMs} ms to settle`, async () => {
    const use = await useOfSlots(concurrency, claimMs, settleMs);
    assert.ok(use > 0.8, `${use} of the slots`);
  });
}

test('no more than 32 claims listen to one signal, however many a claim brings', async () => {
  const { queue, clock, worker, inWork, end } = workerOf({
    concurrency: 100,
    taskConcurrency: 100,
  });
  queue.add('t', ...Array.from({ length: 100 }, (_, index) => `k${index}`));
  worker.start();
  await clock.passUntil(() => inWork.size === 100);
  const signals = Array.from(inWork.values(), ({ claim }) => claim.lease.signal);
  const counts = [...new Set(signals)].map((one) => signals.filter((each) => each === one).length);
  assert.deepEqual(counts, [32, 32, 32, 4]);
  await end();
});
