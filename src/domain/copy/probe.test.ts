import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before } from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { systemClock } from '../../platform/base/clock.ts';
import type { Fault } from '../../platform/model/fault.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { ProbeFailed, probeSource, probeTarget } from './probe.ts';
import { SameBucket } from './same-bucket.ts';

const demand = { tier: undefined, kms: false, clock: systemClock, source: undefined };

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

describe('a source', () => {
  const readable = (key: string): boolean => !key.includes('sealed');

  /** Refuses to read some objects, or everything, with a fault. */
  async function source(keys: readonly string[], refuses: (key: string) => boolean, fault: Fault) {
    const store = new MemoryStore();
    const content = Buffer.from('frames');
    const { signal } = new AbortController();
    for (const key of keys) await store.put(key, { content, size: content.length }, {}, signal);
    const reads: string[] = [];
    const read: MemoryStore['read'] = async (key, ...rest) => {
      reads.push(key);
      const details = { store: store.name, operation: 'read', key };
      if (refuses(key)) throw new StoreError(fault, details);
      return await store.read(key, ...rest);
    };
    const seen = {
      ...before(store, 'list', () => undefined),
      read,
    };
    return { reads, probe: () => probeSource(seen, { behindCdn: false }, signal) };
  }

  for (const fault of ['denied', 'refused'] as const) {
    for (const keys of [
      ['AAA-sealed', 'b', 'c'],
      ['a/sealed 1', 'a/sealed 2', 'a/sealed 3', 'a/sealed 4', 'a/sealed 5', 'b/6'],
      ['sealed'],
      ['1-sealed', '2-sealed', '3-sealed', '4-sealed', '5-sealed', '6'],
    ]) {
      test(`may have objects that are ${fault}: ${keys.join(', ')}`, async () => {
        const { reads, probe } = await source(keys, (key) => !readable(key), fault);
        const unreadable = await probe();
        assert.ok(reads.length <= 5);
        assert.deepEqual(
          unreadable.map(({ key, error }) => [key, error.ability, error.cause?.fault]),
          reads
            .filter((key) => keys.includes(key) && !readable(key))
            .map((key) => [key, 'read', fault]),
        );
      });
    }

    test(`whose every read is ${fault} is refused`, async () => {
      const { probe } = await source(['a', 'b'], () => true, fault);
      await assert.rejects(probe(), { name: 'ProbeFailed', ability: 'read' });
    });
  }

  test('that does not accept the credentials is refused at the first read', async () => {
    const { reads, probe } = await source(['a', 'b'], () => true, 'bad-credentials');
    await assert.rejects(probe(), { name: 'ProbeFailed', ability: 'read' });
    assert.equal(reads.length, 1);
  });
});

test('where a marker is written anyhow, the conditions of writes are observed by it', async () => {
  const { signal } = new AbortController();
  const content = Buffer.from('frames');
  const clock = new ManualClock();
  const [target, other] = [new MemoryStore({ clock }), new MemoryStore({ clock })];
  for (const store of [target, other]) {
    await store.put('film', { content, size: content.length }, {}, signal);
  }
  const { store: source } = faulty(other, { listUploads: { 1: 'denied' } });
  const seen = await probeTarget(target, { ...demand, source }, signal);
  assert.deepEqual(seen, { checksMd5: true, conditionalPut: true, conditionalRemove: true });
  assert.deepEqual([[...target.objects.keys()], target.openUploads.size], [['film'], 0]);
});
