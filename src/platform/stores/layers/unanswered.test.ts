import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faulty } from '../../../../test/kit/faulty-store.ts';
import { ManualClock } from '../../../../test/kit/manual-clock.ts';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { type Fault, faults } from '../../model/fault.ts';
import type { PutBody } from '../../http/bodies.ts';
import { StoreError } from '../../model/store-error.ts';
import { around } from './around.ts';
import { retrying } from './retrying.ts';
import { unanswered } from './unanswered.ts';

const { signal } = new AbortController();
const body: PutBody = { content: Buffer.from('bytes'), size: 5 };
const open = new Set<Fault>(['unavailable', 'interrupted', 'bad-reply']);

describe('a write without an answer that says how it ended', () => {
  for (const fault of faults) {
    const expected = open.has(fault);
    test(`is ${expected ? '' : 'not '}noticed when a put fails as ${fault}`, async () => {
      const watched = unanswered(faulty(new MemoryStore(), { put: { 1: fault } }).store);
      await assert.rejects(watched.store.put('k', body, {}, signal), { fault });
      assert.equal(watched.left(), expected);
    });
  }

  test('is noticed where a layer sends it again, and only if it had no such answer', async () => {
    const clock = new ManualClock();
    const tries = { attempts: 3, delayMs: () => 0, delayMaxMs: 1, onRetry: () => undefined };
    for (const [fault, expected] of [
      ['interrupted', true],
      ['throttled', false],
    ] as const) {
      const { store } = faulty(new MemoryStore(), { put: { 1: fault } });
      const watched = unanswered(retrying(store, tries, clock));
      await watched.store.put('k', body, {}, signal);
      assert.equal(watched.left(), expected, fault);
    }
  });

  test('is noticed at the end of an upload, and not at its parts', async () => {
    const { store } = faulty(new MemoryStore(), {
      putPart: { 1: 'interrupted' },
      complete: { 1: 'interrupted' },
    });
    const watched = unanswered(store);
    const upload = await watched.store.startParts('k', {}, signal);
    await assert.rejects(upload.putPart(1, body, signal));
    assert.equal(watched.left(), false);
    const part = await upload.putPart(1, body, signal);
    await assert.rejects(upload.complete([part], signal));
    assert.equal(watched.left(), true);
  });

  test('is noticed when it is aborted', async () => {
    const stop = new AbortController();
    const hanging = around(new MemoryStore(), {
      call: (_operation, given) =>
        new Promise<never>((_, reject) => {
          given.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      read: (_signal, run) => run(),
    });
    const watched = unanswered(hanging);
    const put = watched.store.put('k', body, {}, stop.signal);
    stop.abort();
    await assert.rejects(put);
    assert.equal(watched.left(), true);
  });

  test('is not one that failed because its source broke off', async () => {
    const details = { store: 'the source', operation: 'read' };
    const broken = around(new MemoryStore(), {
      call: () => Promise.reject(new StoreError('interrupted', details)),
      read: (_signal, run) => run(),
    });
    const watched = unanswered(broken);
    await assert.rejects(watched.store.put('k', body, {}, signal));
    assert.equal(watched.left(), false);
  });
});
