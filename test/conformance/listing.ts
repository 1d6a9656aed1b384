import assert from 'node:assert/strict';
import { compareKeys } from '../../src/platform/stores/keys.ts';
import type { ListOptions, Store } from '../../src/platform/stores/store.ts';
import { bodyOf, type GivePromise } from './store.ts';

async function keysOf(store: Store, options: ListOptions, signal: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  let after = options.after;
  for (;;) {
    const page = await store.list({ ...options, after }, signal);
    keys.push(...page.entries.map((entry) => entry.key));
    if (page.next === undefined) return keys;
    assert.notEqual(page.next, after);
    after = page.next;
  }
}

export function listingPromises(promise: GivePromise): void {
  promise(
    'listing',
    'entries come in the order of their UTF-8 bytes',
    async ({ store, signal, prefix }) => {
      const under = `${prefix}order/`;
      const names = [
        'a',
        'B',
        'a/b',
        'a b',
        'a-',
        'ä',
        '\ud7ff',
        '\ue000',
        '\uffee',
        '🙈',
        '💾',
        'z',
      ];
      for (const name of names) await store.put(under + name, bodyOf(name), {}, signal);
      const bytewise = names
        .map((name) => Buffer.from(under + name))
        .sort((a, b) => Buffer.compare(a, b))
        .map((bytes) => bytes.toString());
      assert.deepEqual(await keysOf(store, { prefix: under }, signal), bytewise);
      assert.deepEqual(await keysOf(store, { prefix: under, limit: 2 }, signal), bytewise);
      assert.deepEqual(bytewise.toSorted(compareKeys), bytewise);
    },
  );

  promise('listing', 'pages lose nothing, and none is longer than requested', async (trial) => {
    const { store, signal, prefix } = trial;
    const keys = Array.from({ length: 7 }, (_, number) => `${prefix}pages/${number}`);
    for (const key of keys) await store.put(key, bodyOf(key), {}, signal);
    for (const limit of [1, 3, 7, 100]) {
      const options = { prefix: `${prefix}pages/`, limit };
      assert.deepEqual(await keysOf(store, options, signal), keys);
      const first = await store.list(options, signal);
      assert.ok(first.entries.length <= limit);
    }
  });

  promise(
    'listing',
    'a listing of any order has every key once',
    async ({ store, signal, prefix }) => {
      const under = `${prefix}any-order/`;
      const keys = ['a', 'b c', 'b+c', 'z/y', '\uffee', '🙈'].map((name) => under + name);
      for (const key of keys) await store.put(key, bodyOf(key), {}, signal);
      for (const limit of [1, 2, 100]) {
        const listed = await keysOf(store, { prefix: under, limit, anyOrder: true }, signal);
        assert.deepEqual(listed.toSorted(compareKeys), keys);
      }
    },
  );

  promise(
    'listing',
    'a listing continues after any key, whether it exists or not',
    async ({ store, signal, prefix }) => {
      const under = `${prefix}after/`;
      for (const name of ['a', 'b+c', 'd e', '中']) {
        await store.put(under + name, bodyOf(name), {}, signal);
      }
      for (const [after, expected] of [
        ['', ['a', 'b+c', 'd e', '中']],
        ['a', ['b+c', 'd e', '中']],
        ['b', ['b+c', 'd e', '中']],
        ['b+c', ['d e', '中']],
        ['d e', ['中']],
        ['中', []],
        ['🙈', []],
      ] as const) {
        assert.deepEqual(
          await keysOf(store, { prefix: under, after: under + after }, signal),
          expected.map((name) => under + name),
          `after ${after}`,
        );
      }
    },
    { needs: 'listsFromKey' },
  );

  promise('listing', 'a prefix is taken as it is written', async ({ store, signal, prefix }) => {
    for (const name of ['p+q/1', 'p q/2', 'p%2Bq/3', 'pq/4']) {
      await store.put(`${prefix}prefixes/${name}`, bodyOf(name), {}, signal);
    }
    for (const [under, name] of [
      ['p+', 'p+q/1'],
      ['p ', 'p q/2'],
      ['p%', 'p%2Bq/3'],
      ['pq/', 'pq/4'],
    ] as const) {
      assert.deepEqual(await keysOf(store, { prefix: `${prefix}prefixes/${under}` }, signal), [
        `${prefix}prefixes/${name}`,
      ]);
    }
  });

  promise(
    'listing',
    'a listing of nothing is one empty page',
    async ({ store, signal, prefix }) => {
      const page = await store.list({ prefix: `${prefix}nothing/` }, signal);
      assert.deepEqual(page, { entries: [], next: undefined });
    },
  );

  promise('listing', 'an entry reports what a head reports', async ({ store, signal, prefix }) => {
    const key = `${prefix}entry`;
    await store.put(key, bodyOf('entry'), {}, signal);
    const { entries } = await store.list({ prefix: key }, signal);
    const [entry] = entries;
    const head = await store.head(key, signal);
    assert.ok(entry !== undefined);
    assert.equal(entry.size, 5);
    assert.equal(entry.etag.replaceAll('"', ''), head.etag.replaceAll('"', ''));
    // Some stores round the one and cut off the other.
    assert.ok(Math.abs(entry.lastModified - head.lastModified) <= 1000);
  });
}
