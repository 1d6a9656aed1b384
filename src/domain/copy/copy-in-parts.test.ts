import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyRig,
  Crash,
  type JournalStep,
  KEY,
  sizes,
  write,
} from '../../../test/kit/copy-rig.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import type { JournaledUpload } from './transfer.ts';

const SIZE = 37;
const PARTS = 5;
const signal = new AbortController().signal;
const oneByOne = { sizes: { ...sizes, partConcurrency: 1 } };

async function filledRig(): Promise<CopyRig> {
  const rig = new CopyRig();
  await rig.fill(bytesOf(SIZE));
  return rig;
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
      const rig = await filledRig();
      rig.journal.crashBefore = { step, call };
      await assert.rejects(rig.copy(oneByOne), Crash);
      assert.equal(rig.copied, undefined);
      const { store, calls } = faulty(rig.target, {});
      rig.targetSeen = store;
      assert.equal((await rig.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), sentAgain);
      assert.deepEqual(rig.copied, bytesOf(SIZE));
      assert.ok(rig.clean);
    });
  }

  test('between the complete and its record, nothing is sent and nothing is left', async () => {
    const rig = await filledRig();
    rig.journal.crashBefore = { step: 'ended', call: 1 };
    await assert.rejects(rig.copy(oneByOne), Crash);
    assert.deepEqual(rig.copied, bytesOf(SIZE));
    const { store, calls } = faulty(rig.target, {});
    rig.targetSeen = store;
    assert.equal((await rig.copy(oneByOne)).kind, 'skipped');
    assert.equal(calls.get('putPart'), undefined);
    assert.ok(rig.clean);
  });

  for (const [what, change] of [
    ['size', (upload) => ({ ...upload, size: upload.size + 1 })],
    ['ETag', (upload) => ({ ...upload, sourceEtag: '"another"' })],
    ['options', (upload) => ({ ...upload, optionsHash: 'of others' })],
  ] satisfies [string, (upload: JournaledUpload) => JournaledUpload][]) {
    test(`the parts of an object of another ${what} are dropped, and all are sent again`, async () => {
      const rig = await filledRig();
      rig.journal.crashBefore = { step: 'checked', call: 4 };
      await assert.rejects(rig.copy(oneByOne), Crash);
      const { upload } = rig.journal;
      assert.equal(upload?.parts.length, 3);
      rig.journal.upload = change(upload);
      const { store, calls } = faulty(rig.target, {});
      rig.targetSeen = store;
      assert.equal((await rig.copy(oneByOne)).kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.deepEqual(rig.copied, bytesOf(SIZE));
      assert.ok(rig.clean);
    });
  }

  test('at every single step, one attempt after the other, the copy still ends', async () => {
    const rig = await filledRig();
    const parts = Array.from({ length: PARTS }, (_, index) => index + 1);
    const crashes = [
      { step: 'intend', call: 1 },
      { step: 'opened', call: 1 },
      ...parts.map((part) => ({ step: 'checked', call: part * 2 }) as const),
    ] as const;
    for (const crashBefore of crashes) {
      rig.journal.crashBefore = crashBefore;
      await rig.copy(oneByOne).catch((error: unknown) => assert.ok(error instanceof Crash));
    }
    rig.journal.crashBefore = undefined;
    await rig.copy(oneByOne);
    assert.deepEqual(rig.copied, bytesOf(SIZE));
    assert.ok(rig.clean);
  });

  test('a part that the target no longer holds, or holds otherwise, is sent again', async () => {
    const rig = await filledRig();
    rig.journal.crashBefore = { step: 'checked', call: 4 };
    await assert.rejects(rig.copy(oneByOne), Crash);
    const id = rig.journal.upload?.uploadId ?? '';
    const other = rig.target.resumeParts(KEY, id);
    await other.putPart(1, { content: bytesOf(8, 5), size: 8 }, signal);
    rig.target.openUploads.get(id)?.parts.delete(2);
    const { store, calls } = faulty(rig.target, {});
    rig.targetSeen = store;
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), 4); // 1, 2, 4 and 5.
    assert.deepEqual(rig.copied, bytesOf(SIZE));
  });
});

describe('an intention without an ID', () => {
  test('leads to what was opened under the key since then, and to nothing else', async () => {
    const rig = await filledRig();
    const start = (key: string) => rig.target.startParts(key, {}, signal);
    const old = await start(KEY);
    rig.clock.time += 3_600_000;
    const other = await start('another key');
    const intention = { sourceEtag: '"old"', size: SIZE, partSize: 8 };
    await rig.journal.intend(intention);
    await start(KEY);
    await start(KEY);
    assert.equal((await rig.copy()).kind, 'copied');
    assert.deepEqual([...rig.target.openUploads.keys()], [old.id, other.id]);
    assert.equal(rig.journal.upload, undefined);
  });

  test('leads to nothing that was opened long after it', async () => {
    const rig = await filledRig();
    await rig.journal.intend({ sourceEtag: '"old"', size: SIZE, partSize: 8 });
    rig.clock.time += 3_600_000;
    const theirs = await rig.target.startParts(KEY, {}, signal);
    assert.equal((await rig.copy()).kind, 'copied');
    assert.deepEqual([...rig.target.openUploads.keys()], [theirs.id]);
  });

  test('is forgotten where uploads may not be listed, and that is told', async () => {
    const rig = await filledRig();
    await rig.journal.intend({ sourceEtag: '"old"', size: SIZE, partSize: 8 });
    rig.targetSeen = faulty(rig.target, { listUploads: { 1: 'denied' } }).store;
    assert.equal((await rig.copy()).kind, 'copied');
    assert.ok(rig.clean);
    assert.match(String(rig.uploadsLeft), /listUploads .*denied/);
  });

  test('that the target refused for good is forgotten', async () => {
    const rig = await filledRig();
    rig.targetSeen = faulty(rig.target, { startParts: { 1: 'denied' } }).store;
    await assert.rejects(rig.copy(), { fault: 'denied' });
    assert.equal(rig.journal.upload, undefined);
  });

  test('that the target may have followed is kept', async () => {
    const rig = await filledRig();
    rig.targetSeen = faulty(
      rig.target,
      { startParts: { 1: 'interrupted' } },
      { afterwards: true },
    ).store;
    await assert.rejects(rig.copy(), { fault: 'interrupted' });
    assert.equal(rig.target.openUploads.size, 1);
    assert.equal(rig.journal.upload?.uploadId, undefined);
    assert.ok(rig.journal.upload !== undefined);
    assert.equal((await rig.copy()).kind, 'copied');
    assert.ok(rig.clean);
  });
});

describe('a complete whose answer is lost', () => {
  for (const fault of ['interrupted', 'unavailable', 'bad-reply', 'not-found'] as const) {
    test(`("${fault}") is found to be done, and nothing is sent again`, async () => {
      const rig = await filledRig();
      const { store, calls } = faulty(rig.target, { complete: { 1: fault } }, { afterwards: true });
      rig.targetSeen = store;
      const outcome = await rig.copy();
      assert.equal(outcome.kind, 'copied');
      assert.equal(calls.get('putPart'), PARTS);
      assert.equal(calls.get('complete'), 1);
      assert.ok(rig.clean);
    });
  }

  test('and that was not done is asked for again', async () => {
    const rig = await filledRig();
    const { store, calls } = faulty(rig.target, {
      complete: { 1: 'interrupted', 2: 'unavailable' },
    });
    rig.targetSeen = store;
    assert.equal((await rig.copy()).kind, 'copied');
    assert.deepEqual([calls.get('complete'), calls.get('putPart')], [3, PARTS]);
  });

  test('is not taken for done when the object is somebody else’s', async () => {
    const rig = await filledRig();
    const { store } = faulty(rig.target, { complete: { 1: 'interrupted' } }, { afterwards: true });
    rig.targetSeen = before(store, 'listParts', async () => write(rig.target, bytesOf(SIZE, 3)));
    await assert.rejects(rig.copy(), { fault: 'interrupted' });
    rig.targetSeen = rig.target;
    assert.notEqual((await rig.copy()).kind, 'failed');
    assert.deepEqual(rig.copied, bytesOf(SIZE));
    assert.ok(rig.clean);
  });
});

describe('an upload that somebody else ends', () => {
  for (const [operation, call] of [
    ['putPart', 1],
    ['putPart', 4],
    ['complete', 1],
  ] as const) {
    test(`before ${operation} ${call} is begun anew by the next attempt`, async () => {
      const rig = await filledRig();
      rig.targetSeen = before(rig.target, operation, (calls) => {
        if (calls === call) rig.target.openUploads.clear();
      });
      await assert.rejects(rig.copy(), { fault: 'interrupted' });
      assert.equal(rig.copied, undefined);
      rig.targetSeen = rig.target;
      assert.equal((await rig.copy()).kind, 'copied');
      assert.deepEqual(rig.copied, bytesOf(SIZE));
      assert.ok(rig.clean);
    });
  }
});

describe('a target that asks for patience', () => {
  async function throttledRig(calls: readonly number[], retryAfterMs?: number) {
    const rig = await filledRig();
    const putPart = Object.fromEntries(calls.map((call) => [call, 'throttled' as const]));
    const faults = faulty(rig.target, { putPart }, { details: { retryAfterMs } });
    rig.targetSeen = faults.store;
    return { rig, calls: faults.calls };
  }

  test('gets it, part by part', async () => {
    const { rig } = await throttledRig([1, 2, 4], 5_000);
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.deepEqual(rig.clock.sleeps, [5_000, 5_000, 5_000]);
  });

  test('gets more of it each time where it does not say how much', async () => {
    const { rig } = await throttledRig([1, 2, 3], 0);
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    const [first = 0, second = 0, third = 0] = rig.clock.sleeps;
    assert.ok(first >= 100 && second >= 200 && third >= 400, String(rig.clock.sleeps));
  });

  test('for longer than an attempt has ends the attempt', async () => {
    const { rig, calls } = await throttledRig([2], 60_000);
    await assert.rejects(rig.copy(oneByOne), { fault: 'throttled' });
    assert.deepEqual(rig.clock.sleeps, []);
    assert.equal((await rig.copy(oneByOne)).kind, 'copied');
    assert.equal(calls.get('putPart'), PARTS + 1);
  });
});

test('a copy is none the worse for a journal that cannot be written at its end', async () => {
  const rig = await filledRig();
  const failure = new Error('the database is away');
  rig.journal.ended = () => Promise.reject(failure);
  assert.equal((await rig.copy()).kind, 'copied');
  assert.deepEqual(rig.uploadsLeft, [failure]);
});

test('parts that the target has lost are sent anew, in another upload', async () => {
  const rig = await filledRig();
  rig.targetSeen = before(rig.target, 'complete', (call) => {
    if (call === 1) for (const { parts } of rig.target.openUploads.values()) parts.delete(2);
  });
  await assert.rejects(rig.copy(), { fault: 'corrupt' });
  assert.ok(rig.clean);
  assert.equal((await rig.copy()).kind, 'copied');
  assert.deepEqual(rig.copied, bytesOf(SIZE));
});
