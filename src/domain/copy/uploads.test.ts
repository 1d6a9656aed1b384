import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { hideTask, stopTask } from '../tasks/tasks-table.ts';
import {
  abandonUpload,
  abandonedUploads,
  abandonIdleUploads,
  takeUpUpload,
  hasUploads,
  insertPart,
  insertUpload,
  removeUpload,
  setUploadId,
} from './uploads.ts';

const upload = { sourceEtag: '"e"', size: 5 * 2 ** 40, partSize: 2 ** 29, optionsHash: 'h' };

test('an upload is found as it was recorded, its parts in order', async () => {
  await using db = await testDatabase();
  const key = { taskId: await addTask(db), key: 'k' };
  assert.equal(await takeUpUpload(db, key), undefined);
  const of = { ...key, id: await insertUpload(db, key, upload) };
  const intended = await takeUpUpload(db, of);
  assert.equal(intended?.upload.uploadId, undefined);
  assert.equal(await setUploadId(db, of, 'id'), true);
  for (const number of [10, 2, 1]) {
    await insertPart(db, of, {
      number,
      etag: `"${number}"`,
      crc64: '1',
    });
  }
  await insertPart(db, of, { number: 2, etag: '"again"', md5: 'm' });
  const found = await takeUpUpload(db, of);
  assert.deepEqual(
    { ...found?.upload, startedAt: 0 },
    { ...upload, id: of.id, uploadId: 'id', startedAt: 0, abandoned: false },
  );
  assert.deepEqual(found?.parts, [
    { number: 1, etag: '"1"', crc64: '1' },
    { number: 2, etag: '"again"', md5: 'm' },
    { number: 10, etag: '"10"', crc64: '1' },
  ]);
  assert.equal(await hasUploads(db, of.taskId), true);
  await removeUpload(db, of);
  assert.equal(await hasUploads(db, of.taskId), false);
  await insertUpload(db, of, upload);
  assert.deepEqual((await takeUpUpload(db, of))?.parts, []);
});

test('a late attempt changes nothing of the next upload of the key', async () => {
  await using db = await testDatabase();
  const key = { taskId: await addTask(db), key: 'k' };
  const part = { number: 1, etag: '"1"' };
  const earlier = { ...key, id: await insertUpload(db, key, upload) };
  await setUploadId(db, earlier, 'earlier');
  await insertPart(db, earlier, part);
  const later = { ...key, id: await insertUpload(db, key, upload) };
  assert.equal(await setUploadId(db, earlier, 'earlier'), false);
  await insertPart(db, earlier, part);
  await removeUpload(db, earlier);
  assert.equal(await setUploadId(db, later, 'later'), true);
  const found = await takeUpUpload(db, key);
  assert.deepEqual([found?.upload.id, found?.upload.uploadId], [later.id, 'later']);
  assert.deepEqual(found?.parts, []);
  await insertPart(db, later, part);
  await removeUpload(db, earlier);
  assert.deepEqual((await takeUpUpload(db, key))?.parts, [part]);
});

/** Lets all uploads be unused for so long. */
async function idleFor(db: Db, interval: string): Promise<void> {
  await db.query(`update uploads set used_at = used_at - $1::interval`, [interval]);
}

/** The keys of the uploads to abort of one task, after the maintenance has marked them. */
async function toAbort(db: Db, taskId: string): Promise<string[]> {
  await abandonIdleUploads(db, { keepDays: 7 });
  const both = [true, false].map((hidden) => abandonedUploads(db, { hidden, limit: 100 }));
  return (await Promise.all(both))
    .flat()
    .filter((one) => one.taskId === taskId)
    .map(({ key }) => key)
    .sort();
}

test('an unfinished upload is kept while an attempt may continue it, and then aborted', async () => {
  await using db = await testDatabase();
  const [task, stopped, hidden] = [await addTask(db), await addTask(db), await addTask(db)];
  for (const taskId of [task, stopped, hidden]) {
    await addKeys(db, taskId, ['waiting', 'claimed', 'copied', 'failed']);
    for (const key of ['waiting', 'claimed', 'copied', 'failed', 'never named']) {
      await insertUpload(db, { taskId, key }, upload);
    }
    for (const one of await claim(db, taskId)) {
      if (one.key === 'copied') await settle(db, taskId, [settlement(one)]);
      if (one.key === 'failed') await settle(db, taskId, [settlement(one, { outcome: 'failed' })]);
      if (one.key === 'waiting') await settle(db, taskId, [settlement(one, { done: false })]);
    }
  }
  for (const taskId of [stopped, hidden]) await stopTask(db, taskId);
  await hideTask(db, hidden);
  assert.deepEqual(await toAbort(db, task), []);
  assert.deepEqual(await toAbort(db, stopped), []);
  assert.deepEqual(await toAbort(db, hidden), ['copied', 'failed', 'never named', 'waiting']);
  await idleFor(db, '61 minutes');
  assert.deepEqual(await toAbort(db, task), ['copied']);
  await idleFor(db, '6 days');
  assert.deepEqual(await toAbort(db, task), ['copied']);
  assert.deepEqual(await toAbort(db, stopped), ['copied']);
  await idleFor(db, '1 day');
  assert.deepEqual(await toAbort(db, task), ['copied', 'failed', 'never named']);
  assert.deepEqual(await toAbort(db, stopped), ['copied', 'failed', 'never named', 'waiting']);
  const ofOthers = await abandonedUploads(db, { hidden: false, limit: 100 });
  assert.ok(ofOthers.every(({ taskId }) => taskId !== hidden));
  await expireLeases(db);
  assert.deepEqual(await toAbort(db, task), ['copied', 'failed', 'never named']);
  const all = ['claimed', 'copied', 'failed', 'never named', 'waiting'];
  assert.deepEqual(await toAbort(db, stopped), all);
  assert.deepEqual(await toAbort(db, hidden), all);
});

test('an upload that an attempt uses is not abandoned, and an abandoned one is not taken up', async () => {
  await using db = await testDatabase();
  const taskId = await addTask(db);
  const part = { number: 1, etag: '"1"' };
  const [found, putting, left] = ['found', 'putting', 'left'].map((key) => ({ taskId, key }));
  assert.ok(found && putting && left);
  await insertUpload(db, found, upload);
  const id = await insertUpload(db, putting, upload);
  await insertUpload(db, left, upload);
  await idleFor(db, '8 days');
  assert.equal((await takeUpUpload(db, found))?.upload.abandoned, false);
  await insertPart(db, { ...putting, id }, part);
  assert.deepEqual(await toAbort(db, taskId), ['left']);
  await addKeys(db, taskId, ['left']);
  await claim(db, taskId);
  assert.equal((await takeUpUpload(db, left))?.upload.abandoned, true);
  assert.deepEqual(await toAbort(db, taskId), [], 'the attempt aborts it itself');
  await insertUpload(db, left, upload);
  assert.equal((await takeUpUpload(db, left))?.upload.abandoned, false);
});

test('an attempt that takes an upload up while the maintenance waits for its row keeps it', async () => {
  await using db = await testDatabase();
  const key = { taskId: await addTask(db), key: 'k' };
  await insertUpload(db, key, upload);
  await idleFor(db, '8 days');
  let marking: Promise<void> | undefined;
  await db.transaction(async (attempt) => {
    await takeUpUpload(attempt, key);
    marking = abandonIdleUploads(db, { keepDays: 7 });
    await untilOneWaits(db);
  });
  await marking;
  assert.equal((await takeUpUpload(db, key))?.upload.abandoned, false);
});

async function untilOneWaits(db: Db): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await db.query(waiting)).rows.length === 0) await setImmediate();
}

test('uploads that cannot be aborted do not hide the others from later look-ups', async () => {
  await using db = await testDatabase();
  const taskId = await addTask(db);
  for (let n = 0; n < 10; n++) {
    const key = { taskId, key: `k${n}` };
    await abandonUpload(db, { ...key, id: await insertUpload(db, key, upload) });
  }
  const seen = new Set<string>();
  for (let look = 0; look < 200 && seen.size < 10; look++) {
    for (const { key } of await abandonedUploads(db, { hidden: false, limit: 2 })) seen.add(key);
  }
  assert.equal(seen.size, 10);
});
