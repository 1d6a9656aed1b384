import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { addTask, first } from '../../../test/kit/queue-rows.ts';
import { Database, type Db } from '../../platform/postgres/db.ts';
import { enqueueNextBatch } from './enqueue-report.ts';
import { claimListing, removeKept } from './kept-listings-table.ts';
import { othersWait } from './others-wait.ts';
import { claimRange, rangeToSplit, scansToEnd } from './ranges-table.ts';

const ENDED = 20_000;
const RANGES = 3;

/** Rows that this connection has read so far from the tables of scans, whether by an index or from end to end. */
async function rowsRead(db: Db): Promise<number> {
  await db.query('select pg_stat_force_next_flush()');
  const { rows } = await db.query<{ n: number }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_user_tables
    where relname in ('scans', 'scan_ranges')`,
  );
  return first(rows).n;
}

/** Scans that have ended, with their ranges, and one that is at work, with as many more. */
async function fill(db: Db): Promise<string> {
  const task = await addTask(db);
  await db.query(
    `with ended as (
      insert into scans (id, task_id, kind, state, ended_at)
      select gen_random_uuid(), $1, 'reconcile', 'complete', now() from generate_series(1, $2) returning id
    )
    insert into scan_ranges (scan_id, after_key, cursor_key, state)
    select id, n::text, '', 'done' from ended, generate_series(1, $3) as n`,
    [task, ENDED, RANGES],
  );
  const { rows } = await db.query<{ id: string }>(
    `with open as (
      insert into scans (id, task_id, kind, state) values (gen_random_uuid(), $1, 'reconcile', 'running') returning id
    ), ranges as (
      insert into scan_ranges (scan_id, after_key, cursor_key, state)
      select id, n::text, '', case when n = $2 then 'open' else 'done' end from open, generate_series(1, $2) as n
    )
    select id from open`,
    [task, ENDED],
  );
  return first(rows).id;
}

test('a look for work of scans reads neither scans that have ended nor ranges that are done', async () => {
  await using db = await Database.connect({
    url: await testDatabaseUrl(),
    allowUnsafe: true,
    connections: 1,
  });
  const open = await fill(db);
  await db.query('vacuum analyze scans, scan_ranges');
  for (const [what, look] of [
    ['scansToEnd', async () => assert.deepEqual(await scansToEnd(db), [])],
    ['claimRange', async () => assert.equal((await claimRange(db, 60_000))?.scanId, open)],
    [
      'claimRange, when nothing is due',
      async () => assert.equal(await claimRange(db, 1), undefined),
    ],
    ['claimListing', async () => assert.equal(await claimListing(db, 1), undefined)],
    ['othersWait', async () => assert.equal(await othersWait(db, open), false)],
    ['rangeToSplit', async () => assert.equal(await rangeToSplit(db, { pages: 9 }), undefined)],
    ['enqueueNextBatch', async () => assert.equal(await enqueueNextBatch(db, 100), false)],
    ['removeKept', async () => assert.equal(await removeKept(db, 100), false)],
  ] as const) {
    const before = await rowsRead(db);
    await look();
    const read = (await rowsRead(db)) - before;
    assert.ok(read < 100, `${what}: ${read} rows were read`);
  }
  await db.query(`update scan_ranges set state = 'done' where state = 'open'`);
  const before = await rowsRead(db);
  assert.deepEqual(await scansToEnd(db), [open]);
  assert.ok((await rowsRead(db)) - before < 100, 'a scan to end');
});
