import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { RecordedCopy } from '../queue/recorded-copies.ts';
import type { Pair } from './listing.ts';
import { verifying, type VerifyOptions } from './verify.ts';

const never = new AbortController().signal;

async function put(store: MemoryStore, key: string, text: string): Promise<void> {
  await store.put(key, { content: Buffer.from(text), size: Buffer.byteLength(text) }, {}, never);
}

/** A pair with the same key at both ends. */
async function pairOf(
  { source, target }: { readonly source: MemoryStore; readonly target: MemoryStore },
  key: string,
): Promise<Pair> {
  const entry = async (store: MemoryStore) =>
    (await store.list({ prefix: key, limit: 1 }, never)).entries[0];
  return { key, source: await entry(source), target: await entry(target) };
}

function sides(recorded: readonly RecordedCopy[] = []) {
  const source = new MemoryStore({ name: 'memory:source' });
  const target = new MemoryStore({ name: 'memory:target' });
  const requests: string[] = [];
  for (const store of [source, target]) {
    const head = store.head.bind(store);
    store.head = async (key, signal) => {
      requests.push(`${store.name} ${key}`);
      return await head(key, signal);
    };
  }
  const options: VerifyOptions & { source: MemoryStore; target: MemoryStore } = {
    ...{ source, target, attempts: 1 },
    recorded: async () => new Map(recorded.map((copy) => [copy.key, copy])),
  };
  return { source, target, options, requests };
}

describe('a verification', () => {
  test('takes equal MD5s in both listings as the proof, whatever the times, without a request', async () => {
    const { source, target, options, requests } = sides();
    await put(target, 'a', 'same');
    await put(source, 'a', 'same');
    Object.assign(source.objects.get('a')?.head ?? {}, { lastModified: Date.now() + 60_000 });
    const [found] = await verifying(options)([await pairOf(options, 'a')], never);
    assert.deepEqual(found, { comparison: 'equal', tally: { equalChecksum: 1 } });
    assert.deepEqual(requests, []);
  });

  test('does not take ETags as checksums where one of the stores has none in listings', async () => {
    const { source, target, options } = sides();
    await put(source, 'a', 'same');
    await put(target, 'a', 'same');
    Object.assign(target.traits, { listsChecksums: false });
    const [found] = await verifying(options)([await pairOf(options, 'a')], never);
    assert.deepEqual(found, { comparison: 'equal', tally: { equalSizeTime: 1 } });
  });

  test('takes the ETags of the last proven copy as a proof, without a request', async () => {
    const copy = { key: 'a', sourceEtag: '', targetEtag: '"parts-2"' };
    const { source, target, options, requests } = sides([copy]);
    await put(source, 'a', 'same');
    await put(target, 'a', 'same');
    Object.assign(copy, { sourceEtag: source.objects.get('a')?.head.etag });
    Object.assign(target.objects.get('a')?.head ?? {}, { etag: '"parts-2"' });
    const pair = await pairOf(options, 'a');
    assert.deepEqual(await verifying(options)([pair], never), [
      { comparison: 'equal', tally: { equalRecorded: 1 } },
    ]);
    // Another writer has replaced the copy.
    Object.assign(target.objects.get('a')?.head ?? {}, { etag: '"parts-3"' });
    assert.deepEqual(await verifying(options)([await pairOf(options, 'a')], never), [
      { comparison: 'equal', tally: { equalSizeTime: 1 } },
    ]);
    assert.deepEqual(requests, []);
  });

  test('finds other bytes of the same size by the heads, though the target is younger', async () => {
    const { source, target, options, requests } = sides();
    await put(source, 'a', 'good');
    await put(target, 'a', 'evil');
    const [found] = await verifying(options)([await pairOf(options, 'a')], never);
    assert.equal(found?.comparison, 'different');
    assert.equal(found.reason, 'checksum');
    assert.match(found.sourceChecksum ?? '', /^CRC-64 \d+$/);
    assert.notEqual(found.sourceChecksum, found.targetChecksum);
    assert.deepEqual(found.tally, { heads: 2 });
    assert.deepEqual(requests.sort(), ['memory:source a', 'memory:target a']);
  });

  test('does not take the ETag of an encrypted object for an MD5', async () => {
    const { source, target, options } = sides();
    await put(source, 'a', 'same');
    await put(target, 'a', 'same');
    const stored = target.objects.get('a')?.head ?? {};
    const encrypted = { etag: `"${'0'.repeat(32)}"`, md5: undefined, crc64: undefined };
    Object.assign(stored, encrypted);
    const [found] = await verifying(options)([await pairOf(options, 'a')], never);
    assert.deepEqual(found, { comparison: 'equal', tally: { equalSizeTime: 1, heads: 2 } });
  });

  test('reports an object whose head is refused, and continues', async () => {
    const { source, target, options } = sides();
    for (const key of ['a', 'b']) {
      await put(source, key, 'good');
      await put(target, key, 'evil');
    }
    const head = target.head.bind(target);
    target.head = async (key, signal) => {
      if (key === 'a')
        throw new StoreError('denied', { store: target.name, operation: 'head', key });
      return await head(key, signal);
    };
    const pairs = [await pairOf(options, 'a'), await pairOf(options, 'b')];
    const [first, second] = await verifying(options)(pairs, never);
    assert.equal(first?.comparison, 'unreadable');
    assert.equal(first.reason, 'denied');
    assert.match(first.message ?? '', /denied/);
    assert.deepEqual(first.tally, { unreadable: 1 });
    assert.equal(second?.reason, 'checksum');
  });

  test('ends before a pair of which a store does not answer, and reports it after five attempts', async () => {
    const { source, target, options } = sides();
    for (const key of ['a', 'b', 'c']) {
      await put(source, key, 'good');
      await put(target, key, 'evil');
    }
    const head = target.head.bind(target);
    const silent = new StoreError('unreachable', { store: target.name, operation: 'head' });
    target.head = async (key, signal) => {
      if (key === 'b') throw silent;
      return await head(key, signal);
    };
    const pairs = await Promise.all(['a', 'b', 'c'].map((key) => pairOf(options, key)));
    const examine = verifying(options);
    assert.deepEqual(
      (await examine(pairs, never)).map(({ reason }) => reason),
      ['checksum'],
    );
    await assert.rejects(examine(pairs.slice(1), never), silent);
    const last = verifying({ ...options, attempts: 5 });
    assert.deepEqual(
      (await last(pairs.slice(1), never)).map(({ reason }) => reason),
      ['unreachable', 'checksum'],
    );
  });

  test('reports what one side lacks, other sizes and a newer source', async () => {
    const { source, target, options } = sides();
    Object.assign(source.traits, { listsChecksums: false });
    await put(source, 'missing', 'x');
    await put(target, 'extra', 'x');
    await put(source, 'size', 'x');
    await put(target, 'size', 'xx');
    await put(source, 'time', 'x');
    await put(target, 'time', 'y');
    Object.assign(source.objects.get('time')?.head ?? {}, { lastModified: Date.now() + 60_000 });
    const pairs = await Promise.all(
      ['extra', 'missing', 'size', 'time'].map((key) => pairOf(options, key)),
    );
    assert.deepEqual(await verifying(options)(pairs, never), [
      { comparison: 'extra' },
      { comparison: 'missing' },
      { comparison: 'different', reason: 'size' },
      { comparison: 'different', reason: 'time' },
    ]);
  });
});
