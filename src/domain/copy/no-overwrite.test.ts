import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before, bytesOf, CopyRig, Crash, KEY, lying, write } from '../../../test/kit/copy-rig.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { retrying } from '../../platform/stores/layers/retrying.ts';
import type { Store } from '../../platform/stores/store.ts';

const policy = { overwriteMode: 'NO_OVERWRITE' } as const;
/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;

async function filledRig(size: number, { crc64 = true } = {}): Promise<CopyRig> {
  const rig = new CopyRig({ policy, crc64 });
  await rig.fill(bytesOf(size));
  return rig;
}

const tries = { attempts: 5, delayMs: () => 1, delayMaxMs: 1, onRetry: () => undefined };

/** A target like some: it takes no condition, or takes it and does not keep it. */
function careless(store: Store, { conditionalPut }: { readonly conditionalPut: boolean }): Store {
  const traits = { ...store.traits, conditionalPut, conditionalPutVersioned: conditionalPut };
  return {
    ...before(store, 'put', () => undefined),
    traits,
    put: (key, body, options, signal) => {
      assert.ok(options.mode !== 'create' || conditionalPut);
      return store.put(key, body, { ...options, mode: 'overwrite' }, signal);
    },
    startParts: (key, options, signal) => {
      assert.ok(options.mode !== 'create' || conditionalPut);
      return store.startParts(key, { ...options, mode: 'overwrite' }, signal);
    },
  };
}

describe('NO_OVERWRITE', () => {
  test('does not read the source of what is there', async () => {
    const rig = new CopyRig({ policy });
    await write(rig.target, bytesOf(3));
    const outcome = await rig.copy();
    assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size: 3 });
  });

  for (const [way, size] of Object.entries(ways)) {
    test(`leaves what appears while a copy is under way, ${way}`, async () => {
      const rig = new CopyRig({ policy });
      await rig.fill(bytesOf(size));
      rig.sourceSeen = before(rig.source, 'read', async (call) => {
        if (call === 1) await write(rig.target, bytesOf(3, 5));
      });
      const outcome = await rig.copy();
      assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size });
      assert.deepEqual(rig.copied, bytesOf(3, 5));
      assert.ok(rig.clean);
    });
  }

  test('replaces nothing after a copy of its own that did not pass', async () => {
    const rig = await filledRig(7);
    rig.targetSeen = lying(rig.target, () => ({ crc64: '1' }));
    const { store, calls } = faulty(rig.targetSeen, {});
    rig.targetSeen = store;
    const outcome = await rig.copy();
    // It is neither taken for somebody else's, nor made again: by then it may be.
    assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
    assert.equal(calls.get('put'), 1);
  });

  for (const conditionalPut of [true, false]) {
    test(`leaves what appears while parts are sent, at a target that ${conditionalPut ? 'forgets the' : 'has no'} condition`, async () => {
      const rig = await filledRig(37);
      const store = careless(rig.target, { conditionalPut });
      rig.targetSeen = {
        ...store,
        startParts: async (...call) => {
          const upload = await store.startParts(...call);
          await write(rig.target, bytesOf(3, 5));
          return upload;
        },
      };
      const outcome = await rig.copy();
      assert.partialDeepStrictEqual(outcome, {
        kind: 'skipped',
        reason: 'target-exists',
        size: 37,
      });
      assert.deepEqual(rig.copied, bytesOf(3, 5));
      assert.ok(rig.clean);
    });
  }

  for (const [way, size] of Object.entries(ways)) {
    test(`looks once more before it publishes, at a target that has no condition, ${way}`, async () => {
      const rig = await filledRig(size);
      rig.targetSeen = careless(rig.target, { conditionalPut: false });
      rig.sourceSeen = before(rig.source, 'read', async (call) => {
        if (call === 1) await write(rig.target, bytesOf(3, 5));
      });
      assert.equal((await rig.copy()).kind, 'skipped');
      assert.deepEqual(rig.copied, bytesOf(3, 5));
      assert.ok(rig.clean);
    });

    test(`looks once more where versions would make the target forget the condition, ${way}`, async () => {
      const rig = await filledRig(size);
      const store = careless(rig.target, { conditionalPut: true });
      rig.targetSeen = { ...store, traits: { ...store.traits, conditionalPutVersioned: false } };
      rig.sourceSeen = before(rig.source, 'read', async (call) => {
        if (call === 1) await write(rig.target, bytesOf(3, 5));
      });
      assert.equal((await rig.copy()).kind, 'skipped');
      assert.deepEqual(rig.copied, bytesOf(3, 5));
    });
  }

  test('looks again before a put is sent again, at a target that has no condition', async () => {
    const rig = await filledRig(ways['held whole']);
    const { store } = faulty(careless(rig.target, { conditionalPut: false }), {
      put: { 1: 'throttled' },
    });
    rig.targetSeen = retrying(store, tries, new ManualClock());
    await assert.rejects(rig.copy(), { fault: 'throttled' });
    // Somebody else was quicker than the next attempt.
    await write(rig.target, bytesOf(3, 5));
    assert.equal((await rig.copy()).kind, 'skipped');
    assert.deepEqual(rig.copied, bytesOf(3, 5));
  });

  test('looks but once at a target that keeps the condition of a put', async () => {
    const rig = await filledRig(ways['held whole']);
    const { store, calls } = faulty(rig.target, {});
    rig.targetSeen = store;
    assert.equal((await rig.copy()).kind, 'copied');
    assert.equal(calls.get('head'), 1);
  });
});

describe('under NO_OVERWRITE a copy of ours', () => {
  for (const size of Object.values(ways)) {
    test(`that may have gone wrong is told apart: gone, good or not, of ${size} bytes`, async () => {
      const rig = await filledRig(size);
      const doubtful = { targetDoubtful: true };
      assert.equal((await rig.copy(doubtful)).kind, 'copied');
      if (size <= ways['held whole']) assert.equal((await rig.copy(doubtful)).kind, 'copied');
      await write(rig.target, bytesOf(size, 9));
      const outcome = await rig.copy(doubtful);
      assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
      assert.deepEqual(rig.copied, bytesOf(size, 9));
    });
  }

  for (const [way, size] of Object.entries(ways)) {
    test(`whose answer was lost counts as copied, ${way}`, async () => {
      const rig = await filledRig(size);
      const lost = { 1: 'interrupted' } as const;
      const { store } = faulty(rig.target, { put: lost, complete: lost }, { afterwards: true });
      rig.targetSeen = retrying(store, tries, new ManualClock());
      const outcome = await rig.copyPatiently();
      assert.ok(outcome.kind === 'copied');
      assert.equal(outcome.check.method, 'crc64');
      assert.equal(outcome.sourceEtag, rig.source.objects.get(KEY)?.head.etag);
      assert.deepEqual(rig.copied, bytesOf(size));
      assert.ok(rig.clean);
    });

    test(`that could not be looked at counts as copied, ${way}`, async () => {
      const rig = await filledRig(size, { crc64: false });
      const silent = lying(rig.target, (_receipt, operation) =>
        operation === 'putPart' ? {} : { etag: '"?"', md5: undefined },
      );
      rig.targetSeen = faulty(silent, {
        head: { [way === 'in parts' ? 3 : 2]: 'unavailable' },
      }).store;
      await assert.rejects(rig.copy(), { fault: 'unavailable' });
      const outcome = await rig.copy({ writeSent: true });
      // Of parts that are joined nothing is known any more: it is left as it is.
      assert.equal(outcome.kind, way === 'in parts' ? 'skipped' : 'copied');
    });
  }

  test('that was completed just before a crash counts as copied, and nothing is sent again', async () => {
    for (const crc64 of [true, false]) {
      const rig = await filledRig(37, { crc64 });
      rig.journal.crashBefore = { step: 'ended', call: 1 };
      await assert.rejects(rig.copy(), Crash);
      const { store, calls } = faulty(rig.target, {});
      rig.targetSeen = store;
      const outcome = await rig.copy({ writeSent: true });
      assert.ok(outcome.kind === 'copied');
      assert.equal(outcome.check.method, crc64 ? 'crc64' : 'md5_of_parts');
      assert.equal(calls.get('putPart'), undefined);
      assert.ok(rig.clean);
    }
  });

  for (const [way, size] of Object.entries(ways)) {
    test(`is not what somebody else put there meanwhile, ${way}`, async () => {
      const rig = await filledRig(size);
      const parts = { 3: 'full', 4: 'full' } as const;
      rig.targetSeen = faulty(rig.target, { put: { 1: 'full' }, putPart: parts }).store;
      await assert.rejects(rig.copy(), { fault: 'full' });
      await write(rig.target, bytesOf(size, 5));
      const outcome = await rig.copy({ writeSent: true });
      assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size });
      assert.deepEqual(rig.copied, bytesOf(size, 5));
      assert.ok(rig.clean);
    });
  }
});
