import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import {
  addKeys,
  addTask,
  claim,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { ObjectRecord } from './object-record.ts';
import {
  clearOldDetails,
  hastenRetryingBatch,
  listObjects,
  listRetrying,
  newGeneration,
  retryFailedBatch,
} from './objects.ts';
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

test('a prefix is taken literally, and filters combine', async () => {
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

/** How PostgreSQL ran the last statement of `work`. */
async function planOf(db: Db, work: (explaining: Db) => Promise<unknown>): Promise<string> {
  let plan = '';
  await work({
    async query(statement, values) {
      const text = typeof statement === 'string' ? statement : statement.text;
      const { rows } = await db.query<Record<string, string>>(`explain analyze ${text}`, values);
      plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      return { rows: [], rowCount: 0 };
    },
  });
  return plan;
}

test('a page under a prefix reads its range and no more', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await db.query(
    `insert into objects (task_id, object_key, outcome, attempts, accepted_at, started_at)
    select $1, 'k' || n, 'copied', 1, now(), now() from generate_series(1, 20000) as n`,
    [task],
  );
  await db.query('analyze objects');
  const plan = await planOf(db, (explaining) =>
    listObjects(explaining, task, { prefix: 'k777', limit: 100 }),
  );
  assert.match(plan, /Index Scan using objects_pkey/);
  assert.doesNotMatch(plan, /Rows Removed by Filter: \d{3}/);
});

test('failed objects are made due again, in batches, and counted', async () => {
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

test('a retry does not change a live claim, and takes only keys under the prefix', async () => {
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

test('keys that wait for a retry are made due at once, each once and none that is in work', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['x/1', 'x/2', 'x/3', 'y/1', 'z']);
  const claims = await claim(db, task);
  const failed = { done: false, delayMs: 3_600_000, reason: 'denied', startedAt: 1 } as const;
  await settle(
    db,
    task,
    claims.filter(({ key }) => key !== 'z').map((one) => settlement(one, failed)),
  );
  const before = await newGeneration(db);
  const batch = { before, limit: 2, prefix: 'x/' };
  assert.equal(await hastenRetryingBatch(db, task, batch), 2);
  const again = await claim(db, task);
  await settle(
    db,
    task,
    again.map((one) => settlement(one, failed)),
  );
  assert.equal(await hastenRetryingBatch(db, task, batch), 1, 'those that failed again stay');
  assert.equal(await hastenRetryingBatch(db, task, batch), 0);
  const rest = await claim(db, task);
  assert.deepEqual([...again, ...rest].map(({ key, attempt }) => [key, attempt]).sort(), [
    ['x/1', 1],
    ['x/2', 1],
    ['x/3', 1],
  ]);
  await stopTask(db, task);
  const all = { before: await newGeneration(db), limit: 10 };
  assert.equal(await hastenRetryingBatch(db, task, all), 0, 'the task is stopped');
});

test('a stopped task retries nothing', async () => {
  await using db = await testDatabase();
  const task = await withObjects(db, ['!']);
  await stopTask(db, task);
  assert.equal(await retryFailedBatch(db, task, { limit: 10 }), undefined);
});

test('a record comes back as it was settled, field by field, with names and types of its schema', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['full', 'later']);
  const [full, later] = await claim(db, task);
  assert.ok(full && later);
  const result = {
    outcome: 'failed',
    reason: 'inconsistent',
    message: 'why',
    size: 7,
    checkMethod: 'crc64',
    checkPassed: false,
    checkDetail: 'differs',
    proof: 'transport',
    targetEtag: '"t"',
    targetVersion: 'v',
    crc64: '1',
    crc64nvme: 'AA==',
    startedAt: 1_700_000_000_500,
  } as const;
  await settle(db, task, [
    settlement(full, result),
    settlement(later, { done: false, delayMs: 9, reason: 'denied', message: 'no', startedAt: 1 }),
  ]);
  const listed = first(await listObjects(db, task, { limit: 9 }));
  assert.partialDeepStrictEqual(listed, { key: 'full', ...result });
  const retried = first(await listRetrying(db, task, { limit: 9 }));
  for (const row of [listed, retried]) {
    assert.ok(Value.Check(ObjectRecord, row), JSON.stringify(Value.Errors(ObjectRecord, row)));
  }
  const named = new Set([...Object.keys(listed), ...Object.keys(retried)]);
  assert.deepEqual([...named].sort(), Object.keys(ObjectRecord.properties).sort());
});

test('old rows keep their evidence and lose message and attempts; no others do', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  const keys = ['a', 'b', 'c', 'd', 'plain'];
  await addKeys(db, task, keys);
  const evidence = { sourceEtag: '"s"', targetEtag: '"t"', targetVersion: 'v', crc64: '1' };
  const proven = {
    checkMethod: 'crc64',
    checkPassed: true,
    checkDetail: '1',
    proof: 'transport',
  } as const;
  await settle(
    db,
    task,
    (await claim(db, task)).map((one) =>
      settlement(one, {
        ...evidence,
        ...proven,
        ...(one.key !== 'plain' && { message: 'a note', reason: 'why' }),
      }),
    ),
  );
  await db.query(
    `update objects set settled_at = now() - interval '31 days' where object_key <> 'd'`,
  );
  const before = await listObjects(db, task, { limit: 9 });
  assert.equal(await clearOldDetails(db, { days: 30, limit: 2 }), 2);
  assert.equal(await clearOldDetails(db, { days: 30, limit: 2 }), 1);
  assert.equal(await clearOldDetails(db, { days: 30, limit: 2 }), 0);
  assert.deepEqual(
    await listObjects(db, task, { limit: 9 }),
    before.map(({ message, attempts, ...row }) =>
      ['a', 'b', 'c'].includes(row.key) ? row : { ...row, ...(message && { message }), attempts },
    ),
  );
  await addKeys(db, task, keys);
  for (const one of await claim(db, task)) {
    const { copiedEtag, targetEtag, targetVersion } = one;
    assert.deepEqual([copiedEtag, targetEtag, targetVersion], ['"s"', '"t"', 'v'], one.key);
  }
});

test('a pass over old rows reads those that have something to clear, by their index', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await db.query(
    `insert into objects (task_id, object_key, outcome, message, attempts, accepted_at, started_at, settled_at)
    select $1, 'k' || n, 'copied', case when n % 1000 = 0 then 'note' end, 1, now(), now(), now() - interval '31 days'
    from generate_series(1, 20000) as n`,
    [task],
  );
  await db.query('analyze objects');
  const plan = await planOf(db, (explaining) =>
    clearOldDetails(explaining, { days: 30, limit: 100 }),
  );
  assert.match(plan, /Scan (?:using|on) objects_to_clear/);
  assert.doesNotMatch(plan, /Seq Scan/);
});
