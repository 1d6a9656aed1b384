import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faulty } from '../../../../test/kit/faulty-store.ts';
import { ManualClock } from '../../../../test/kit/manual-clock.ts';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { RetryBudget } from '../retry-budget.ts';
import { resuming } from './resuming.ts';

const { signal } = new AbortController();

for (const [fault, left] of [
  ['unavailable', false],
  ['denied', true],
] as const) {
  test(`a failure to read on by ${fault} leaves ${left ? 'its' : 'no'} budget`, async () => {
    const memory = new MemoryStore();
    await memory.put('key', { content: Buffer.alloc(100), size: 100 }, {}, signal);
    const { store } = faulty(memory, { read: { 1: { cutAfter: 10 }, 2: fault } });
    const policy = { attempts: 4, delayMs: () => 0 };
    const budget = new RetryBudget(3);
    const { body } = await resuming(store, policy, new ManualClock()).read(
      'key',
      { budget },
      signal,
    );
    await assert.rejects(body.bytes(), { fault });
    assert.equal(budget.spend(), left);
  });
}

test('a body that is too slow is not read on', async () => {
  const memory = new MemoryStore();
  await memory.put('key', { content: Buffer.alloc(100), size: 100 }, {}, signal);
  const { store, calls } = faulty(
    memory,
    { read: { 1: { cutAfter: 10 } } },
    { details: { slow: true } },
  );
  const policy = { attempts: 4, delayMs: () => 0 };
  const { body } = await resuming(store, policy, new ManualClock()).read('key', {}, signal);
  await assert.rejects(body.bytes(), { fault: 'interrupted' });
  assert.equal(calls.get('read'), 1);
});
