import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  settle,
  settlement,
} from '../../test/kit/sync-task.ts';
import { testDatabase } from '../../test/kit/postgres.ts';
import { hideTask, stopTask } from './tasks.ts';
import {
  abandonedUploads,
  findUpload,
  hasUploads,
  insertPart,
  insertUpload,
  removeUpload,
  setUploadId,
} from './uploads.ts';

const upload = { sourceEtag: '"e"', size: 5 * 2 ** 40, partSize: 2 ** 29 };

test('an upload is found as it was written down, its parts in order', async () => {
  await using db = await testDatabase();
  const key = { taskId: await addTask(db), key: 'k' };
  assert.equal(await findUpload(db, key), undefined);
  const of = { ...key, id: await insertUpload(db, key, upload) };
  const intended = await findUpload(db, of);
  assert.equal(intended?.upload.uploadId, null);
  assert.equal(await setUploadId(db, of, 'id'), true);
  for (const number of [10, 2, 1]) {
    await insertPart(db, of, {
      number,
      etag: `"${number}"`,
      md5: null,
      crc64: '1',
      crc64nvme: null,
    });
  }
  await insertPart(db, of, { number: 2, etag: '"again"', md5: 'm', crc64: null, crc64nvme: null });
  const found = await findUpload(db, of);
  assert.deepEqual(
    { ...found?.upload, startedAt: 0 },
    { ...upload, id: of.id, uploadId: 'id', startedAt: 0 },
  );
  assert.deepEqual(found?.parts, [
    { number: 1, etag: '"1"', md5: null, crc64: '1', crc64nvme: null },
    { number: 2, etag: '"again"', md5: 'm', crc64: null, crc64nvme: null },
    { number: 10, etag: '"10"', md5: null, crc64: '1', crc64nvme: null },
  ]);
  assert.equal(await hasUploads(db, of.taskId), true);
  await removeUpload(db, of);
  assert.equal(await hasUploads(db, of.taskId), false);
  await insertUpload(db, of, upload);
  assert.deepEqual((await findUpload(db, of))?.parts, []);
});

test('who comes late changes nothing of the next upload of the key', async () => {
  await using db = await testDatabase();
  const key = { taskId: await addTask(db), key: 'k' };
  const part = { number: 1, etag: '"1"', md5: null, crc64: null, crc64nvme: null };
  const earlier = { ...key, id: await insertUpload(db, key, upload) };
  await setUploadId(db, earlier, 'earlier');
  await insertPart(db, earlier, part);
  const later = { ...key, id: await insertUpload(db, key, upload) };
  assert.equal(await setUploadId(db, earlier, 'earlier'), false);
  await insertPart(db, earlier, part);
  await removeUpload(db, earlier);
  assert.equal(await setUploadId(db, later, 'later'), true);
  const found = await findUpload(db, key);
  assert.deepEqual([found?.upload.id, found?.upload.uploadId], [later.id, 'later']);
  assert.deepEqual(found?.parts, []);
  await insertPart(db, later, part);
  await removeUpload(db, earlier);
  assert.deepEqual((await findUpload(db, key))?.parts, [part]);
});

test('an upload is abandoned when nothing waits for its key, or its task goes away', async () => {
  await using db = await testDatabase();
  const [task, stopped, hidden] = [await addTask(db), await addTask(db), await addTask(db)];
  for (const taskId of [task, stopped, hidden]) {
    await addKeys(db, taskId, ['waiting', 'claimed', 'settled']);
    for (const key of ['waiting', 'claimed', 'settled', 'never named']) {
      await insertUpload(db, { taskId, key }, upload);
    }
    const claims = await claim(db, taskId);
    for (const one of claims) {
      if (one.key === 'settled') await settle(db, taskId, [settlement(one)]);
      if (one.key === 'waiting') await settle(db, taskId, [settlement(one, { done: false })]);
    }
  }
  for (const taskId of [stopped, hidden]) await stopTask(db, taskId);
  await hideTask(db, hidden);
  const abandoned = async (taskId: string) =>
    (await Promise.all([true, false].map((hidden) => abandonedUploads(db, { hidden, limit: 100 }))))
      .flat()
      .filter((one) => one.taskId === taskId)
      .map(({ key }) => key)
      .sort();
  assert.deepEqual(await abandoned(task), ['never named', 'settled']);
  assert.deepEqual(await abandoned(stopped), ['never named', 'settled']);
  assert.deepEqual(await abandoned(hidden), ['never named', 'settled', 'waiting']);
  const ofOthers = await abandonedUploads(db, { hidden: false, limit: 100 });
  assert.ok(ofOthers.every(({ taskId }) => taskId !== hidden));
  await expireLeases(db);
  assert.deepEqual(await abandoned(task), ['never named', 'settled']);
  assert.deepEqual(await abandoned(hidden), ['claimed', 'never named', 'settled', 'waiting']);
});

test('uploads that cannot be aborted do not hide the others for ever', async () => {
  await using db = await testDatabase();
  const taskId = await addTask(db);
  for (let n = 0; n < 10; n++) await insertUpload(db, { taskId, key: `k${n}` }, upload);
  const seen = new Set<string>();
  for (let look = 0; look < 200 && seen.size < 10; look++) {
    for (const { key } of await abandonedUploads(db, { hidden: false, limit: 2 })) seen.add(key);
  }
  assert.equal(seen.size, 10);
});
