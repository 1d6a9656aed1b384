import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { KeyScope } from '../../model/key-scope.ts';
import { compareKeys } from '../keys.ts';
import type { Store } from '../store.ts';
import { mappedKeys } from './mapped-keys.ts';
import { scopedListing } from './scoped-listing.ts';

const never = new AbortController().signal;

async function storeOf(keys: readonly string[], listsFromKey = true): Promise<MemoryStore> {
  const store = new MemoryStore({ traits: { listsFromKey } });
  for (const key of keys) await store.put(key, { content: Buffer.of(1), size: 1 }, {}, never);
  return store;
}

/** All keys, from page to page. */
async function listed(
  store: Store,
  options: {
    readonly prefix?: string;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<string[]> {
  const keys: string[] = [];
  let { after } = options;
  for (;;) {
    const page = await store.list({ ...options, after }, never);
    assert.ok(page.entries.length <= options.limit);
    keys.push(...page.entries.map(({ key }) => key));
    if (page.next === undefined) return keys;
    after = page.next;
  }
}

const text = (maxLength: number, minLength = 0) =>
  fc.string({ unit: fc.constantFrom('a', 'b', '/', '\u{1F600}', '\uFFFD'), minLength, maxLength });
const someKeys = fc.uniqueArray(text(4, 1), { maxLength: 30 });

describe('mappedKeys', () => {
  test('an object is found under the key that it has at the source', async () => {
    const inner = new MemoryStore();
    const scope = new KeyScope({ sourcePrefix: 'photos/', targetPrefix: 'backup/' });
    const store = mappedKeys(inner, scope);
    await store.put('photos/a', { content: Buffer.from('x'), size: 1 }, {}, never);
    assert.deepEqual([...inner.objects.keys()], ['backup/a']);
    assert.equal((await store.head('photos/a', never)).key, 'photos/a');
    await assert.rejects(store.head('photos/b', never), /backup\/b: not-found/);
    const upload = await store.startParts('photos/c', {}, never);
    assert.deepEqual(
      (await store.listUploads('photos/c', never)).map(({ key, id }) => [key, id]),
      [['photos/c', upload.id]],
    );
    await upload.abort(never);
    await store.remove([{ key: 'photos/a' }], never);
    assert.equal(inner.objects.size, 0);
  });

  test('without a change of keys it is the store itself', () => {
    const inner = new MemoryStore();
    assert.equal(mappedKeys(inner, new KeyScope({})), inner);
  });

  test('a listing has the keys below the prefix, as the source calls them, from any key on', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[text(2), text(2), someKeys, text(3), fc.option(text(4), { nil: undefined })],
        fc.integer({ min: 1, max: 5 }),
        async (sourcePrefix, targetPrefix, keys, prefix, after, limit) => {
          const scope = new KeyScope({ sourcePrefix, targetPrefix });
          const store = mappedKeys(await storeOf(keys), scope);
          const expected = keys
            .filter((key) => key.startsWith(targetPrefix))
            .map((key) => sourcePrefix + key.slice(targetPrefix.length))
            .filter((key) => key.startsWith(prefix))
            .filter((key) => after === undefined || compareKeys(key, after) > 0)
            .sort(compareKeys);
          assert.deepEqual(await listed(store, { prefix, after, limit }), expected);
        },
      ),
    );
  });

  test('a store that continues only from tokens gets its own tokens back', async () => {
    const keys = ['t/a', 't/b', 't/c', 'u'];
    const scope = new KeyScope({ sourcePrefix: 's/', targetPrefix: 't/' });
    const store = mappedKeys(await storeOf(keys, false), scope);
    assert.deepEqual(await listed(store, { limit: 1 }), ['s/a', 's/b', 's/c']);
  });
});

describe('scopedListing', () => {
  for (const listsFromKey of [true, false]) {
    test(`lists what begins with a prefix, in order, ${listsFromKey ? 'from any key on' : 'by tokens'}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          ...[fc.array(text(3), { maxLength: 4 }), someKeys],
          ...[fc.option(text(4), { nil: undefined }), text(2)],
          fc.integer({ min: 1, max: 5 }),
          async (includePrefixes, keys, from, prefix, limit) => {
            const after = listsFromKey ? from : undefined;
            const filters = { includePrefixes, excludeGlobs: ['\u0001'] };
            const { prefixes } = new KeyScope({ keyFilters: filters });
            const store = scopedListing(await storeOf(keys, listsFromKey), prefixes);
            const expected = keys
              .filter((key) => prefixes.some((one) => key.startsWith(one)))
              .filter((key) => key.startsWith(prefix))
              .filter((key) => after === undefined || compareKeys(key, after) > 0)
              .sort(compareKeys);
            assert.deepEqual(await listed(store, { prefix, after, limit }), expected);
          },
        ),
      );
    });
  }

  test('does not request what lies between the prefixes', async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `b/${at}`);
    const inner = await storeOf(['a/1', ...many, 'c/1', 'c/2']);
    const requests: unknown[] = [];
    const store = scopedListing(
      Object.assign(Object.create(inner) as MemoryStore, {
        list: (...given: Parameters<Store['list']>) => {
          requests.push(given[0].prefix);
          return inner.list(...given);
        },
      }),
      ['a/', 'c/'],
    );
    assert.deepEqual(await listed(store, { limit: 1_000 }), ['a/1', 'c/1', 'c/2']);
    assert.deepEqual(requests, ['a/', 'c/']);
  });

  test('without a prefix it is the store itself, and without a key in scope it is empty', async () => {
    const inner = await storeOf(['a']);
    assert.equal(scopedListing(inner, ['']), inner);
    assert.deepEqual(await scopedListing(inner, []).list({}, never), {
      entries: [],
      next: undefined,
    });
  });
});
