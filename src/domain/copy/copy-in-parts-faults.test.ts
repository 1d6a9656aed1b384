import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyPair,
  Crash,
  KEY,
  sizes,
  write,
} from '../../../test/kit/copy-pair.ts';
import { type Fault, faults, keepsParts } from '../../platform/model/fault.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { around } from '../../platform/stores/layers/around.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';

const SIZE = 37;
const PARTS = 5;
const oneByOne = { sizes: { ...sizes, partConcurrency: 1 } };

async function filledPair(): Promise<CopyPair> {
  const pair = new CopyPair();
  await pair.fill(bytesOf(SIZE));
  return pair;
}

describe('an upload whose parts may not be listed', () => {
  /** Three of the parts are recorded. */
  async function begun(): Promise<CopyPair> {
    const pair = await filledPair();
    pair.journal.crashBefore = { step: 'checked', call: 4 };
    await assert.rejects(pair.copy(oneByOne), Crash);
    return pair;
  }

  function unlisted(pair: CopyPair) {
    const listParts = { 1: 'denied', 2: 'denied' } as const;
    const { store, calls } = faulty(pair.target, { listParts });
    pair.targetSeen = store;
    return calls;
  }

  test('is continued with the parts that were recorded', async () => {
    const pair = await begun();
    const calls = unlisted(pair);
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), PARTS - 3);
    assert.deepEqual(pair.copied, bytesOf(SIZE));
    assert.ok(pair.clean);
  });

  test('and that has lost a part is not completed, and is begun again', async () => {
    const pair = await begun();
    const id = pair.journal.upload?.uploadId ?? '';
    pair.target.openUploads.get(id)?.parts.delete(2);
    unlisted(pair);
    await assert.rejects(pair.copy(oneByOne), { fault: 'corrupt' });
    assert.equal(pair.copied, undefined);
    assert.ok(pair.clean);
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.deepEqual(pair.copied, bytesOf(SIZE));
  });

  for (const all of [false, true]) {
    test(`and that is gone ${all ? 'with all its parts recorded' : 'in the middle'} is begun again`, async () => {
      const pair = await begun();
      if (all) {
        pair.targetSeen = faulty(pair.target, { complete: { 1: 'denied' } }).store;
        await assert.rejects(pair.copy(oneByOne), { fault: 'denied' });
      }
      pair.target.openUploads.clear();
      unlisted(pair);
      await assert.rejects(pair.copy(oneByOne), { fault: 'interrupted' });
      assert.equal((await pair.copy(oneByOne)).kind, 'copied');
      assert.deepEqual(pair.copied, bytesOf(SIZE));
      assert.ok(pair.clean);
    });
  }

  test('and whose completion failed is completed by the next attempt', async () => {
    const pair = await begun();
    const listParts = { 1: 'denied', 2: 'denied' } as const;
    const { store } = faulty(pair.target, { listParts, complete: { 1: 'unavailable' } });
    pair.targetSeen = store;
    await assert.rejects(pair.copy(oneByOne), { fault: 'unavailable' });
    const { store: later, calls } = faulty(pair.target, {});
    pair.targetSeen = later;
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), undefined);
    assert.ok(pair.clean);
  });
});

describe('a fault in the middle of a copy in parts', () => {
  const DONE = 3;
  const always = (from: number, fault: Fault) =>
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [from + index, fault]));

  async function failAt(pair: CopyPair, side: 'source' | 'target', fault: Fault) {
    // The first read of the source is of the whole.
    const read = always(DONE + 2, fault);
    if (side === 'source') pair.sourceSeen = faulty(pair.source, { read }).store;
    else pair.targetSeen = faulty(pair.target, { putPart: always(DONE + 1, fault) }).store;
    const error: unknown = await pair.copy(oneByOne).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (fault !== 'exists') assert.equal(error instanceof StoreError && error.fault, fault);
    pair.sourceSeen = pair.source;
  }

  for (const side of ['source', 'target'] as const) {
    for (const fault of faults) {
      if (side === 'target' && fault === 'not-found') continue; // The upload is gone: see above.
      const kept = keepsParts(fault);
      test(`("${fault}" of the ${side}) ${kept ? 'keeps what was written' : 'starts over'}`, async () => {
        const pair = await filledPair();
        await failAt(pair, side, fault);
        assert.equal(pair.journal.upload?.parts.length, kept ? DONE : undefined);
        assert.equal(pair.target.openUploads.size, kept ? 1 : 0);
        const { store, calls } = faulty(pair.target, {});
        pair.targetSeen = store;
        assert.equal((await pair.copy(oneByOne)).kind, 'copied');
        assert.equal(calls.get('putPart'), kept ? PARTS - DONE : PARTS);
        assert.deepEqual(pair.copied, bytesOf(SIZE));
        assert.ok(pair.clean);
      });
    }
  }

  for (const fault of ['bad-credentials', 'changed'] as const) {
    const kept = keepsParts(fault);
    test(`("${fault}") ${kept ? 'lets the other parts in flight finish' : 'ends the other parts in flight'}`, async () => {
      const pair = await filledPair();
      const failed = Promise.withResolvers<undefined>();
      const { target } = pair;
      pair.targetSeen = around(target, {
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
      await assert.rejects(pair.copy(), { fault });
      assert.equal(pair.journal.upload?.parts.length, kept ? 1 : undefined);
      assert.equal(parts, 2);
    });
  }

  for (const fault of ['changed', 'corrupt', 'not-found', 'unsupported'] as const) {
    test(`("${fault}") is the one reported when the abort fails too, and nothing is built on it`, async () => {
      const pair = await filledPair();
      pair.targetSeen = faulty(pair.target, { abort: { 1: 'denied' } }).store;
      await failAt(pair, 'source', fault);
      assert.match(String(pair.uploadsLeft), /abort .*denied/);
      assert.equal(pair.journal.upload?.abandoned, true);
      const { store, calls } = faulty(pair.target, {});
      pair.targetSeen = store;
      assert.equal((await pair.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.ok(pair.clean);
    });
  }

  for (const fault of ['denied', 'bad-credentials', 'full', 'refused'] as const) {
    test(`("${fault}" of the completion) keeps all parts`, async () => {
      const pair = await filledPair();
      pair.targetSeen = faulty(pair.target, { complete: { 1: fault } }).store;
      await assert.rejects(pair.copy(), { fault });
      const { store, calls } = faulty(pair.target, {});
      pair.targetSeen = store;
      assert.equal((await pair.copy()).kind, 'copied');
      assert.equal(calls.get('putPart'), undefined);
      assert.ok(pair.clean);
    });
  }
});

describe('the error that is reported', () => {
  test('of a failed completion is its own, not that of the look that follows', async () => {
    for (const look of ['listParts', 'head'] as const) {
      const pair = await filledPair();
      pair.targetSeen = faulty(pair.target, {
        complete: { 1: 'unavailable' },
        listParts: { 1: look === 'listParts' ? 'bad-credentials' : 'not-found' },
        head: { 2: 'bad-credentials' }, // The first is the look before the copy.
      }).store;
      await assert.rejects(pair.copy(), { fault: 'unavailable' });
      pair.targetSeen = pair.target;
      assert.equal((await pair.copy()).kind, 'copied', look);
    }
  });

  test('of an upload that was not opened is that of the target, not that of the journal', async () => {
    const pair = await filledPair();
    const failure = new Error('the database is away');
    pair.journal.ended = () => Promise.reject(failure);
    pair.targetSeen = faulty(pair.target, { startParts: { 1: 'denied' } }).store;
    await assert.rejects(pair.copy(), { fault: 'denied' });
    assert.deepEqual(pair.uploadsLeft, [failure]);
  });
});

test('an object found completed is copied, also when the rest cannot be aborted', async () => {
  const pair = await filledPair();
  const { store } = faulty(pair.target, { complete: { 1: 'exists' } }, { afterwards: true });
  pair.targetSeen = faulty(store, { abort: { 1: 'denied' } }).store;
  assert.equal((await pair.copy()).kind, 'copied');
  assert.match(String(pair.uploadsLeft), /abort .*denied/);
});

test('parts that are too large for the target are cut again after the setting has changed', async () => {
  const pair = await filledPair();
  pair.targetSeen = faulty(pair.target, { putPart: { 1: 'refused' } }).store;
  await assert.rejects(pair.copy(oneByOne), { fault: 'refused' });
  const { store, calls } = faulty(pair.target, {});
  pair.targetSeen = store;
  const smaller = { sizes: { ...sizes, partBytes: 4 } };
  assert.equal((await pair.copy(smaller)).kind, 'copied');
  assert.equal(calls.get('putPart'), Math.ceil(SIZE / 4));
  assert.ok(pair.clean);
});

describe('an upload that is of no use any more and cannot be aborted', () => {
  async function begun(): Promise<CopyPair> {
    const pair = await filledPair();
    pair.targetSeen = faulty(pair.target, { putPart: { 3: 'full', 4: 'full' } }).store;
    await assert.rejects(pair.copy(oneByOne), { fault: 'full' });
    pair.targetSeen = faulty(pair.target, { abort: { 1: 'denied' } }).store;
    return pair;
  }

  function assertLeft(pair: CopyPair): void {
    assert.match(String(pair.uploadsLeft), /abort .*denied/);
    assert.equal(pair.journal.upload?.abandoned, true);
  }

  test('does not prevent a newer target from being skipped', async () => {
    const pair = await begun();
    await write(pair.target, bytesOf(SIZE));
    assert.equal((await pair.copy()).kind, 'skipped');
    assertLeft(pair);
  });

  for (const size of [5, 20]) {
    test(`does not keep the source’s next version of ${size} bytes from being copied`, async () => {
      const pair = await begun();
      await pair.fill(bytesOf(size, 2));
      assert.equal((await pair.copy()).kind, 'copied');
      assert.deepEqual(pair.copied, bytesOf(size, 2));
      assertLeft(pair);
    });
  }
});

test('an upload is not continued when what is written beside the bytes has changed', async () => {
  const pair = await filledPair();
  pair.targetSeen = faulty(pair.target, { putPart: { 4: 'denied' } }).store;
  await assert.rejects(pair.copy(oneByOne), { fault: 'denied' });
  // The same bytes under the same ETag.
  await pair.fill(bytesOf(SIZE), { userMetadata: { reel: 'two' } });
  assert.equal(pair.source.objects.get(KEY)?.head.etag, pair.journal.upload?.sourceEtag);
  const { store, calls } = faulty(pair.target, {});
  pair.targetSeen = store;
  assert.equal((await pair.copy(oneByOne)).kind, 'copied');
  assert.equal(calls.get('putPart'), PARTS);
  assert.deepEqual(pair.target.objects.get(KEY)?.head.userMetadata, { reel: 'two' });
  assert.ok(pair.clean);
});

test('the number of parts in flight is limited', async () => {
  const pair = await filledPair();
  let inFlight = 0;
  let most = 0;
  const { target } = pair;
  pair.targetSeen = before(target, 'putPart', async () => {
    most = Math.max(most, (inFlight += 1));
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
  });
  await pair.copy();
  assert.equal(most, sizes.partConcurrency);
});

test('a part that was too slow ends the attempt at once, and the next attempt writes it', async () => {
  const pair = await filledPair();
  const slow = faulty(pair.target, { putPart: { 3: 'interrupted' } }, { details: { slow: true } });
  pair.targetSeen = slow.store;
  await assert.rejects(pair.copy(oneByOne), { fault: 'interrupted' });
  assert.equal(slow.calls.get('putPart'), 3);
  const { store, calls } = faulty(pair.target, {});
  pair.targetSeen = store;
  assert.equal((await pair.copy(oneByOne)).kind, 'copied');
  assert.equal(calls.get('putPart'), Math.ceil(SIZE / sizes.partBytes) - 2);
});
