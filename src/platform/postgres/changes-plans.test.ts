import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabaseUrl } from '../../../test/kit/postgres.ts';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { dueTasks, untilNextDue } from '../../domain/queue/changes.ts';
import { Database, type Db } from './db.ts';

/** Entries that were read from the indexes of `changes` so far, by this connection. */
async function entriesRead(db: Db): Promise<number> {
  await db.query('select pg_stat_force_next_flush()');
  const { rows } = await db.query<{ n: number }>(
    `select sum(idx_tup_read)::int as n from pg_stat_user_indexes where relname = 'changes'`,
  );
  return first(rows).n;
}

test('a claim and its settlement read their own rows, whatever the planner believes of the task', async () => {
  await using db = await Database.connect({
    url: await testDatabaseUrl(),
    allowUnsafe: true,
    connections: 1,
  });
  const keys = Array.from({ length: 20_000 }, (_, index) => `key/${index}`);
  // What is known of the table is of a task that came before.
  await addKeys(db, await addTask(db), keys);
  await db.query('analyze changes');
  const task = await addTask(db);
  await addKeys(db, task, keys);
  const before = await entriesRead(db);
  const claimed = await claim(db, task, { limit: 100 });
  await settle(
    db,
    task,
    claimed.map((one) => settlement(one)),
  );
  assert.equal(claimed.length, 100);
  const read = (await entriesRead(db)) - before;
  assert.ok(read < 5_000, `${read} entries were read for 100 keys`);
});

test('a claim and a look for work read neither what is not due yet nor other lanes', async () => {
  await using db = await Database.connect({
    url: await testDatabaseUrl(),
    allowUnsafe: true,
    connections: 1,
  });
  const keys = Array.from({ length: 20_000 }, (_, index) => `key/${index}`);
  const task = await addTask(db);
  await addKeys(db, task, keys);
  await db.query(`update changes set due_at = now() + interval '1 hour'`);
  await enqueue(
    db,
    task,
    'scan',
    keys.map((key) => `scanned/${key}`),
  );
  await addKeys(db, task, ['event']);
  await db.query('vacuum analyze changes');
  const before = await entriesRead(db);
  assert.deepEqual(await dueTasks(db), [task]);
  assert.equal((await claim(db, task, { limit: 100 })).length, 100);
  await untilNextDue(db);
  const read = (await entriesRead(db)) - before;
  assert.ok(read < 5_000, `${read} entries were read for 100 keys`);
});
