import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before, bytesOf, CopyRig, Crash, KEY, sizes, write } from '../../../test/kit/copy-rig.ts';
import { type Fault, faults, keepsParts } from '../../platform/model/fault.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { around } from '../../platform/stores/layers/around.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';

const SIZE = 37;
const PARTS = 5;
const oneByOne = { sizes: { ...sizes, partConcurrency: 1 } };

async function filledRig(): Promise<CopyRig> {
  const rig = new CopyRig();
  await rig.fill(bytesOf(SIZE));
  return rig;
}

describe('an upload whose parts may not be listed', () => {
  /** Three of the parts are recorded. */
  async function begun(): Promise<CopyRig> {
    const rig = await filledRig();
    rig.journal.crashBefore = { step: 'checked', call: 4 };
    await assert.rejects(rig.copy(oneByOne), Crash);
    return rig;
  }

  function unlisted(rig: CopyRig) {
    const listParts = { 1: 'denied', 2: 'denied' } as const;
    const { store, calls } = faulty(rig.target, { listParts });
    rig.targetSeen = store;
    return calls;
  }

  test('is continued with the parts that were recorded', async () => {
    const rig = await begun();
    const calls = unlisted(rig);
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), PARTS - 3);
    assert.deepEqual(rig.copied, bytesOf(SIZE));
    assert.ok(rig.clean);
  });

  test('and that has lost a part is not completed, and is begun again', async () => {
    const rig = await begun();
    const id = rig.journal.upload?.uploadId ?? '';
    rig.target.openUploads.get(id)?.parts.delete(2);
    unlisted(rig);
    await assert.rejects(rig.copy(oneByOne), { fault: 'corrupt' });
    assert.equal(rig.copied, undefined);
    assert.ok(rig.clean);
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.deepEqual(rig.copied, bytesOf(SIZE));
  });

  for (const all of [false, true]) {
    test(`and that is gone ${all ? 'with all its parts recorded' : 'in the middle'} is begun again`, async () => {
      const rig = await begun();
      if (all) {
        rig.targetSeen = faulty(rig.target, { complete: { 1: 'denied' } }).store;
        await assert.rejects(rig.copy(oneByOne), { fault: 'denied' });
      }
      rig.target.openUploads.clear();
      unlisted(rig);
      await assert.rejects(rig.copy(oneByOne), { fault: 'interrupted' });
      assert.equal((await rig.copy(oneByOne)).kind, 'copied');
      assert.deepEqual(rig.copied, bytesOf(SIZE));
      assert.ok(rig.clean);
    });
  }

  test('and whose completion failed is completed by the next attempt', async () => {
    const rig = await begun();
    const listParts = { 1: 'denied', 2: 'denied' } as const;
    const { store } = faulty(rig.target, { listParts, complete: { 1: 'unavailable' } });
    rig.targetSeen = store;
    await assert.rejects(rig.copy(oneByOne), { fault: 'unavailable' });
    const { store: later, calls } = faulty(rig.target, {});
    rig.targetSeen = later;
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), undefined);
    assert.ok(rig.clean);
  });
});

describe('a fault in the middle of a copy in parts', () => {
  const DONE = 3;
  const always = (from: number, fault: Fault) =>
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [from + index, fault]));

  async function failAt(rig: CopyRig, side: 'source' | 'target', fault: Fault) {
    // The first read of the source is of the whole.
    const read = always(DONE + 2, fault);
    if (side === 'source') rig.sourceSeen = faulty(rig.source, { read }).store;
    else rig.targetSeen = faulty(rig.target, { putPart: always(DONE + 1, fault) }).store;
    const error: unknown = await rig.copy(oneByOne).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (fault !== 'exists') assert.equal(error instanceof StoreError && error.fault, fault);
    rig.sourceSeen = rig.source;
  }

  for (const side of ['source', 'target'] as const) {
    for (const fault of faults) {
      if (side === 'target' && fault === 'not-found') continue; // The upload is gone: see above.
      const kept = keepsParts(fault);
      test(`("${fault}" of the ${side}) ${kept ? 'keeps what was written' : 'begins anew'}`, async () => {
        const rig = await filledRig();
        await failAt(rig, side, fault);
        assert.equal(rig.journal.upload?.parts.length, kept ? DONE : undefined);
        assert.equal(rig.target.openUploads.size, kept ? 1 : 0);
        const { store, calls } = faulty(rig.target, {});
        rig.targetSeen = store;
        assert.equal((await rig.copy(oneByOne)).kind, 'copied');
        assert.equal(calls.get('putPart'), kept ? PARTS - DONE : PARTS);
        assert.deepEqual(rig.copied, bytesOf(SIZE));
        assert.ok(rig.clean);
      });
    }
  }

  for (const fault of ['bad-credentials', 'changed'] as const) {
    const kept = keepsParts(fault);
    test(`("${fault}") ${kept ? 'lets the other parts in flight finish' : 'ends the other parts in flight'}`, async () => {
      const rig = await filledRig();
      const failed = Promise.withResolvers<undefined>();
      const { target } = rig;
      rig.targetSeen = around(target, {
        async call(operation, signal, run) {
          if (operation !== 'putPart') return await run();
          if ((parts += 1) === 2) {
            setImmediate(() => failed.resolve(undefined));
            throw new StoreError(fault, { store: target.name, operation });
          }
          await failed.promise;
          signal.throwIfAborted();
          return await run();
        },
        read: (_signal, run) => run(),
      });
      let parts = 0;
      await assert.rejects(rig.copy(), { fault });
      assert.equal(rig.journal.upload?.parts.length, kept ? 1 : undefined);
      assert.equal(parts, 2);
    });
  }

  for (const fault of ['changed', 'corrupt', 'not-found', 'unsupported'] as const) {
    test(`("${fault}") is the one reported when the abort fails too, and nothing is built on it`, async () => {
      const rig = await filledRig();
      rig.targetSeen = faulty(rig.target, { abort: { 1: 'denied' } }).store;
      await failAt(rig, 'source', fault);
      assert.match(String(rig.uploadsLeft), /abort .*denied/);
      assert.equal(rig.journal.upload?.abandoned, true);
      const { store, calls } = faulty(rig.target, {});
      rig.targetSeen = store;
      assert.equal((await rig.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.ok(rig.clean);
    });
  }

  for (const fault of ['denied', 'bad-credentials', 'full', 'refused'] as const) {
    test(`("${fault}" of the completion) keeps all parts`, async () => {
      const rig = await filledRig();
      rig.targetSeen = faulty(rig.target, { complete: { 1: fault } }).store;
      await assert.rejects(rig.copy(), { fault });
      const { store, calls } = faulty(rig.target, {});
      rig.targetSeen = store;
      assert.equal((await rig.copy()).kind, 'copied');
      assert.equal(calls.get('putPart'), undefined);
      assert.ok(rig.clean);
    });
  }
});

describe('the error that is reported', () => {
  test('of a failed completion is its own, not that of the look that follows', async () => {
    for (const look of ['listParts', 'head'] as const) {
      const rig = await filledRig();
      rig.targetSeen = faulty(rig.target, {
        complete: { 1: 'unavailable' },
        listParts: { 1: look === 'listParts' ? 'bad-credentials' : 'not-found' },
        head: { 2: 'bad-credentials' }, // The first is the look before the copy.
      }).store;
      await assert.rejects(rig.copy(), { fault: 'unavailable' });
      rig.targetSeen = rig.target;
      assert.equal((await rig.copy()).kind, 'copied', look);
    }
  });

  test('of an upload that was not opened is that of the target, not that of the journal', async () => {
    const rig = await filledRig();
    const failure = new Error('the database is away');
    rig.journal.ended = () => Promise.reject(failure);
    rig.targetSeen = faulty(rig.target, { startParts: { 1: 'denied' } }).store;
    await assert.rejects(rig.copy(), { fault: 'denied' });
    assert.deepEqual(rig.uploadsLeft, [failure]);
  });
});

test('an object found completed is copied, also when the rest cannot be aborted', async () => {
  const rig = await filledRig();
  const { store } = faulty(rig.target, { complete: { 1: 'exists' } }, { afterwards: true });
  rig.targetSeen = faulty(store, { abort: { 1: 'denied' } }).store;
  assert.equal((await rig.copy()).kind, 'copied');
  assert.match(String(rig.uploadsLeft), /abort .*denied/);
});

test('parts that are too large for the target are cut anew after the setting has changed', async () => {
  const rig = await filledRig();
  rig.targetSeen = faulty(rig.target, { putPart: { 1: 'refused' } }).store;
  await assert.rejects(rig.copy(oneByOne), { fault: 'refused' });
  const { store, calls } = faulty(rig.target, {});
  rig.targetSeen = store;
  const smaller = { sizes: { ...sizes, partBytes: 4 } };
  assert.equal((await rig.copy(smaller)).kind, 'copied');
  assert.equal(calls.get('putPart'), Math.ceil(SIZE / 4));
  assert.ok(rig.clean);
});

describe('an upload that is of no use any more and cannot be aborted', () => {
  async function begun(): Promise<CopyRig> {
    const rig = await filledRig();
    rig.targetSeen = faulty(rig.target, { putPart: { 3: 'full', 4: 'full' } }).store;
    await assert.rejects(rig.copy(oneByOne), { fault: 'full' });
    rig.targetSeen = faulty(rig.target, { abort: { 1: 'denied' } }).store;
    return rig;
  }

  function assertLeft(rig: CopyRig): void {
    assert.match(String(rig.uploadsLeft), /abort .*denied/);
    assert.equal(rig.journal.upload?.abandoned, true);
  }

  test('does not keep a target that is newer from being skipped', async () => {
    const rig = await begun();
    await write(rig.target, bytesOf(SIZE));
    assert.equal((await rig.copy()).kind, 'skipped');
    assertLeft(rig);
  });

  for (const size of [5, 20]) {
    test(`does not keep the source’s next version of ${size} bytes from being copied`, async () => {
      const rig = await begun();
      await rig.fill(bytesOf(size, 2));
      assert.equal((await rig.copy()).kind, 'copied');
      assert.deepEqual(rig.copied, bytesOf(size, 2));
      assertLeft(rig);
    });
  }
});

test('an upload is not continued when what is written beside the bytes has changed', async () => {
  const rig = await filledRig();
  rig.targetSeen = faulty(rig.target, { putPart: { 4: 'denied' } }).store;
  await assert.rejects(rig.copy(oneByOne), { fault: 'denied' });
  // The same bytes under the same ETag.
  await rig.fill(bytesOf(SIZE), { userMetadata: { reel: 'two' } });
  assert.equal(rig.source.objects.get(KEY)?.head.etag, rig.journal.upload?.sourceEtag);
  const { store, calls } = faulty(rig.target, {});
  rig.targetSeen = store;
  assert.equal((await rig.copy(oneByOne)).kind, 'copied');
  assert.equal(calls.get('putPart'), PARTS);
  assert.deepEqual(rig.target.objects.get(KEY)?.head.userMetadata, { reel: 'two' });
  assert.ok(rig.clean);
});

test('no more parts are in flight than may be', async () => {
  const rig = await filledRig();
  let inFlight = 0;
  let most = 0;
  const { target } = rig;
  rig.targetSeen = before(target, 'putPart', async () => {
    most = Math.max(most, (inFlight += 1));
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
  });
  await rig.copy();
  assert.equal(most, sizes.partConcurrency);
});

test('a part that was too slow ends the attempt at once, and the next attempt writes it', async () => {
  const rig = await filledRig();
  const slow = faulty(rig.target, { putPart: { 3: 'interrupted' } }, { details: { slow: true } });
  rig.targetSeen = slow.store;
  await assert.rejects(rig.copy(oneByOne), { fault: 'interrupted' });
  assert.equal(slow.calls.get('putPart'), 3);
  const { store, calls } = faulty(rig.target, {});
  rig.targetSeen = store;
  assert.equal((await rig.copy(oneByOne)).kind, 'copied');
  assert.equal(calls.get('putPart'), Math.ceil(SIZE / sizes.partBytes) - 2);
});
