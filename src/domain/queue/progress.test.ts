import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  expireLeases,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase, testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { Database, type Db } from '../../platform/postgres/db.ts';
import { queueProgress } from './progress.ts';
import { recentRate } from './statistics.ts';

const later = { done: false, delayMs: 3_600_000, reason: 'unreachable', message: 'no' } as const;

test('the progress of a task that has nothing is zero and exact', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, await addTask(db), ['of another task']);
  assert.deepEqual(await queueProgress(db, task), {
    waitingEvents: 0,
    waitingScans: 0,
    inWork: 0,
    retrying: 0,
    rechecking: 0,
    exact: true,
    lagSeconds: 0,
  });
});

test('the progress of a task counts each key once, by what becomes of it next', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['fails', 'lost', 'in work']);
  const [fails, inWork, lost] = await claim(db, task);
  assert.ok(fails && inWork && lost);
  await settle(db, task, [settlement(fails, { ...later, startedAt: 1 })]);
  await expireLeases(db, 'lost');
  await claim(db, task);
  await addKeys(db, task, ['a', 'b', 'c']);
  await enqueue(db, task, 'scan', ['c', 'd', 'e']);
  await db.query(
    `update changes set accepted_at = now() - interval '90 seconds' where object_key = 'b'`,
  );
  const progress = await queueProgress(db, task);
  assert.partialDeepStrictEqual(progress, {
    waitingEvents: 3,
    waitingScans: 2,
    inWork: 2,
    retrying: 1,
    rechecking: 1,
    exact: true,
  });
  assert.equal(Math.round(progress.lagSeconds / 90), 1);
  const { rows } = await db.query<{ at: number }>(
    `select due_at as at from changes where object_key = 'fails'`,
  );
  assert.equal(progress.nextRetryAt, first(rows).at);
});

/** Rows that were read from the table `changes` and its indexes so far, by this connection. */
async function rowsRead(db: Db): Promise<number> {
  await db.query('select pg_stat_force_next_flush()');
  const { rows } = await db.query<{ n: number }>(
    `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_user_tables where relname = 'changes'`,
  );
  return first(rows).n;
}

test('the progress of a task with many waiting keys reads its limit, and says that it counted no further', async () => {
  await using db = await Database.connect({
    url: await testDatabaseUrl(),
    allowUnsafe: true,
    connections: 1,
  });
  const task = await addTask(db);
  const keys = Array.from({ length: 20_000 }, (_, index) => `key/${index}`);
  await addKeys(db, task, ['fails', ...keys]);
  await enqueue(
    db,
    task,
    'scan',
    keys.map((key) => `scanned/${key}`),
  );
  const [fails] = (await claim(db, task, { limit: 30_000 })).filter(({ key }) => key === 'fails');
  assert.ok(fails);
  await settle(db, task, [settlement(fails, { ...later, startedAt: 1 })]);
  await expireLeases(db);
  await db.query('vacuum analyze changes');
  const before = await rowsRead(db);
  const progress = await queueProgress(db, task, 1_000);
  const read = (await rowsRead(db)) - before;
  assert.partialDeepStrictEqual(progress, { retrying: 1, exact: false });
  assert.equal(progress.waitingEvents + progress.waitingScans, 2_000);
  assert.ok(read < 4_000, `${read} rows were read`);
});

test('the rate is that of the last minutes, or since a younger task was created', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  const count = (ago: string, objects: number) =>
    db.query(
      `insert into statistics (task_id, width, starts_at, writer, successes, failures, skips, bytes)
      values ($1, 300, date_bin('5 minutes', now(), 'epoch') - $2::interval, 1, $3, 1, 1, 1000)`,
      [task, ago, objects],
    );
  await count('0 minutes', 98);
  await count('5 minutes', 198);
  await count('10 minutes', 1e6);
  const old = await recentRate(db, task, { createdAt: 0 });
  assert.ok(old.seconds >= 300 && old.seconds <= 600, `${old.seconds}`);
  assert.equal(Math.round(old.objectsPerSecond * old.seconds), 300);
  assert.equal(Math.round(old.bytesPerSecond * old.seconds), 2000);
  const young = await recentRate(db, task, { createdAt: Date.now() - 20_000 });
  assert.ok(young.seconds < 300, `${young.seconds}`);
  const none = await recentRate(db, await addTask(db), { createdAt: Date.now() + 60_000 });
  assert.deepEqual(none, { seconds: 1, objectsPerSecond: 0, bytesPerSecond: 0 });
});
