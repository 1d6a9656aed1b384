import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before, bytesOf, CopyPair, KEY, lying } from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { around } from '../../platform/stores/layers/around.ts';

/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;

describe('a target that keeps less than the source has', () => {
  test('gets what it can keep, and the record says what it could not', async () => {
    for (const size of Object.values(ways)) {
      const pair = new CopyPair();
      Object.assign(pair.target.traits, {
        metadata: { names: 'identifier', contentHeaders: ['cache-control'] },
      });
      await pair.fill(bytesOf(size), {
        contentHeaders: { 'cache-control': 'no-store', 'expires': 'tomorrow' },
        userMetadata: { 'shot-on': 'film' },
      });
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'copied');
      assert.deepEqual(outcome.notes, [
        'expires was left out, the target keeps none',
        'metadata shot-on is called shot_on there',
      ]);
      const head = pair.target.objects.get(KEY)?.head;
      assert.deepEqual(head?.contentHeaders, { 'cache-control': 'no-store' });
      assert.deepEqual(head.userMetadata, { shot_on: 'film' });
    }
  });
});

describe('a source with more metadata than the target takes', () => {
  test('is refused with a remedy, and copied without the metadata', async () => {
    const sizeOf = (name: string, value: string): number => name.length + value.length;
    const limits = { nameMax: 50, entryMax: 100, allMax: 100, sizeOf };
    for (const size of Object.values(ways)) {
      for (const metadataMigration of [true, false]) {
        const pair = new CopyPair({ policy: { metadataMigration } });
        Object.assign(pair.target.traits, { metadata: { ...pair.target.traits.metadata, limits } });
        await pair.fill(bytesOf(size), { userMetadata: { a: 'x'.repeat(50), b: 'x'.repeat(60) } });
        if (metadataMigration) {
          const message = /112 bytes, where 100 are the most of all; without \{metadata\}/;
          await assert.rejects(pair.copy(), { fault: 'refused', message });
        } else {
          assert.equal((await pair.copy()).kind, 'copied');
        }
        assert.ok(pair.clean);
      }
    }
  });
});

describe('a type beyond ASCII', () => {
  const contentType = 'text/plain; name="grün"';

  for (const [way, size] of Object.entries(ways)) {
    test(`is left out where the target keeps ASCII only, and that is said, ${way}`, async () => {
      for (const metadataMigration of [true, false]) {
        const pair = new CopyPair({ policy: { metadataMigration } });
        const { metadata } = pair.target.traits;
        const ascii = { metadata: { ...metadata, contentHeaderValues: 'ascii' } };
        await pair.fill(bytesOf(size), { contentType });
        assert.ok((await pair.copy()).kind === 'copied');
        assert.equal(pair.target.objects.get(KEY)?.head.contentType, contentType);
        Object.assign(pair.target.traits, ascii);
        const outcome = await pair.copy({ targetDoubtful: true });
        assert.ok(outcome.kind === 'copied');
        assert.deepEqual(outcome.notes, ['content-type was left out, the target keeps ASCII only']);
        assert.notEqual(pair.target.objects.get(KEY)?.head.contentType, contentType);
      }
    });
  }
});

describe('an archived source', () => {
  test('is restored on request where the task restores, and fails otherwise', async () => {
    const pair = new CopyPair({ policy: { restoreDays: 3 } });
    await pair.fill(bytesOf(37), { tier: 'ARCHIVE' });
    const asked: number[] = [];
    pair.sourceSeen = around(pair.source, {
      call: (operation, _signal, run) => {
        asked.push(...(operation === 'restore' ? [1] : []));
        return run();
      },
      read: (_signal, run) => run(),
    });
    assert.deepEqual(await pair.copy(), { kind: 'restoring', checkAfterMs: 0 });
    assert.equal(asked.length, 1);
    assert.equal((await pair.copy()).kind, 'copied');
    const other = new CopyPair();
    await other.fill(bytesOf(37), { tier: 'ARCHIVE' });
    await assert.rejects(other.copy(), { fault: 'archived' });
  });

  test('that is archived at the target is no reason to restore', async () => {
    const pair = new CopyPair({ policy: { restoreDays: 3 } });
    await pair.fill(bytesOf(5));
    pair.targetSeen = faulty(pair.target, { put: { 1: 'archived' } }).store;
    await assert.rejects(pair.copy(), { fault: 'archived' });
  });
});

test('a copy that the target did not encrypt by its key service does not pass', async () => {
  const pair = new CopyPair({ policy: { kms: true } });
  await pair.fill(bytesOf(5));
  assert.equal((await pair.copy()).kind, 'copied');
  assert.equal(pair.target.objects.get(KEY)?.head.encryption, 'kms');
  pair.targetSeen = lying(pair.target, () => ({ encryption: 'store' }));
  const outcome = await pair.copy({ targetDoubtful: true });
  assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
  assert.match(outcome.message, /did not encrypt it by its key service/);
});

for (const [way, size] of Object.entries(ways)) {
  test(`a copy that the target keeps in another class than requested has a note, ${way}`, async () => {
    const pair = new CopyPair({ policy: { storagePolicy: 'IA' } });
    await pair.fill(bytesOf(size));
    const kept = await pair.copy();
    assert.ok(kept.kind === 'copied');
    assert.deepEqual(kept.notes, []);
    pair.targetSeen = lying(pair.target, () => ({ tier: 'STANDARD' }));
    const other = await pair.copy({ targetDoubtful: true });
    assert.ok(other.kind === 'copied');
    assert.deepEqual(other.notes, [
      'the target keeps it in the class STANDARD, where IA was requested',
    ]);
  });
}

test('a look at the target finds another class, too', async () => {
  const pair = new CopyPair({ policy: { storagePolicy: 'ARCHIVE' }, crc64: false });
  await pair.fill(bytesOf(20));
  pair.targetSeen = around(
    lying(pair.target, () => ({ md5: undefined })),
    {
      async call(operation, _signal, run) {
        const answer = await run();
        const standard = { storageClass: undefined, tier: undefined };
        return operation === 'head' ? Object.assign({}, answer, standard) : answer;
      },
      read: (_signal, run) => run(),
    },
  );
  const outcome = await pair.copy();
  assert.ok(outcome.kind === 'copied');
  assert.match(outcome.notes.join(), /in the class STANDARD, where ARCHIVE was requested/);
});

test('an object goes in one piece to no target that would not compare its MD5', async () => {
  const pair = new CopyPair({ crc64: false });
  Object.assign(pair.target.traits, { checksMd5: false });
  await pair.fill(bytesOf(20));
  let puts = 0;
  pair.targetSeen = before(pair.target, 'put', () => void (puts += 1));
  assert.equal((await pair.copy()).kind, 'copied');
  assert.equal(puts, 0);
});
