import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyPair,
  KEY,
  lying,
  sizes,
  write,
} from '../../../test/kit/copy-pair.ts';
import { type FaultScript, faulty } from '../../../test/kit/faulty-store.ts';
import type { Fault } from '../../platform/model/fault.ts';
import { ObjectTooLarge } from '../../platform/model/part-plan.ts';
import type { Operation } from '../../platform/stores/store.ts';

/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;
const NO_CHANGE = 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE';

describe('a copy', () => {
  for (const size of [0, 1, 7, 8, 9, 16, 32, 33, 40, 100]) {
    for (const crc64 of [true, false]) {
      for (const inParts of [false, true]) {
        const how = `${crc64 ? 'with' : 'without'} CRC-64, ${inParts ? 'without' : 'with'} MD5`;
        test(`of ${size} bytes arrives whole and proven, ${how}`, async () => {
          const pair = new CopyPair({ crc64 });
          const bytes = bytesOf(size);
          await pair.fill(bytes, { inParts });
          const outcome = await pair.copy();
          assert.equal(outcome.kind, 'copied', JSON.stringify(outcome));
          const parts = size > sizes.putBytes || (inParts && size > sizes.bufferBytes);
          const md5 = parts ? 'md5_of_parts' : 'md5';
          assert.equal(outcome.check.method, crc64 ? 'crc64' : md5);
          assert.equal(outcome.size, size);
          assert.equal(outcome.sourceEtag, pair.source.objects.get(KEY)?.head.etag);
          assert.deepEqual(pair.copied, bytes);
          assert.ok(pair.clean);
        });
      }
    }
  }

  test('of an object larger than the target can hold is an ObjectTooLarge', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(100));
    const small = { ...pair.target.traits, partSizeMax: 9, partCountMax: 11 };
    pair.targetSeen = { ...before(pair.target, 'put', () => undefined), traits: small };
    await assert.rejects(pair.copy(), ObjectTooLarge);
    assert.ok(pair.clean);
  });

  test('takes its parts from the limits of the target', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(100));
    const { store, calls } = faulty(pair.target, {});
    pair.targetSeen = { ...store, traits: { ...pair.target.traits, partSizeMin: 50 } };
    assert.equal((await pair.copy()).kind, 'copied');
    assert.equal(calls.get('putPart'), 2);
  });
});

describe('a fault that may pass', () => {
  const scripts: [side: 'source' | 'target', operation: Operation, size: number][] = [
    ['source', 'read', ways['held whole']],
    ['source', 'read', ways.streamed],
    ['source', 'read', ways['in parts']],
    ['target', 'head', ways['in parts']],
    ['target', 'put', ways['held whole']],
    ['target', 'put', ways.streamed],
    ['target', 'startParts', ways['in parts']],
    ['target', 'putPart', ways['in parts']],
    ['target', 'complete', ways['in parts']],
  ];
  for (const [side, operation, size] of scripts) {
    for (const fault of [
      'throttled',
      'unavailable',
      'interrupted',
      'corrupt',
      'bad-reply',
    ] as const) {
      for (const afterwards of side === 'target' ? [false, true] : [false]) {
        const done = afterwards ? ' after the deed' : '';
        test(`"${fault}"${done} at any ${operation} of the ${side} is survived (${size} bytes)`, async () => {
          const calls = operation === 'putPart' || operation === 'read' ? 6 : 2;
          for (let nth = 1; nth <= calls; nth++) {
            const pair = new CopyPair();
            const bytes = bytesOf(size);
            await pair.fill(bytes);
            const script: FaultScript = { [operation]: { [nth]: fault } };
            if (side === 'source') pair.sourceSeen = faulty(pair.source, script).store;
            else pair.targetSeen = faulty(pair.target, script, { afterwards }).store;
            const outcome = await pair.copyPatiently();
            assert.notEqual(outcome.kind, 'failed', `at call ${nth}`);
            assert.deepEqual(pair.copied, bytes, `at call ${nth}`);
            assert.ok(pair.clean, `at call ${nth}`);
          }
        });
      }
    }
  }

  for (const [way, size] of Object.entries(ways)) {
    test(`a body that breaks off after any byte is survived, ${way}`, async () => {
      for (let cutAfter = 0; cutAfter < size; cutAfter++) {
        const pair = new CopyPair();
        await pair.fill(bytesOf(size));
        pair.sourceSeen = faulty(pair.source, { read: { 1: { cutAfter }, 3: { cutAfter } } }).store;
        await pair.copyPatiently();
        assert.deepEqual(pair.copied, bytesOf(size));
        assert.ok(pair.clean);
      }
    });
  }
});

describe('a copy that must fail', () => {
  const scripts: [side: 'source' | 'target', operation: Operation, size: number, calls: number][] =
    [
      ['source', 'read', ways['held whole'], 1],
      ['source', 'read', ways['in parts'], 6],
      ['target', 'put', ways['held whole'], 1],
      ['target', 'put', ways.streamed, 1],
      ['target', 'startParts', ways['in parts'], 1],
      ['target', 'putPart', ways['in parts'], 5],
      ['target', 'complete', ways['in parts'], 1],
    ];
  for (const [side, operation, size, calls] of scripts) {
    for (const fault of ['denied', 'refused', 'no-bucket'] as const satisfies Fault[]) {
      test(`"${fault}" at any ${operation} of the ${side} leaves the old object, and the next attempt succeeds (${size} bytes)`, async () => {
        for (let nth = 1; nth <= calls; nth++) {
          const pair = new CopyPair({ policy: { overwriteMode: 'FULL_OVERWRITE' } });
          const old = bytesOf(3, 9);
          await write(pair.target, old);
          await pair.fill(bytesOf(size));
          const script: FaultScript = { [operation]: { [nth]: fault } };
          if (side === 'source') pair.sourceSeen = faulty(pair.source, script).store;
          else pair.targetSeen = faulty(pair.target, script).store;
          await assert.rejects(pair.copy(), { name: 'StoreError', fault });
          assert.deepEqual(pair.copied, old);
          pair.sourceSeen = pair.source;
          pair.targetSeen = pair.target;
          assert.equal((await pair.copy()).kind, 'copied', `at call ${nth}`);
          assert.deepEqual(pair.copied, bytesOf(size));
          assert.ok(pair.clean, `at call ${nth}`);
        }
      });
    }
  }

  test('a source that is gone aborts the upload that an earlier attempt left', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(37));
    pair.targetSeen = faulty(pair.target, { putPart: { 3: 'full', 4: 'full' } }).store;
    await assert.rejects(pair.copy(), { fault: 'full' });
    assert.equal(pair.clean, false);
    pair.source.objects.clear();
    await assert.rejects(pair.copy(), { fault: 'not-found' });
    assert.ok(pair.clean);
  });
});

describe('a source that changes', () => {
  for (let nth = 2; nth <= 6; nth++) {
    test(`before read ${nth} of a copy in parts ends it, and the new one is copied whole`, async () => {
      const pair = new CopyPair();
      await pair.fill(bytesOf(37));
      pair.sourceSeen = before(pair.source, 'read', async (call) => {
        if (call === nth) await write(pair.source, bytesOf(37, 2));
      });
      await assert.rejects(pair.copy(), { fault: 'changed' });
      assert.equal(pair.copied, undefined);
      assert.ok(pair.clean);
      pair.clock.time += 5_000;
      assert.equal((await pair.copy()).kind, 'copied');
      assert.deepEqual(pair.copied, bytesOf(37, 2));
    });
  }

  test('between two attempts is not mixed with the parts of the first', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(37));
    pair.targetSeen = faulty(pair.target, { putPart: { 4: 'full', 5: 'full' } }).store;
    await assert.rejects(pair.copy(), { fault: 'full' });
    await pair.fill(bytesOf(37, 2));
    pair.targetSeen = pair.target;
    assert.equal((await pair.copy()).kind, 'copied');
    assert.deepEqual(pair.copied, bytesOf(37, 2));
    assert.ok(pair.clean);
  });

  test('is copied though size and time say nothing, when another ETag was copied last', async () => {
    const pair = new CopyPair({ crc64: false });
    await pair.fill(bytesOf(5), { inParts: true });
    await write(pair.target, bytesOf(5, 2), { inParts: true });
    const etag = pair.source.objects.get(KEY)?.head.etag;
    assert.equal((await pair.copy({ copiedEtag: etag })).kind, 'skipped');
    assert.equal((await pair.copy({ copiedEtag: '"another"' })).kind, 'copied');
    assert.deepEqual(pair.copied, bytesOf(5));
  });
});

describe('a check that does not pass', () => {
  for (const [way, size] of Object.entries(ways)) {
    test(`is made again at once, ${way}`, async () => {
      const pair = new CopyPair();
      await pair.fill(bytesOf(size));
      let lies = 2;
      pair.targetSeen = lying(pair.target, (_receipt, operation) =>
        operation !== 'putPart' && lies-- > 0 ? { crc64: '1' } : {},
      );
      assert.equal((await pair.copy()).kind, 'copied');
      assert.deepEqual(pair.copied, bytesOf(size));
    });

    test(`three times is the end, ${way}`, async () => {
      const pair = new CopyPair();
      await pair.fill(bytesOf(size));
      pair.targetSeen = lying(pair.target, (_receipt, operation) =>
        operation === 'putPart' ? {} : { crc64: '1' },
      );
      const { store, calls } = faulty(pair.targetSeen, {});
      pair.targetSeen = store;
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
      assert.match(outcome.message, /3 times.*the target 1/);
      assert.equal((calls.get('put') ?? 0) + (calls.get('complete') ?? 0), 3);
      assert.ok(pair.clean);
    });
  }

  test('is that of a copy which the target no longer has, and never the source’s fault', async () => {
    const pair = new CopyPair({ crc64: false });
    await pair.fill(bytesOf(7), { inParts: true });
    let takesAway = 3;
    pair.targetSeen = before(
      lying(pair.target, () => ({ md5: undefined })),
      'head',
      (call) => {
        if (call > 1 && takesAway-- > 0) pair.target.objects.delete(KEY);
      },
    );
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
    assert.match(outcome.message, /3 times: the target does not have it, or no longer/);
    takesAway = 1;
    assert.equal((await pair.copy()).kind, 'copied');
  });

  test('a part that arrives with another checksum is sent again', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(37));
    let lies = 1;
    const honest = faulty(pair.target, {});
    pair.targetSeen = lying(honest.store, (_receipt, operation) =>
      operation === 'putPart' && lies-- > 0 ? { md5: '0'.repeat(32) } : {},
    );
    assert.equal((await pair.copy()).kind, 'copied');
    assert.deepEqual(pair.copied, bytesOf(37));
    assert.equal(honest.calls.get('putPart'), 5 + 1);
  });

  test('without checksums the target is looked at, and its size and time decide', async () => {
    const pair = new CopyPair({ crc64: false });
    await pair.fill(bytesOf(7), { inParts: true });
    pair.targetSeen = {
      ...lying(pair.target, () => ({ md5: undefined })),
      head: async (...call) => ({ ...(await pair.target.head(...call)), md5: undefined }),
    };
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.equal(outcome.check.method, 'size_last_modified');
  });

  test('no_check does not look at the target', async () => {
    const pair = new CopyPair({
      crc64: false,
      policy: { consistencyCheck: 'no_check', overwriteMode: 'FULL_OVERWRITE' },
    });
    await pair.fill(bytesOf(7), { inParts: true });
    const { store, calls } = faulty(
      lying(pair.target, () => ({ md5: undefined })),
      {},
    );
    pair.targetSeen = store;
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.equal(outcome.check.method, 'size');
    assert.equal(calls.get('head'), undefined);
  });
});

describe('what travels beside the bytes', () => {
  const beside = {
    contentType: 'text/plain',
    contentHeaders: { 'cache-control': 'no-store', 'expires': 'tomorrow' },
    userMetadata: { author: 'somebody' },
    tier: 'IA' as const,
  };

  for (const [way, size] of Object.entries(ways)) {
    for (const metadataMigration of [true, false]) {
      test(`${metadataMigration ? 'is all' : 'is the type only'} where the task says so, ${way}`, async () => {
        const pair = new CopyPair({ policy: { metadataMigration } });
        await pair.fill(bytesOf(size), beside);
        await pair.copy();
        const head = pair.target.objects.get(KEY)?.head;
        assert.equal(head?.contentType, 'text/plain');
        assert.deepEqual(head.contentHeaders, metadataMigration ? beside.contentHeaders : {});
        assert.deepEqual(head.userMetadata, metadataMigration ? beside.userMetadata : {});
        assert.equal(head.tier, undefined);
      });
    }

    test(`the class is looked up where reads do not return it, ${way}`, async () => {
      const pair = new CopyPair({
        policy: { storagePolicy: 'SRC_STORAGE_MAPPING' },
        readTellsClass: false,
      });
      await pair.fill(bytesOf(size), beside);
      await pair.copy();
      assert.equal(pair.target.objects.get(KEY)?.head.tier, 'IA');
    });

    for (const [storagePolicy, expected] of [
      [undefined, undefined],
      ['ARCHIVE', 'ARCHIVE'],
      ['SRC_STORAGE_MAPPING', 'IA'],
    ] as const) {
      test(`the class is as the policy ${storagePolicy ?? '(none)'} says, ${way}`, async () => {
        const pair = new CopyPair({ policy: { storagePolicy } });
        await pair.fill(bytesOf(size), beside);
        await pair.copy();
        assert.equal(pair.target.objects.get(KEY)?.head.tier, expected);
      });
    }
  }
});

test('what is up to date is skipped, and an upload that was left is aborted', async () => {
  const pair = new CopyPair({ policy: { overwriteMode: NO_CHANGE } });
  await pair.fill(bytesOf(37));
  pair.targetSeen = faulty(pair.target, { putPart: { 4: 'full', 5: 'full' } }).store;
  await assert.rejects(pair.copy(), { fault: 'full' });
  await write(pair.target, bytesOf(37));
  const outcome = await pair.copy();
  const expected = { kind: 'skipped', reason: 'target-up-to-date', size: 37 };
  assert.partialDeepStrictEqual(outcome, expected);
  assert.ok(pair.clean);
});
