import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryBody } from '../../../test/kit/memory-body.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { Semaphore } from '../../platform/base/semaphore.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { isSampled, SAMPLED_OBJECTS } from './deep.ts';
import type { Pair } from './listing.ts';
import { verifying } from './verify.ts';

const never = new AbortController().signal;

/** Stores whose listings prove nothing, so that only their bytes can. */
async function sides(texts: Readonly<Record<string, readonly [string, string]>>) {
  const traits = { listsChecksums: false };
  const source = new MemoryStore({ name: 'memory:source', traits });
  const target = new MemoryStore({ name: 'memory:target', traits });
  let [open, most] = [0, 0];
  for (const [index, store] of [source, target].entries()) {
    for (const [key, both] of Object.entries(texts)) {
      const content = Buffer.from(both[index] ?? '');
      await store.put(key, { content, size: content.length }, {}, never);
    }
    const read = store.read.bind(store);
    store.read = async (key, options, signal) => {
      open += 1;
      most = Math.max(most, open);
      const answer = await read(key, options, signal);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return answer;
    };
  }
  const list = async (store: MemoryStore) => (await store.list({}, never)).entries;
  const [left, right] = [await list(source), await list(target)];
  const pairs: Pair[] = left.map((entry, at) => ({
    key: entry.key,
    source: entry,
    target: right[at],
  }));
  const examine = verifying({
    ...{ source, target, attempts: 1, recorded: async () => new Map() },
    sample: { share: 1, places: new Semaphore(2) },
  });
  return { source, target, pairs, examine, most: () => most };
}

describe('a deep verification', () => {
  test('proves equal bytes, and finds others of the same size that nothing else shows', async () => {
    const { pairs, examine } = await sides({ damaged: ['good', 'evil'], equal: ['same', 'same'] });
    const [damaged, equal] = await examine(pairs, never);
    assert.partialDeepStrictEqual(damaged, {
      comparison: 'different',
      reason: 'bytes',
      tally: { deepObjects: 1, deepBytes: 8 },
    });
    assert.match(damaged?.sourceChecksum ?? '', /^SHA-256 [\da-f]{64}$/);
    assert.notEqual(damaged?.sourceChecksum, damaged?.targetChecksum);
    assert.deepEqual(equal, {
      comparison: 'equal',
      tally: { deepObjects: 1, deepBytes: 8, equalBytes: 1 },
    });
  });

  test('reads a bounded number of objects for one transaction, two pairs at once', async () => {
    const texts = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`k${1_000 + at}`, ['same', 'same'] as const]),
    );
    const { pairs, examine, most } = await sides(texts);
    const found = await examine(pairs, never);
    assert.equal(found.length, SAMPLED_OBJECTS);
    assert.equal(most(), 4);
  });

  test('reports an object that cannot be read, with the fault', async () => {
    const { target, pairs, examine } = await sides({ a: ['x', 'x'], b: ['x', 'x'] });
    const stored = target.objects.get('a');
    if (stored !== undefined) stored.archived = true;
    const [first, second] = await examine(pairs, never);
    assert.partialDeepStrictEqual(first, { comparison: 'unreadable', reason: 'archived' });
    assert.match(first?.message ?? '', /memory:target/);
    assert.equal(second?.comparison, 'equal');
  });

  test('names the store that failed, though the read of the other ends with it', async () => {
    const { source, target, pairs, examine } = await sides({
      a: ['x'.repeat(1e6), 'x'.repeat(1e6)],
    });
    const denied = new StoreError('denied', { store: target.name, operation: 'read', key: 'a' });
    target.read = () => Promise.reject(denied);
    const entry = source.objects.get('a');
    let aborted: unknown;
    source.read = async (_key, _options, signal) => {
      signal.addEventListener('abort', () => {
        aborted = signal.reason;
      });
      return {
        head: entry?.head ?? assert.fail(),
        body: memoryBody(entry?.bytes ?? Buffer.alloc(0), signal),
      };
    };
    const [found] = await examine(pairs, never);
    assert.partialDeepStrictEqual(found, { comparison: 'unreadable', reason: 'denied' });
    assert.match(found?.message ?? '', /memory:target/);
    assert.equal(aborted, denied);
  });

  test('falls back to the listings where an object was replaced meanwhile', async () => {
    const { source, pairs, examine } = await sides({ a: ['x', 'x'] });
    await source.put('a', { content: Buffer.from('y'), size: 1 }, {}, never);
    assert.deepEqual(await examine(pairs, never), [
      { comparison: 'equal', tally: { equalSizeTime: 1 } },
    ]);
  });
});

test('a sample follows from the keys, is of about its share, and a larger one contains it', () => {
  const keys = Array.from({ length: 20_000 }, (_, at) => `logs/${at}`);
  const tenth = keys.filter((key) => isSampled(key, 0.1));
  assert.ok(Math.abs(tenth.length - 2_000) < 200, `${tenth.length} of 20,000`);
  assert.ok(tenth.every((key) => isSampled(key, 0.1) && isSampled(key, 0.2)));
  assert.ok(keys.every((key) => isSampled(key, 1)));
});
