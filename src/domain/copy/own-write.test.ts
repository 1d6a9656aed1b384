import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, CopyPair, KEY, lying, write } from '../../../test/kit/copy-pair.ts';
import { type FaultScript, faulty } from '../../../test/kit/faulty-store.ts';
import { foundObject } from '../../platform/model/written.ts';

/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;
/** Those that look at the target; FULL_OVERWRITE writes again, which counts once too. */
const modes = [
  'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  'CRC64_COMPARISON_OVERWRITE',
  'NO_OVERWRITE',
] as const;

const lost = { 1: 'interrupted' } as const;
/** Neither the write has an answer, nor the look whether an upload is still open. */
const silent: FaultScript = { put: lost, complete: lost, listParts: lost };

for (const overwriteMode of modes) {
  describe(`${overwriteMode}: the copy of an attempt whose answer was lost`, () => {
    for (const [way, size] of Object.entries(ways)) {
      test(`counts as copied and is not written again, ${way}`, async () => {
        for (const crc64 of [true, false]) {
          const pair = new CopyPair({ policy: { overwriteMode }, crc64 });
          await pair.fill(bytesOf(size));
          const { store, calls } = faulty(pair.target, silent, { afterwards: true });
          pair.targetSeen = store;
          const outcome = await pair.copyPatiently();
          assert.ok(outcome.kind === 'copied');
          assert.equal(outcome.check.passed, true);
          assert.notEqual(outcome.proof, 'size');
          assert.equal(outcome.written.etag, pair.target.objects.get(KEY)?.head.etag);
          assert.equal(calls.get(way === 'in parts' ? 'complete' : 'put'), 1);
          assert.deepEqual(pair.copied, bytesOf(size));
          assert.ok(pair.clean);
        }
      });

      test(`is skipped where it is on record already, ${way}`, async () => {
        const pair = new CopyPair({ policy: { overwriteMode } });
        await pair.fill(bytesOf(size));
        assert.equal((await pair.copy()).kind, 'copied');
        const head = pair.target.objects.get(KEY)?.head ?? assert.fail();
        const recorded = foundObject(head);
        for (const sent of [{ writeSent: true }, { unsettled: true }]) {
          assert.equal((await pair.copy({ ...sent, recorded })).kind, 'skipped');
        }
      });

      test(`is not what is there where no write was sent, ${way}`, async () => {
        const pair = new CopyPair({ policy: { overwriteMode } });
        await pair.fill(bytesOf(size));
        await write(pair.target, bytesOf(size));
        assert.equal((await pair.copy()).kind, 'skipped');
      });
    }
  });
}

describe('the copy of an attempt that could not look at it', () => {
  for (const [way, size] of Object.entries(ways)) {
    test(`counts as copied, ${way}`, async () => {
      const pair = new CopyPair({ crc64: false });
      await pair.fill(bytesOf(size));
      const mute = lying(pair.target, (_receipt, operation) =>
        operation === 'putPart' ? {} : { etag: '"?"', md5: undefined },
      );
      const looks = { head: { 2: 'unavailable' } } as const;
      pair.targetSeen = faulty(mute, looks).store;
      const outcome = await pair.copyPatiently();
      // Nothing is known any more of parts that are joined.
      assert.equal(outcome.kind, way === 'in parts' ? 'skipped' : 'copied');
    });
  }
});

test('an older object of equal bytes does not count as a copy that never arrived', async () => {
  const pair = new CopyPair();
  await write(pair.target, bytesOf(20), { userMetadata: { reel: 'one' } });
  pair.clock.time += 10_000;
  await pair.fill(bytesOf(20), { userMetadata: { reel: 'two' } });
  const { store, calls } = faulty(pair.target, { put: lost });
  pair.targetSeen = store;
  assert.equal((await pair.copyPatiently()).kind, 'copied');
  assert.equal(calls.get('put'), 2);
  assert.deepEqual(pair.target.objects.get(KEY)?.head.userMetadata, { reel: 'two' });
});

test('an object that another writer has written since is replaced', async () => {
  const pair = new CopyPair();
  await pair.fill(bytesOf(20));
  pair.targetSeen = faulty(pair.target, { put: lost }, { afterwards: true }).store;
  await assert.rejects(pair.copy(), { fault: 'interrupted' });
  await write(pair.target, bytesOf(20, 5));
  assert.equal((await pair.copy({ writeSent: true })).kind, 'copied');
  assert.deepEqual(pair.copied, bytesOf(20));
});
