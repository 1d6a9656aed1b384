import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before, bytesOf, CopyRig, KEY, lying } from '../../../test/kit/copy-rig.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { around } from '../../platform/stores/layers/around.ts';

/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;

describe('a target that keeps less than the source has', () => {
  test('gets what it can keep, and the record says what it could not', async () => {
    for (const size of Object.values(ways)) {
      const rig = new CopyRig();
      Object.assign(rig.target.traits, {
        metadata: { names: 'identifier', contentHeaders: ['cache-control'] },
      });
      await rig.fill(bytesOf(size), {
        contentHeaders: { 'cache-control': 'no-store', 'expires': 'tomorrow' },
        userMetadata: { 'shot-on': 'film' },
      });
      const outcome = await rig.copy();
      assert.ok(outcome.kind === 'copied');
      assert.deepEqual(outcome.notes, [
        'expires was left out, the target keeps none',
        'metadata shot-on is called shot_on there',
      ]);
      const head = rig.target.objects.get(KEY)?.head;
      assert.deepEqual(head?.contentHeaders, { 'cache-control': 'no-store' });
      assert.deepEqual(head.userMetadata, { shot_on: 'film' });
    }
  });
});

describe('a source with more metadata than the target takes', () => {
  test('is refused with what can be done about it, and copied without them', async () => {
    const sizeOf = (name: string, value: string): number => name.length + value.length;
    const limits = { nameMax: 50, entryMax: 100, allMax: 100, sizeOf };
    for (const size of Object.values(ways)) {
      for (const metadataMigration of [true, false]) {
        const rig = new CopyRig({ policy: { metadataMigration } });
        Object.assign(rig.target.traits, { metadata: { ...rig.target.traits.metadata, limits } });
        await rig.fill(bytesOf(size), { userMetadata: { a: 'x'.repeat(50), b: 'x'.repeat(60) } });
        if (metadataMigration) {
          const message = /112 bytes, where 100 are the most of all; without \{metadata\}/;
          await assert.rejects(rig.copy(), { fault: 'refused', message });
        } else {
          assert.equal((await rig.copy()).kind, 'copied');
        }
        assert.ok(rig.clean);
      }
    }
  });
});

describe('a type beyond ASCII', () => {
  const contentType = 'text/plain; name="grün"';

  for (const [way, size] of Object.entries(ways)) {
    test(`is left out where the target keeps ASCII only, and that is said, ${way}`, async () => {
      for (const metadataMigration of [true, false]) {
        const rig = new CopyRig({ policy: { metadataMigration } });
        const { metadata } = rig.target.traits;
        const ascii = { metadata: { ...metadata, contentHeaderValues: 'ascii' } };
        await rig.fill(bytesOf(size), { contentType });
        assert.ok((await rig.copy()).kind === 'copied');
        assert.equal(rig.target.objects.get(KEY)?.head.contentType, contentType);
        Object.assign(rig.target.traits, ascii);
        const outcome = await rig.copy({ targetDoubtful: true });
        assert.ok(outcome.kind === 'copied');
        assert.deepEqual(outcome.notes, ['content-type was left out, the target keeps ASCII only']);
        assert.notEqual(rig.target.objects.get(KEY)?.head.contentType, contentType);
      }
    });
  }
});

describe('an archived source', () => {
  test('is asked to be restored where the task does so, and else fails', async () => {
    const rig = new CopyRig({ policy: { restoreDays: 3 } });
    await rig.fill(bytesOf(37), { tier: 'ARCHIVE' });
    const asked: number[] = [];
    rig.sourceSeen = around(rig.source, {
      call: (operation, _signal, run) => {
        asked.push(...(operation === 'restore' ? [1] : []));
        return run();
      },
      read: (_signal, run) => run(),
    });
    assert.deepEqual(await rig.copy(), { kind: 'restoring', checkAfterMs: 0 });
    assert.equal(asked.length, 1);
    assert.equal((await rig.copy()).kind, 'copied');
    const other = new CopyRig();
    await other.fill(bytesOf(37), { tier: 'ARCHIVE' });
    await assert.rejects(other.copy(), { fault: 'archived' });
  });

  test('that is archived at the target is no reason to restore', async () => {
    const rig = new CopyRig({ policy: { restoreDays: 3 } });
    await rig.fill(bytesOf(5));
    rig.targetSeen = faulty(rig.target, { put: { 1: 'archived' } }).store;
    await assert.rejects(rig.copy(), { fault: 'archived' });
  });
});

test('a copy that the target did not encrypt by its key service does not pass', async () => {
  const rig = new CopyRig({ policy: { kms: true } });
  await rig.fill(bytesOf(5));
  assert.equal((await rig.copy()).kind, 'copied');
  assert.equal(rig.target.objects.get(KEY)?.head.encryption, 'kms');
  rig.targetSeen = lying(rig.target, () => ({ encryption: 'store' }));
  const outcome = await rig.copy({ targetDoubtful: true });
  assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
  assert.match(outcome.message, /did not encrypt it by its key service/);
});

for (const [way, size] of Object.entries(ways)) {
  test(`a copy that the target keeps in another class than requested has a note, ${way}`, async () => {
    const rig = new CopyRig({ policy: { storagePolicy: 'IA' } });
    await rig.fill(bytesOf(size));
    const kept = await rig.copy();
    assert.ok(kept.kind === 'copied');
    assert.deepEqual(kept.notes, []);
    rig.targetSeen = lying(rig.target, () => ({ tier: 'STANDARD' }));
    const other = await rig.copy({ targetDoubtful: true });
    assert.ok(other.kind === 'copied');
    assert.deepEqual(other.notes, [
      'the target keeps it in the class STANDARD, where IA was requested',
    ]);
  });
}

test('a look at the target finds another class, too', async () => {
  const rig = new CopyRig({ policy: { storagePolicy: 'ARCHIVE' }, crc64: false });
  await rig.fill(bytesOf(20));
  rig.targetSeen = around(
    lying(rig.target, () => ({ md5: undefined })),
    {
      async call(operation, _signal, run) {
        const answer = await run();
        const standard = { storageClass: undefined, tier: undefined };
        return operation === 'head' ? Object.assign({}, answer, standard) : answer;
      },
      read: (_signal, run) => run(),
    },
  );
  const outcome = await rig.copy();
  assert.ok(outcome.kind === 'copied');
  assert.match(outcome.notes.join(), /in the class STANDARD, where ARCHIVE was requested/);
});

test('an object goes in one piece to no target that would not compare its MD5', async () => {
  const rig = new CopyRig({ crc64: false });
  Object.assign(rig.target.traits, { checksMd5: false });
  await rig.fill(bytesOf(20));
  let puts = 0;
  rig.targetSeen = before(rig.target, 'put', () => void (puts += 1));
  assert.equal((await rig.copy()).kind, 'copied');
  assert.equal(puts, 0);
});
