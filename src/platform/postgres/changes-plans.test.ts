import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { addKeys, addTask, claim, first, settle, settlement } from '../../../test/kit/sync-task.ts';
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
