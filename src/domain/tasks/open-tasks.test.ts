import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addTask, plainPlan, projectId } from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { insertTask, setBehaviour, startTask, stopTask } from './tasks-table.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import type { Store } from '../../platform/stores/store.ts';
import { sealCredentials } from './credentials.ts';
import { OpenTasks, TaskGone } from './open-tasks.ts';

/** A task in the database, and what counts how its buckets are opened and closed. */
async function openTasksOf(database: Database) {
  await addTask(database); // And so its project.
  const sealer = new Sealer(randomBytes(32));
  const keys = { accessKeyId: 'key', secretAccessKey: new Secret('secret') };
  const taskId = randomUUID();
  const credentials = sealCredentials(sealer, taskId, { source: keys, target: keys });
  await insertTask(database, { ...plainPlan, id: taskId, projectId }, credentials, { tasksMax: 9 });
  const counts = { opened: 0, closed: 0 };
  const open = (): Store => {
    counts.opened += 1;
    const store = new MemoryStore();
    store[Symbol.asyncDispose] = async () => void (counts.closed += 1);
    return store;
  };
  const openTasks = new OpenTasks({
    database,
    sealer,
    restoreDays: 3,
    open: { source: open, target: open },
  });
  return { openTasks, taskId, counts };
}

test('buckets are opened once for all who use them, and closed at the end', async () => {
  await using db = await testDatabase();
  const { openTasks, taskId, counts } = await openTasksOf(db);
  const used = await Promise.all(Array.from({ length: 32 }, () => openTasks.use(taskId, 1)));
  for (const task of used) task[Symbol.dispose]();
  assert.deepEqual(counts, { opened: 2, closed: 0 });
  await openTasks[Symbol.asyncDispose]();
  assert.deepEqual(counts, { opened: 2, closed: 2 });
});

test('after a start they are opened once more for all users, and the old close when unused', async () => {
  await using db = await testDatabase();
  const { openTasks, taskId, counts } = await openTasksOf(db);
  const old = await openTasks.use(taskId, 1);
  await stopTask(db, taskId);
  await startTask(db, taskId, undefined);
  await Promise.all(Array.from({ length: 32 }, () => openTasks.use(taskId, 2)));
  assert.deepEqual(counts, { opened: 4, closed: 0 });
  old[Symbol.dispose]();
  assert.deepEqual(counts, { opened: 4, closed: 2 });
  await openTasks[Symbol.asyncDispose]();
});

test('a store lacks what its probe refuted', async () => {
  await using db = await testDatabase();
  const { openTasks, taskId } = await openTasksOf(db);
  await setBehaviour(db, taskId, {
    source: { checksMd5: false },
    target: { conditionalPut: false, conditionalRemove: true },
  });
  using task = await openTasks.use(taskId, 1);
  const { source, target } = task;
  assert.deepEqual([source.traits.checksMd5, source.traits.conditionalPut], [false, true]);
  assert.deepEqual([target.traits.checksMd5, target.traits.conditionalPut], [true, false]);
  assert.equal(target.traits.conditionalRemove, true);
  await openTasks[Symbol.asyncDispose]();
});

test('a task that is gone is reported', async () => {
  await using db = await testDatabase();
  const { openTasks } = await openTasksOf(db);
  await assert.rejects(openTasks.use(randomUUID(), 1), TaskGone);
});
