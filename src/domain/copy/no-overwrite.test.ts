import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyPair,
  Crash,
  KEY,
  lying,
  write,
} from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { retrying } from '../../platform/stores/layers/retrying.ts';
import type { Store } from '../../platform/stores/store.ts';

const policy = { overwriteMode: 'NO_OVERWRITE' } as const;
/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;

async function filledPair(size: number, { crc64 = true } = {}): Promise<CopyPair> {
  const pair = new CopyPair({ policy, crc64 });
  await pair.fill(bytesOf(size));
  return pair;
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
    const pair = new CopyPair({ policy });
    await write(pair.target, bytesOf(3));
    const outcome = await pair.copy();
    assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size: 3 });
  });

  for (const [way, size] of Object.entries(ways)) {
    test(`leaves what appears while a copy is under way, ${way}`, async () => {
      const pair = new CopyPair({ policy });
      await pair.fill(bytesOf(size));
      pair.sourceSeen = before(pair.source, 'read', async (call) => {
        if (call === 1) await write(pair.target, bytesOf(3, 5));
      });
      const outcome = await pair.copy();
      assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size });
      assert.deepEqual(pair.copied, bytesOf(3, 5));
      assert.ok(pair.clean);
    });
  }

  test('replaces nothing after a copy of its own that did not pass', async () => {
    const pair = await filledPair(7);
    pair.targetSeen = lying(pair.target, () => ({ crc64: '1' }));
    const { store, calls } = faulty(pair.targetSeen, {});
    pair.targetSeen = store;
    const outcome = await pair.copy();
    // It is not skipped as another writer's object, and not copied again: by then it may be another's.
    assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
    assert.equal(calls.get('put'), 1);
  });

  for (const conditionalPut of [true, false]) {
    test(`leaves what appears while parts are sent, at a target that ${conditionalPut ? 'forgets the' : 'has no'} condition`, async () => {
      const pair = await filledPair(37);
      const store = careless(pair.target, { conditionalPut });
      pair.targetSeen = {
        ...store,
        startParts: async (...call) => {
          const upload = await store.startParts(...call);
          await write(pair.target, bytesOf(3, 5));
          return upload;
        },
      };
      const outcome = await pair.copy();
      assert.partialDeepStrictEqual(outcome, {
        kind: 'skipped',
        reason: 'target-exists',
        size: 37,
      });
      assert.deepEqual(pair.copied, bytesOf(3, 5));
      assert.ok(pair.clean);
    });
  }

  for (const [way, size] of Object.entries(ways)) {
    test(`looks once more before it publishes, at a target that has no condition, ${way}`, async () => {
      const pair = await filledPair(size);
      pair.targetSeen = careless(pair.target, { conditionalPut: false });
      pair.sourceSeen = before(pair.source, 'read', async (call) => {
        if (call === 1) await write(pair.target, bytesOf(3, 5));
      });
      assert.equal((await pair.copy()).kind, 'skipped');
      assert.deepEqual(pair.copied, bytesOf(3, 5));
      assert.ok(pair.clean);
    });

    test(`looks once more where versions would make the target forget the condition, ${way}`, async () => {
      const pair = await filledPair(size);
      const store = careless(pair.target, { conditionalPut: true });
      pair.targetSeen = { ...store, traits: { ...store.traits, conditionalPutVersioned: false } };
      pair.sourceSeen = before(pair.source, 'read', async (call) => {
        if (call === 1) await write(pair.target, bytesOf(3, 5));
      });
      assert.equal((await pair.copy()).kind, 'skipped');
      assert.deepEqual(pair.copied, bytesOf(3, 5));
    });
  }

  test('looks again before a put is sent again, at a target that has no condition', async () => {
    const pair = await filledPair(ways['held whole']);
    const { store } = faulty(careless(pair.target, { conditionalPut: false }), {
      put: { 1: 'throttled' },
    });
    pair.targetSeen = retrying(store, tries, new ManualClock());
    await assert.rejects(pair.copy(), { fault: 'throttled' });
    // Another writer was quicker than the next attempt.
    await write(pair.target, bytesOf(3, 5));
    assert.equal((await pair.copy()).kind, 'skipped');
    assert.deepEqual(pair.copied, bytesOf(3, 5));
  });

  test('looks only once at a target that keeps the condition of a put', async () => {
    const pair = await filledPair(ways['held whole']);
    const { store, calls } = faulty(pair.target, {});
    pair.targetSeen = store;
    assert.equal((await pair.copy()).kind, 'copied');
    assert.equal(calls.get('head'), 1);
  });
});

describe('under NO_OVERWRITE our own copy', () => {
  for (const size of Object.values(ways)) {
    test(`that may be damaged is recognized as missing, good or damaged, of ${size} bytes`, async () => {
      const pair = await filledPair(size);
      const doubtful = { targetDoubtful: true };
      assert.equal((await pair.copy(doubtful)).kind, 'copied');
      if (size <= ways['held whole']) assert.equal((await pair.copy(doubtful)).kind, 'copied');
      await write(pair.target, bytesOf(size, 9));
      const outcome = await pair.copy(doubtful);
      assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
      assert.deepEqual(pair.copied, bytesOf(size, 9));
    });
  }

  for (const [way, size] of Object.entries(ways)) {
    test(`whose answer was lost counts as copied, ${way}`, async () => {
      const pair = await filledPair(size);
      const lost = { 1: 'interrupted' } as const;
      const { store } = faulty(pair.target, { put: lost, complete: lost }, { afterwards: true });
      pair.targetSeen = retrying(store, tries, new ManualClock());
      const outcome = await pair.copyPatiently();
      assert.ok(outcome.kind === 'copied');
      assert.equal(outcome.check.method, 'crc64');
      assert.equal(outcome.sourceEtag, pair.source.objects.get(KEY)?.head.etag);
      assert.deepEqual(pair.copied, bytesOf(size));
      assert.ok(pair.clean);
    });

    test(`that could not be looked at counts as copied, ${way}`, async () => {
      const pair = await filledPair(size, { crc64: false });
      const silent = lying(pair.target, (_receipt, operation) =>
        operation === 'putPart' ? {} : { etag: '"?"', md5: undefined },
      );
      pair.targetSeen = faulty(silent, {
        head: { [way === 'in parts' ? 3 : 2]: 'unavailable' },
      }).store;
      await assert.rejects(pair.copy(), { fault: 'unavailable' });
      const outcome = await pair.copy({ writeSent: true });
      // Of parts that are joined nothing is known any more: it is left as it is.
      assert.equal(outcome.kind, way === 'in parts' ? 'skipped' : 'copied');
    });
  }

  test('that was completed just before a crash counts as copied, and nothing is sent again', async () => {
    for (const crc64 of [true, false]) {
      const pair = await filledPair(37, { crc64 });
      pair.journal.crashBefore = { step: 'ended', call: 1 };
      await assert.rejects(pair.copy(), Crash);
      const { store, calls } = faulty(pair.target, {});
      pair.targetSeen = store;
      const outcome = await pair.copy({ writeSent: true });
      assert.ok(outcome.kind === 'copied');
      assert.equal(outcome.check.method, crc64 ? 'crc64' : 'md5_of_parts');
      assert.equal(calls.get('putPart'), undefined);
      assert.ok(pair.clean);
    }
  });

  for (const [way, size] of Object.entries(ways)) {
    test(`is not confused with what another writer put there meanwhile, ${way}`, async () => {
      const pair = await filledPair(size);
      const parts = { 3: 'full', 4: 'full' } as const;
      pair.targetSeen = faulty(pair.target, { put: { 1: 'full' }, putPart: parts }).store;
      await assert.rejects(pair.copy(), { fault: 'full' });
      await write(pair.target, bytesOf(size, 5));
      const outcome = await pair.copy({ writeSent: true });
      assert.partialDeepStrictEqual(outcome, { kind: 'skipped', reason: 'target-exists', size });
      assert.deepEqual(pair.copied, bytesOf(size, 5));
      assert.ok(pair.clean);
    });
  }
});
