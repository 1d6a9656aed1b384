import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyPair,
  Crash,
  type JournalStep,
  KEY,
  sizes,
  write,
} from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import type { JournaledUpload } from './transfer.ts';

const SIZE = 37;
const PARTS = 5;
const signal = new AbortController().signal;
const oneByOne = { sizes: { ...sizes, partConcurrency: 1 } };

async function filledPair(): Promise<CopyPair> {
  const pair = new CopyPair();
  await pair.fill(bytesOf(SIZE));
  return pair;
}

describe('after a crash', () => {
  const steps: [step: JournalStep, call: number, sentAgain: number][] = [
    ['intend', 1, PARTS],
    ['opened', 1, PARTS],
    ...Array.from({ length: PARTS }, (_, index): [JournalStep, number, number] => [
      'checked',
      index + 1,
      PARTS - index,
    ]),
  ];
  for (const [step, call, sentAgain] of steps) {
    test(`before "${step}" ${call} is written, ${sentAgain} parts are sent`, async () => {
      const pair = await filledPair();
      pair.journal.crashBefore = { step, call };
      await assert.rejects(pair.copy(oneByOne), Crash);
      assert.equal(pair.copied, undefined);
      const { store, calls } = faulty(pair.target, {});
      pair.targetSeen = store;
      assert.equal((await pair.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), sentAgain);
      assert.deepEqual(pair.copied, bytesOf(SIZE));
      assert.ok(pair.clean);
    });
  }

  test('between the complete and its record, nothing is sent and nothing is left', async () => {
    const pair = await filledPair();
    pair.journal.crashBefore = { step: 'ended', call: 1 };
    await assert.rejects(pair.copy(oneByOne), Crash);
    assert.deepEqual(pair.copied, bytesOf(SIZE));
    const { store, calls } = faulty(pair.target, {});
    pair.targetSeen = store;
    assert.equal((await pair.copy(oneByOne)).kind, 'skipped');
    assert.equal(calls.get('putPart'), undefined);
    assert.ok(pair.clean);
  });

  for (const [what, change] of [
    ['size', (upload) => ({ ...upload, size: upload.size + 1 })],
    ['ETag', (upload) => ({ ...upload, sourceEtag: '"another"' })],
    ['options', (upload) => ({ ...upload, optionsHash: 'of others' })],
  ] satisfies [string, (upload: JournaledUpload) => JournaledUpload][]) {
    test(`the parts of an object of another ${what} are dropped, and all are sent again`, async () => {
      const pair = await filledPair();
      pair.journal.crashBefore = { step: 'checked', call: 4 };
      await assert.rejects(pair.copy(oneByOne), Crash);
      const { upload } = pair.journal;
      assert.equal(upload?.parts.length, 3);
      pair.journal.upload = change(upload);
      const { store, calls } = faulty(pair.target, {});
      pair.targetSeen = store;
      assert.equal((await pair.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.deepEqual(pair.copied, bytesOf(SIZE));
      assert.ok(pair.clean);
    });
  }

  test('at every single step, one attempt after the other, the copy still ends', async () => {
    const pair = await filledPair();
    const parts = Array.from({ length: PARTS }, (_, index) => index + 1);
    const crashes = [
      { step: 'intend', call: 1 },
      { step: 'opened', call: 1 },
      ...parts.map((part) => ({ step: 'checked', call: part * 2 }) as const),
    ] as const;
    for (const crashBefore of crashes) {
      pair.journal.crashBefore = crashBefore;
      await pair.copy(oneByOne).catch((error: unknown) => assert.ok(error instanceof Crash));
    }
    pair.journal.crashBefore = undefined;
    await pair.copy(oneByOne);
    assert.deepEqual(pair.copied, bytesOf(SIZE));
    assert.ok(pair.clean);
  });

  test('a part that the target no longer holds, or holds otherwise, is sent again', async () => {
    const pair = await filledPair();
    pair.journal.crashBefore = { step: 'checked', call: 4 };
    await assert.rejects(pair.copy(oneByOne), Crash);
    const id = pair.journal.upload?.uploadId ?? '';
    const other = pair.target.resumeParts(KEY, id);
    await other.putPart(1, { content: bytesOf(8, 5), size: 8 }, signal);
    pair.target.openUploads.get(id)?.parts.delete(2);
    const { store, calls } = faulty(pair.target, {});
    pair.targetSeen = store;
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), 4); // 1, 2, 4 and 5.
    assert.deepEqual(pair.copied, bytesOf(SIZE));
  });
});

describe('an intention without an ID', () => {
  test('leads to what was opened under the key since then, and to nothing else', async () => {
    const pair = await filledPair();
    const start = (key: string) => pair.target.startParts(key, {}, signal);
    const old = await start(KEY);
    pair.clock.time += 3_600_000;
    const other = await start('another key');
    const intention = { sourceEtag: '"old"', size: SIZE, partSize: 8 };
    await pair.journal.intend(intention);
    await start(KEY);
    await start(KEY);
    assert.equal((await pair.copy()).kind, 'copied');
    assert.deepEqual([...pair.target.openUploads.keys()], [old.id, other.id]);
    assert.equal(pair.journal.upload, undefined);
  });

  test('leads to nothing that was opened long after it', async () => {
    const pair = await filledPair();
    await pair.journal.intend({ sourceEtag: '"old"', size: SIZE, partSize: 8 });
    pair.clock.time += 3_600_000;
    const theirs = await pair.target.startParts(KEY, {}, signal);
    assert.equal((await pair.copy()).kind, 'copied');
    assert.deepEqual([...pair.target.openUploads.keys()], [theirs.id]);
  });

  test('is forgotten where uploads may not be listed, and that is reported', async () => {
    const pair = await filledPair();
    await pair.journal.intend({ sourceEtag: '"old"', size: SIZE, partSize: 8 });
    pair.targetSeen = faulty(pair.target, { listUploads: { 1: 'denied' } }).store;
    assert.equal((await pair.copy()).kind, 'copied');
    assert.ok(pair.clean);
    assert.match(String(pair.uploadsLeft), /listUploads .*denied/);
  });

  test('that the target refused for good is forgotten', async () => {
    const pair = await filledPair();
    pair.targetSeen = faulty(pair.target, { startParts: { 1: 'denied' } }).store;
    await assert.rejects(pair.copy(), { fault: 'denied' });
    assert.equal(pair.journal.upload, undefined);
  });

  test('that the target may have followed is kept', async () => {
    const pair = await filledPair();
    pair.targetSeen = faulty(
      pair.target,
      { startParts: { 1: 'interrupted' } },
      { afterwards: true },
    ).store;
    await assert.rejects(pair.copy(), { fault: 'interrupted' });
    assert.equal(pair.target.openUploads.size, 1);
    assert.equal(pair.journal.upload?.uploadId, undefined);
    assert.ok(pair.journal.upload !== undefined);
    assert.equal((await pair.copy()).kind, 'copied');
    assert.ok(pair.clean);
  });
});

describe('a complete whose answer is lost', () => {
  for (const fault of ['interrupted', 'unavailable', 'bad-reply', 'not-found'] as const) {
    test(`("${fault}") is found to be done, and nothing is sent again`, async () => {
      const pair = await filledPair();
      const { store, calls } = faulty(
        pair.target,
        { complete: { 1: fault } },
        { afterwards: true },
      );
      pair.targetSeen = store;
      const outcome = await pair.copy();
      assert.equal(outcome.kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.equal(calls.get('complete'), 1);
      assert.ok(pair.clean);
    });
  }

  test('and that was not done is requested again', async () => {
    const pair = await filledPair();
    const { store, calls } = faulty(pair.target, {
      complete: { 1: 'interrupted', 2: 'unavailable' },
    });
    pair.targetSeen = store;
    assert.equal((await pair.copy()).kind, 'copied');
    assert.deepEqual([calls.get('complete'), calls.get('putPart')], [3, PARTS]);
  });

  test('does not count as done when the object is another writer’s', async () => {
    const pair = await filledPair();
    const { store } = faulty(pair.target, { complete: { 1: 'interrupted' } }, { afterwards: true });
    pair.targetSeen = before(store, 'listParts', async () => write(pair.target, bytesOf(SIZE, 3)));
    await assert.rejects(pair.copy(), { fault: 'interrupted' });
    pair.targetSeen = pair.target;
    assert.notEqual((await pair.copy()).kind, 'failed');
    assert.deepEqual(pair.copied, bytesOf(SIZE));
    assert.ok(pair.clean);
  });
});

describe('an upload that another client ends', () => {
  for (const [operation, call] of [
    ['putPart', 1],
    ['putPart', 4],
    ['complete', 1],
  ] as const) {
    test(`before ${operation} ${call} is started again by the next attempt`, async () => {
      const pair = await filledPair();
      pair.targetSeen = before(pair.target, operation, (calls) => {
        if (calls === call) pair.target.openUploads.clear();
      });
      await assert.rejects(pair.copy(), { fault: 'interrupted' });
      assert.equal(pair.copied, undefined);
      pair.targetSeen = pair.target;
      assert.equal((await pair.copy()).kind, 'copied');
      assert.deepEqual(pair.copied, bytesOf(SIZE));
      assert.ok(pair.clean);
    });
  }
});

describe('a target that throttles', () => {
  async function throttledPair(calls: readonly number[], retryAfterMs?: number) {
    const pair = await filledPair();
    const putPart = Object.fromEntries(calls.map((call) => [call, 'throttled' as const]));
    const faults = faulty(pair.target, { putPart }, { details: { retryAfterMs } });
    pair.targetSeen = faults.store;
    return { pair, calls: faults.calls };
  }

  test('gets it, part by part', async () => {
    const { pair } = await throttledPair([1, 2, 4], 5_000);
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.deepEqual(pair.clock.sleeps, [5_000, 5_000, 5_000]);
  });

  test('gets more of it each time where it does not say how much', async () => {
    const { pair } = await throttledPair([1, 2, 3], 0);
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    const [first = 0, second = 0, third = 0] = pair.clock.sleeps;
    assert.ok(first >= 100 && second >= 200 && third >= 400, String(pair.clock.sleeps));
  });

  test('for longer than an attempt has ends the attempt', async () => {
    const { pair, calls } = await throttledPair([2], 60_000);
    await assert.rejects(pair.copy(oneByOne), { fault: 'throttled' });
    assert.deepEqual(pair.clock.sleeps, []);
    assert.equal((await pair.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), PARTS + 1);
  });
});

test('a copy succeeds although its journal cannot be written at its end', async () => {
  const pair = await filledPair();
  const failure = new Error('the database is away');
  pair.journal.ended = () => Promise.reject(failure);
  assert.equal((await pair.copy()).kind, 'copied');
  assert.deepEqual(pair.uploadsLeft, [failure]);
});

test('parts that the target has lost are sent again, in another upload', async () => {
  const pair = await filledPair();
  pair.targetSeen = before(pair.target, 'complete', (call) => {
    if (call === 1) for (const { parts } of pair.target.openUploads.values()) parts.delete(2);
  });
  await assert.rejects(pair.copy(), { fault: 'corrupt' });
  assert.ok(pair.clean);
  assert.equal((await pair.copy()).kind, 'copied');
  assert.deepEqual(pair.copied, bytesOf(SIZE));
});
