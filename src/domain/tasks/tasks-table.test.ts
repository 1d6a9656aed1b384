import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  plainPlan,
  projectId,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { TaskPlan } from './task-record.ts';
import {
  clearTask,
  findTask,
  hiddenTasks,
  hideTask,
  insertTask,
  listTasks,
  setBehaviour,
  startTask,
  stopTask,
  taskInWork,
  taskToWork,
} from './tasks-table.ts';
import { insertProject } from '../access/tokens-table.ts';

test('a task comes back as it was made', async () => {
  await using db = await testDatabase();
  const plan: TaskPlan = {
    source: { cloud: 'Aliyun', region: 'r', bucket: 'b', endpoint: 'https://e' },
    target: { cloud: 'HuaweiCloud', region: 's', bucket: 'c', endpoint: 'https://f' },
    sourceCdn: { domain: 'cdn', protocol: 'https', authenticationType: 'ALIYUN_OSS_B' },
    description: "it's 中",
    metadataMigration: true,
    kms: true,
    restore: true,
    overwriteMode: 'CRC64_COMPARISON_OVERWRITE',
    consistencyCheck: 'no_check',
    storagePolicy: 'SRC_STORAGE_MAPPING',
    appId: '7',
    keyFilters: {
      includePrefixes: ['a/', '中'],
      includeGlobs: ['**/*.jpg'],
      excludePrefixes: ['a/b'],
      excludeGlobs: ['?'],
    },
    sourcePrefix: 'a',
    targetPrefix: 'b/',
    copyFilters: {
      minSize: 1,
      maxSize: 2 ** 50,
      modifiedFrom: 1_000,
      modifiedTo: 1_700_000_000_000,
      storageClasses: ['IA', 'ARCHIVE'],
    },
    missingSource: 'skip',
  };
  const id = await addTask(db, plan);
  const { status, createdAt, lastStartedAt, ...made } = (await findTask(db, projectId, id)) ?? {
    status: undefined,
  };
  assert.deepEqual(made, { ...plan, id, projectId });
  assert.equal(status, 'SYNCHRONIZING');
  assert.equal(createdAt, lastStartedAt);
  assert.equal(await findTask(db, 'another project', id), undefined);
  // So a field that is added to the record is added here, too.
  assert.deepEqual(
    Object.keys(made).sort(),
    Object.keys(TaskPlan.properties).concat('id', 'projectId').sort(),
  );
});

test('what a task does not have is absent from it', async () => {
  await using db = await testDatabase();
  const task = await findTask(db, projectId, await addTask(db));
  assert.ok(task);
  const given = Object.entries(plainPlan).filter(([, value]) => value !== undefined);
  const always = ['id', 'projectId', 'createdAt', 'lastStartedAt', 'status'];
  assert.deepEqual(Object.keys(task).sort(), [...always, ...given.map(([name]) => name)].sort());
  assert.deepEqual(task.source, { cloud: 'AWS', region: 'here', bucket: 'source' });
});

test('how its stores behaved comes with the task, as found last', async () => {
  await using db = await testDatabase();
  const id = await addTask(db);
  await setBehaviour(db, id, { source: { ranges: false }, target: {} });
  const behaviour = { source: { ordered: true }, target: { checksMd5: false } };
  await setBehaviour(db, id, behaviour);
  assert.deepEqual((await findTask(db, projectId, id))?.behaviour, behaviour);
  assert.deepEqual((await taskToWork(db, id))?.task.behaviour, behaviour);
});

test('of creations at the same moment no more succeed than there are places', async () => {
  await using db = await testDatabase();
  await insertProject(db, projectId);
  const made = await Promise.all(
    Array.from({ length: 8 }, () =>
      db.transaction((own) =>
        insertTask(
          own,
          { ...plainPlan, id: randomUUID(), projectId },
          { sealed: Buffer.of(1), keyId: '' },
          { tasksMax: 3 },
        ),
      ),
    ),
  );
  assert.equal(made.filter((task) => task !== undefined).length, 3);
  assert.equal((await listTasks(db, projectId, { limit: 9, offset: 0 })).count, 3);
});

test('a hidden task gives its place to another', async () => {
  await using db = await testDatabase();
  const id = await addTask(db, { tasksMax: 1 });
  await assert.rejects(addTask(db, { tasksMax: 1 }));
  await stopTask(db, id);
  await hideTask(db, id);
  await addTask(db, { tasksMax: 1 });
});

test('tasks are listed newest first, a page at a time, of one project and status', async () => {
  await using db = await testDatabase();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift(await addTask(db));
  await stopTask(db, ids[1] ?? '');
  const page = async (limit: number, offset: number, status?: 'STOPPED' | 'SYNCHRONIZING') => {
    const { tasks, count } = await listTasks(db, projectId, { limit, offset, status });
    return [tasks.map(({ id }) => ids.indexOf(id)), count];
  };
  assert.deepEqual(await page(2, 0), [[0, 1], 5]);
  assert.deepEqual(await page(2, 4), [[4], 5]);
  assert.deepEqual(await page(9, 9), [[], 5]);
  assert.deepEqual(await page(9, 0, 'STOPPED'), [[1], 1]);
  assert.deepEqual(await page(2, 1, 'SYNCHRONIZING'), [[2, 3], 4]);
  const other = await listTasks(db, 'another', { limit: 9, offset: 0 });
  assert.deepEqual(other, { tasks: [], count: 0 });
});

test('of two signals at once one is first', async () => {
  await using db = await testDatabase();
  const id = await addTask(db);
  const stops = await Promise.all([stopTask(db, id), stopTask(db, id), stopTask(db, id)]);
  assert.deepEqual(stops.filter(Boolean), [true]);
  assert.equal(await stopTask(db, id), false);
  assert.equal((await taskToWork(db, id))?.revision, 1);
  const starts = await Promise.all([
    startTask(db, id, undefined),
    startTask(db, id, { sealed: Buffer.of(9), keyId: 'new' }),
  ]);
  assert.deepEqual(starts.filter(Boolean), [true]);
  assert.equal((await taskToWork(db, id))?.revision, 2);
  assert.equal(await hideTask(db, id), false);
});

test('a start without credentials keeps those that are there; one with them replaces them', async () => {
  await using db = await testDatabase();
  const id = await addTask(db);
  const key = async () => (await taskToWork(db, id))?.credentials;
  await stopTask(db, id);
  await startTask(db, id, undefined);
  assert.deepEqual(await key(), { sealed: Buffer.of(1), keyId: 'none' });
  await stopTask(db, id);
  await startTask(db, id, { sealed: Buffer.of(2), keyId: 'new' });
  assert.deepEqual(await key(), { sealed: Buffer.of(2), keyId: 'new' });
});

test('a deleted task is hidden at once and cleared when no process works on it', async () => {
  await using db = await testDatabase();
  const [id, other] = [await addTask(db), await addTask(db)];
  for (const task of [id, other]) {
    await addKeys(db, task, ['k']);
    await claim(db, task);
  }
  await clearTask(db, other);
  assert.notEqual(await findTask(db, projectId, other), undefined);
  await stopTask(db, id);
  await hideTask(db, id);
  assert.equal(await findTask(db, projectId, id), undefined);
  assert.deepEqual(await hiddenTasks(db), [id]);
  assert.equal(await startTask(db, id, undefined), false);
  assert.equal(await taskInWork(db, id), true);
  await expireLeases(db);
  assert.equal(await taskInWork(db, id), false);
  await clearTask(db, id);
  assert.deepEqual(await hiddenTasks(db), []);
  assert.equal(await taskToWork(db, id), undefined);
});

test('a task runs from its creation until it is stopped, and after a start; a sync task is one kind', async () => {
  await using db = await testDatabase();
  const id = await addTask(db);
  const seen: unknown[] = [];
  const look = async () => {
    const { rows } = await db.query<{ running: boolean; kind: string }>(
      'select running, kind from tasks where id = $1',
      [id],
    );
    seen.push(...rows);
  };
  await look();
  await stopTask(db, id);
  await look();
  await startTask(db, id, undefined);
  await look();
  await stopTask(db, id);
  await hideTask(db, id);
  await look();
  assert.deepEqual(
    seen,
    [true, false, true, false].map((running) => ({ running, kind: 'sync' })),
  );
  await db.query(`update sync_tasks set kind = 'other', deleted_at = null where id = $1`, [id]);
  assert.equal(await findTask(db, projectId, id), undefined);
  assert.equal((await listTasks(db, projectId, { limit: 9, offset: 0 })).count, 0);
});

test('a deleted task is cleared in batches, each table whole, and no other task loses a row', async () => {
  await using db = await testDatabase();
  const [id, other] = [await addTask(db), await addTask(db)];
  for (const task of [id, other]) {
    await db.query(
      `with keys as (select 'k' || lpad(n::text, 3, '0') as key from generate_series(1, 23) as n),
      a as (insert into changes (task_id, object_key, generation, accepted_at, due_at)
        select $1, key, 1, now(), now() from keys),
      b as (insert into rechecks (task_id, object_key, lost_at, due_at) select $1, key, now(), now() from keys),
      c as (insert into objects (task_id, object_key, outcome, attempts, accepted_at, started_at)
        select $1, key, 'copied', 1, now(), now() from keys)
      -- More parts of one key than a batch has.
      insert into upload_parts (task_id, object_key, number, etag)
      select $1, key, number, '' from keys, generate_series(1, 12) as number`,
      [task],
    );
  }
  const count = async (task: string) => {
    const tables = ['changes', 'rechecks', 'objects', 'upload_parts'];
    const sql = tables.map((table) => `(select count(*)::int from ${table} where task_id = $1)`);
    const { rows } = await db.query<{ counts: number[] }>(`select array[${sql.join()}] as counts`, [
      task,
    ]);
    return rows[0]?.counts;
  };
  await stopTask(db, id);
  await hideTask(db, id);
  const stop = new AbortController();
  stop.abort(new Error('stopping'));
  await assert.rejects(clearTask(db, id, { signal: stop.signal }), /stopping/);
  let most = 0;
  const watched: Db = {
    async query<Row extends object>(...args: Parameters<Db['query']>) {
      const answer = await db.query<Row>(...args);
      most = Math.max(most, answer.rowCount);
      return answer;
    },
  };
  await clearTask(watched, id, { batch: 5 });
  assert.deepEqual(await count(id), [0, 0, 0, 0]);
  assert.deepEqual(await count(other), [23, 23, 23, 276]);
  assert.ok(most <= 5 + 12, `${most} rows by one statement`);
  assert.deepEqual(await hiddenTasks(db), []);
});
