import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addKeys, addTask, claim, first, settle, settlement } from '../../../test/kit/sync-task.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { listObjects, removeOldObjects, retryFailedBatch } from './objects.ts';
import { stopTask } from '../tasks/tasks-table.ts';

/** Lines of the object list; keys that begin with `!` failed. */
async function withObjects(db: Db, keys: readonly string[]): Promise<string> {
  const task = await addTask(db);
  await addKeys(db, task, keys);
  const claims = await claim(db, task, { limit: 1_000 });
  await settle(
    db,
    task,
    claims.map((one) => settlement(one, { outcome: one.key.includes('!') ? 'failed' : 'copied' })),
  );
  return task;
}

test('pages come in the order of the keys’ bytes and lose nothing', async () => {
  await using db = await testDatabase();
  const keys = ['a', 'a/b', 'a b', 'B', 'é', '中', '🙈', '\u{10ffff}', '\uffff', 'z'.repeat(1024)];
  const task = await withObjects(db, keys);
  const seen: string[] = [];
  for (let after: string | undefined; ; after = seen.at(-1)) {
    const page = await listObjects(db, task, { after, limit: 3 });
    seen.push(...page.map(({ key }) => key));
    if (page.length < 3) break;
  }
  const inOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(seen, inOrder);
});

test('a prefix is taken as it is, and filters go together', async () => {
  await using db = await testDatabase();
  const all = ['a%b', 'a%!', 'a%', 'a', 'axb', 'a_', 'a%\u{10ffff}', 'a%\u{10ffff}x', 'b', 'A%'];
  const task = await withObjects(db, all);
  const list = async (filter: Omit<Parameters<typeof listObjects>[2], 'limit'>) =>
    (await listObjects(db, task, { ...filter, limit: 100 })).map(({ key }) => key);
  assert.deepEqual(await list({ prefix: 'a%' }), [
    'a%',
    'a%!',
    'a%b',
    'a%\u{10ffff}',
    'a%\u{10ffff}x',
  ]);
  assert.deepEqual(await list({ prefix: 'a%', after: 'a%!' }), [
    'a%b',
    'a%\u{10ffff}',
    'a%\u{10ffff}x',
  ]);
  assert.deepEqual(await list({ prefix: 'a%', outcome: 'failed' }), ['a%!']);
  assert.deepEqual(await list({ prefix: 'a%', outcome: 'skipped' }), []);
  assert.deepEqual(await list({ prefix: 'c' }), []);
  assert.equal((await list({})).length, all.length);
});

test('a page under a prefix reads its range and no more', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await db.query(
    `insert into objects (task_id, object_key, outcome, attempts, accepted_at, started_at)
    select $1, 'k' || n, 'copied', 1, now(), now() from generate_series(1, 20000) as n`,
    [task],
  );
  await db.query('analyze objects');
  let plan = '';
  const explaining: Db = {
    async query(statement, values) {
      const text = typeof statement === 'string' ? statement : statement.text;
      const { rows } = await db.query<Record<string, string>>(`explain analyze ${text}`, values);
      plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      return { rows: [], rowCount: 0 };
    },
  };
  await listObjects(explaining, task, { prefix: 'k777', limit: 100 });
  assert.match(plan, /Index Scan using objects_pkey/);
  assert.doesNotMatch(plan, /Rows Removed by Filter: \d{3}/);
});

test('what failed is made due again, in batches, and counted', async () => {
  await using db = await testDatabase();
  const task = await withObjects(db, ['a', 'b!', 'c!', 'd!', 'e']);
  const one = await retryFailedBatch(db, task, { limit: 2 });
  assert.deepEqual(one, { lastKey: 'c!', count: 2 });
  const two = await retryFailedBatch(db, task, { limit: 2, after: one.lastKey });
  assert.deepEqual(two, { lastKey: 'd!', count: 1 });
  assert.equal(await retryFailedBatch(db, task, { limit: 2, after: two.lastKey }), undefined);
  const claimed = await claim(db, task);
  assert.deepEqual(
    claimed.map(({ key, attempt }) => [key, attempt]),
    [
      ['b!', 1],
      ['c!', 1],
      ['d!', 1],
    ],
  );
});

test('a retry leaves a live claim alone, and takes only what is under the prefix', async () => {
  await using db = await testDatabase();
  const task = await withObjects(db, ['x/!', 'y/!']);
  await addKeys(db, task, ['x/!']);
  const held = first(await claim(db, task));
  const batch = await retryFailedBatch(db, task, { limit: 10, prefix: 'x/' });
  assert.deepEqual(batch, { lastKey: 'x/!', count: 1 });
  assert.deepEqual(await claim(db, task), []);
  assert.deepEqual(await settle(db, task, [settlement(held)]), { held: 1, late: 0 });
  assert.equal(first(await claim(db, task)).key, 'x/!');
});

test('a stopped task retries nothing', async () => {
  await using db = await testDatabase();
  const task = await withObjects(db, ['!']);
  await stopTask(db, task);
  assert.equal(await retryFailedBatch(db, task, { limit: 10 }), undefined);
});

test('old lines are removed, and no others', async () => {
  await using db = await testDatabase();
  const task = await withObjects(db, ['a', 'b', 'c', 'd']);
  await db.query(
    `update objects set settled_at = now() - interval '31 days' where object_key < 'd'`,
  );
  assert.equal(await removeOldObjects(db, { days: 30, limit: 2 }), 2);
  assert.equal(await removeOldObjects(db, { days: 30, limit: 2 }), 1);
  assert.deepEqual(
    (await listObjects(db, task, { limit: 9 })).map(({ key }) => key),
    ['d'],
  );
});
