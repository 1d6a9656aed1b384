import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before } from '../../../test/kit/copy-rig.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { ProbeFailed, probeTarget } from './probe.ts';
import { SameBucket } from './same-bucket.ts';

const demand = { tier: undefined, kms: false, source: undefined };

describe('a probe that ends in the middle takes away what it began', () => {
  for (const operation of ['putPart', 'abort'] as const) {
    test(`at its ${operation}`, async () => {
      const target = new MemoryStore();
      const ending = new AbortController();
      const slow = before(target, operation, () => ending.abort(new Error('too late')));
      await assert.rejects(probeTarget(slow, demand, ending.signal), ProbeFailed);
      assert.equal(target.openUploads.size, 0);
    });
  }

  test('while it waits for the source to see what was written', async () => {
    const target = new MemoryStore();
    const ending = new AbortController();
    const source = before(new MemoryStore(), 'listUploads', () => {
      ending.abort(new Error('too late'));
    });
    await assert.rejects(probeTarget(target, { ...demand, source }, ending.signal), ProbeFailed);
    assert.deepEqual([target.openUploads.size, target.objects.size], [0, 0]);
  });

  test('where the answer that names the upload is lost', async () => {
    const target = new MemoryStore();
    const lost = { startParts: { 1: 'interrupted' } } as const;
    const { store } = faulty(target, lost, { afterwards: true });
    await assert.rejects(probeTarget(store, demand, new AbortController().signal), ProbeFailed);
    assert.equal(target.openUploads.size, 0);
  });

  test('where the write of the object that is looked for is aborted after it was done', async () => {
    const target = new MemoryStore();
    const content = Buffer.from('frames');
    const { signal } = new AbortController();
    await target.put('film', { content, size: content.length }, {}, signal);
    const { store: source } = faulty(target, { listUploads: { 1: 'denied' } });
    const { store } = faulty(target, { put: { 1: 'interrupted' } }, { afterwards: true });
    await assert.rejects(probeTarget(store, { ...demand, source }, signal), SameBucket);
    assert.deepEqual([...target.objects.keys()], ['film']);
  });
});
