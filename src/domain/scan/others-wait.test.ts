import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addScan } from '../../../test/kit/scanner-fixture.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import { claimListing, setUnordered } from './kept-listings-table.ts';
import { othersWait } from './others-wait.ts';
import { claimRange } from './ranges-table.ts';

const LEASE_MS = 60_000;

test('a scan waits while a range or a listing of it is due that no process works on', async () => {
  await using db = await testDatabase();
  const long = await addScan(db, await addTask(db));
  assert.ok(await claimRange(db, LEASE_MS));
  assert.equal(await othersWait(db, long), false);
  const other = await addScan(db, await addTask(db));
  assert.deepEqual([await othersWait(db, long), await othersWait(db, other)], [true, false]);
  assert.equal((await claimRange(db, LEASE_MS))?.scanId, other);
  assert.equal(await othersWait(db, long), false);
  assert.ok(await db.transaction((inner) => setUnordered(inner, other, 'source')));
  assert.equal(await othersWait(db, long), true);
  assert.equal((await claimListing(db, LEASE_MS))?.scanId, other);
  assert.equal(await othersWait(db, long), false);
  await addScan(db, await addTask(db));
  await db.query('update scans set held = true where id not in ($1, $2)', [long, other]);
  assert.equal(await othersWait(db, long), false);
});
