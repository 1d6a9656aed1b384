import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assert as assertAll, constantFrom, property, record } from 'fast-check';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { bodyOf, rejectsWith } from '../../../../test/conformance/store.ts';
import type { Behaviour } from '../../model/behaviour.ts';
import type { Traits } from '../store.ts';
import { narrowed, narrowedTraits } from './narrowed.ts';

const { signal } = new AbortController();
const { traits: all } = new MemoryStore();
const flag = constantFrom(true, false);
const finding = constantFrom(true, false, undefined);

const anyTraits = record({
  checksMd5: flag,
  checksMd5OfStreams: flag,
  conditionalPut: flag,
  conditionalPutVersioned: flag,
  conditionalRemove: flag,
}).map((some): Traits => ({ ...all, ...some }));

const anyBehaviour = record({
  conditionalRead: finding,
  ranges: finding,
  ordered: finding,
  checksMd5: finding,
  conditionalPut: finding,
  conditionalRemove: finding,
});

/** The traits that each finding is about. */
const subjects = {
  checksMd5: ['checksMd5', 'checksMd5OfStreams'],
  conditionalPut: ['conditionalPut', 'conditionalPutVersioned'],
  conditionalRemove: ['conditionalRemove'],
} as const;

test('a trait is lost where it was refuted, and nothing else changes', () => {
  assertAll(
    property(anyTraits, anyBehaviour, (traits, found: Behaviour) => {
      const expected: Record<string, unknown> = { ...traits };
      for (const finding of ['checksMd5', 'conditionalPut', 'conditionalRemove'] as const) {
        if (found[finding] !== false) continue;
        for (const trait of subjects[finding]) expected[trait] = false;
      }
      assert.deepEqual({ ...narrowedTraits(traits, found) }, expected);
    }),
  );
});

describe('a narrowed store', () => {
  test('is the store itself where nothing was refuted', () => {
    const store = new MemoryStore({ traits: { conditionalRemove: false } });
    assert.equal(narrowed(store, {}), store);
    assert.equal(narrowed(store, { checksMd5: true, conditionalRemove: false }), store);
  });

  test('refuses what was refuted, and does everything else', async () => {
    const inner = new MemoryStore();
    const store = narrowed(inner, { conditionalPut: false, conditionalRemove: false });
    const create = { mode: 'create' } as const;
    await rejectsWith('unsupported', store.put('key', bodyOf('first'), create, signal));
    await rejectsWith('unsupported', store.startParts('key', create, signal));
    const { etag } = await store.put('key', bodyOf('first'), {}, signal);
    await rejectsWith('unsupported', store.remove([{ key: 'key', ifMatch: etag }], signal));
    assert.equal((await store.head('key', signal)).size, 5);
    await store.remove([{ key: 'key' }], signal);
    await rejectsWith('not-found', store.head('key', signal));
  });
});
