import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { silentLog } from '../../platform/base/log.ts';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { hiddenTasks, hideTask, startTask, stopTask } from '../tasks/tasks-table.ts';
import { insertSignedCreation } from '../../platform/postgres/signed-creations.ts';
import { findToken, insertProject, insertToken } from '../access/tokens-table.ts';
import { takeUpUpload, insertUpload, setUploadId } from '../copy/uploads.ts';
import { insertUser } from '../access/users-table.ts';
import { around } from '../../platform/stores/layers/around.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { sealCredentials } from '../tasks/credentials.ts';
import { CLEAR_TASKS, maintenance } from './maintenance.ts';
import { OpenTasks } from '../tasks/open-tasks.ts';

const sealer = new Sealer(randomBytes(32));
const keyPair = { accessKeyId: 'id', secretAccessKey: new Secret('secret') };

async function addHiddenTask(db: Database): Promise<string> {
  const id = await addTask(db);
  await stopTask(db, id);
  await startTask(db, id, sealCredentials(sealer, id, { source: keyPair, target: keyPair }));
  await stopTask(db, id);
  await hideTask(db, id);
  return id;
}

async function addUpload(db: Database, taskId: string): Promise<void> {
  const key = { taskId, key: 'k' };
  const id = await insertUpload(db, key, {
    ...{ sourceEtag: '"e"', size: 1, partSize: 1, optionsHash: 'h' },
  });
  await setUploadId(db, { ...key, id }, 'upload');
}

test('a deleted task with a store that does not answer delays no other', async () => {
  await using database = await testDatabase();
  const [stuck, running] = [await addHiddenTask(database), await addTask(database)];
  await addHiddenTask(database);
  await addUpload(database, stuck);
  await addUpload(database, running);
  const asked = Promise.withResolvers<undefined>();
  const silent = around(new MemoryStore(), {
    async call(_operation, signal) {
      asked.resolve(undefined);
      return await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    },
    read: (_signal, run) => run(),
  });
  await using openTasks = new OpenTasks({
    database,
    sealer,
    restoreDays: 3,
    open: { source: () => silent, target: () => silent },
  });
  const stop = new AbortController();
  const done = maintenance({
    database,
    openTasks,
    clock: systemClock,
    log: silentLog,
    ...{ retentionDays: 1, auditDays: 1, uploadDays: 1 },
    timeZone: 'UTC',
  })
    .find(({ name }) => name === CLEAR_TASKS)
    ?.run(stop.signal);
  await asked.promise;
  assert.deepEqual(await hiddenTasks(database), [stuck]);
  stop.abort(new Error('enough'));
  await assert.rejects(async () => done, /enough/);
  assert.ok(await takeUpUpload(database, { taskId: running, key: 'k' }), 'left to its own job');
});

test('an abandoned upload is aborted with the credentials of the latest start', async () => {
  await using database = await testDatabase();
  const id = await addTask(database);
  const restart = async (accessKeyId: string) => {
    await stopTask(database, id);
    const keys = { ...keyPair, accessKeyId };
    await startTask(database, id, sealCredentials(sealer, id, { source: keys, target: keys }));
  };
  await restart('expired');
  const target = new MemoryStore();
  const upload = await target.startParts('k', {}, new AbortController().signal);
  const denied = around(target, {
    call: () => Promise.reject(new StoreError('denied', { store: 'target', operation: 'abort' })),
    read: (_signal, run) => run(),
  });
  await using openTasks = new OpenTasks({
    ...{ database, sealer, restoreDays: 3 },
    open: {
      source: () => new MemoryStore(),
      target: (_task, keys) => (keys.target.accessKeyId === 'expired' ? denied : target),
    },
  });
  (await openTasks.use(id, 0))[Symbol.dispose]();
  const key = { taskId: id, key: 'k' };
  const row = await insertUpload(database, key, {
    ...{ sourceEtag: '"e"', size: 1, partSize: 1, optionsHash: 'h' },
  });
  await setUploadId(database, { ...key, id: row }, upload.id);
  await restart('new');
  await database.query(`update uploads set used_at = used_at - interval '2 days'`);
  await maintenance({
    ...{ database, openTasks, clock: systemClock, log: silentLog },
    ...{ retentionDays: 1, auditDays: 1, uploadDays: 1, timeZone: 'UTC' },
  })
    .find(({ name }) => name === 'abandoned-uploads')
    ?.run(new AbortController().signal);
  assert.equal(target.openUploads.size, 0);
  assert.equal(await takeUpUpload(database, key), undefined);
});

test('expired tokens are removed, and no others', async () => {
  await using database = await testDatabase();
  await using openTasks = new OpenTasks({
    ...{
      database,
      sealer,
      restoreDays: 3,
      open: { source: () => new MemoryStore(), target: () => new MemoryStore() },
    },
  });
  const [projectId, userId] = ['p', 'u'];
  await insertProject(database, projectId);
  await insertUser(database, { id: userId, name: 'ann', passwordHash: undefined });
  const [first, living, ended] = [Buffer.from('first'), Buffer.from('live'), Buffer.from('end')];
  await insertToken(database, { hash: first, projectId });
  await insertToken(database, { hash: living, projectId, userId, lifetimeMs: 60_000 });
  await insertToken(database, { hash: ended, projectId, userId, lifetimeMs: -1 });
  assert.equal(await findToken(database, ended), undefined);
  const jobs = maintenance({
    ...{ database, openTasks, clock: systemClock, log: silentLog },
    ...{ retentionDays: 1, auditDays: 1, uploadDays: 1, timeZone: 'UTC' },
  });
  await jobs.find(({ name }) => name === 'expired-tokens')?.run(new AbortController().signal);
  const { rows } = await database.query<{ hash: Buffer }>('select hash from tokens');
  assert.deepEqual(new Set(rows.map(({ hash }) => hash.toString())), new Set(['first', 'live']));
});

test('the maintenance removes signed creations that cannot be repeated any more', async () => {
  await using database = await testDatabase();
  await using openTasks = new OpenTasks({
    ...{ database, sealer, restoreDays: 3 },
    open: {
      source: () => new MemoryStore(),
      target: () => new MemoryStore(),
    },
  });
  await insertSignedCreation(database, Buffer.from('old'), 'a');
  await database.query(`update signed_creations set created_at = now() - interval '2 hours'`);
  await insertSignedCreation(database, Buffer.from('new'), 'b');
  const jobs = maintenance({
    ...{ database, openTasks, clock: systemClock, log: silentLog },
    ...{ retentionDays: 1, auditDays: 1, uploadDays: 1, timeZone: 'UTC' },
  });
  const signal = new AbortController().signal;
  await jobs.find(({ name }) => name === 'old-signed-creations')?.run(signal);
  const { rows } = await database.query('select created_id as id from signed_creations');
  assert.deepEqual(rows, [{ id: 'b' }]);
});
