import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Database, Db } from '../../platform/postgres/db.ts';
import { DatabaseRates, type Rate } from './rates.ts';
import { deleteUnusedRates } from './rates-table.ts';

/** A process: its time stands still unless it is moved, and its statements are counted. */
function processOn(database: Database) {
  const clock = { time: 1_000_000 };
  const asked = { count: 0 };
  const db = Object.create(database) as Database;
  db.query = (...args: Parameters<Db['query']>) => {
    asked.count += 1;
    return database.query(...args);
  };
  return { clock, asked, rates: new DatabaseRates(db, () => clock.time) };
}

async function passes(rate: Rate, key = 'k'): Promise<boolean> {
  if ((await rate.wait(key)) > 0) return false;
  rate.take(key);
  return true;
}

async function countPassing(rates: readonly Rate[], calls: number, key?: string): Promise<number> {
  let count = 0;
  for (let call = 0; call < calls; call++) {
    const rate = rates[call % rates.length];
    if (rate !== undefined && (await passes(rate, key))) count += 1;
  }
  return count;
}

/** As if this much time had passed for the database. */
const later = (db: Db, seconds: number) =>
  db.query(`update rates set at = at - $1::int * interval '1 second'`, [seconds]);

test('two processes let no more through than one would', async () => {
  await using db = await testDatabase();
  const [one, two] = [processOn(db), processOn(db)];
  const rates = [one.rates.of('calls of', 30), two.rates.of('calls of', 30)];
  const passed = await countPassing(rates, 100);
  // One more comes back within two seconds.
  assert.ok(passed >= 30 && passed <= 31, `${passed}`);
});

test('keys and names are counted apart, and no rate lets all through', async () => {
  await using db = await testDatabase();
  const { rates, asked } = processOn(db);
  assert.equal(await countPassing([rates.of('calls of', 2)], 9, 'a'), 2);
  assert.equal(await countPassing([rates.of('calls of', 2)], 9, 'b'), 2);
  assert.equal(await countPassing([rates.of('lists of', 2)], 9, 'a'), 2);
  const before = asked.count;
  assert.equal(await countPassing([rates.of('events of', 0)], 9, 'a'), 9);
  assert.equal(asked.count, before);
});

test('a process reads the database once for one second’s worth of calls', async () => {
  await using db = await testDatabase();
  const { rates, asked } = processOn(db);
  const rate = rates.of('events of', 6_000);
  assert.equal(await countPassing([rate], 1_000), 1_000);
  assert.equal(asked.count, 10);
});

test('concurrent calls share their queries, and all that the rate allows pass', async () => {
  await using db = await testDatabase();
  const { rates, asked } = processOn(db);
  const rate = rates.of('events of', 600);
  const waits = await Promise.all(Array.from({ length: 300 }, () => rate.wait('k')));
  assert.ok(waits.every((wait) => wait === 0));
  assert.ok(asked.count <= 2, `${asked.count}`);
});

test('a caller that is held back costs a statement at most every 200 ms, and learns how long to wait', async () => {
  await using db = await testDatabase();
  const { rates, asked, clock } = processOn(db);
  const rate = rates.of('calls of', 6);
  assert.equal(await countPassing([rate], 6), 6);
  const wait = await rate.wait('k');
  assert.ok(wait > 9_000 && wait <= 10_000, `${wait}`);
  const before = asked.count;
  for (let call = 0; call < 100; call++) assert.equal(await passes(rate), false);
  assert.equal(asked.count, before);
  clock.time += 10_000;
  await later(db, 10);
  assert.equal(await countPassing([rate], 3), 1);
});

test('what is left over comes back within a minute, and not more', async () => {
  await using db = await testDatabase();
  const { rates, clock } = processOn(db);
  const rate = rates.of('calls of', 60);
  assert.equal(await countPassing([rate], 60), 60);
  for (const [seconds, back] of [
    [30, 30],
    [600, 60],
  ] as const) {
    clock.time += seconds * 1_000;
    await later(db, seconds);
    const passed = await countPassing([rate], 100);
    assert.ok(passed >= back && passed <= back + 1, `${seconds}: ${passed}`);
  }
});

test('what a process took and did not use is not kept for ever', async () => {
  await using db = await testDatabase();
  const { rates, clock } = processOn(db);
  const rate = rates.of('calls of', 600);
  await rate.wait('k');
  assert.equal(rate.has('k'), true);
  clock.time += 60_000;
  assert.equal(rate.has('k'), false);
});

test('failures beyond the rate are deducted in all processes', async () => {
  await using db = await testDatabase();
  const [one, two] = [processOn(db), processOn(db)];
  const rate = one.rates.of('failures from', 60);
  assert.equal(await rate.wait('k'), 0);
  for (let failure = 0; failure < 60; failure++) rate.take('k');
  assert.ok((await rate.wait('k')) > 0);
  assert.ok((await two.rates.of('failures from', 60).wait('k')) > 0);
});

test('rates that are no longer used are removed', async () => {
  await using db = await testDatabase();
  const rate = processOn(db).rates.of('calls of', 2);
  await passes(rate);
  const count = async () => (await db.query('select from rates')).rowCount;
  await deleteUnusedRates(db);
  assert.equal(await count(), 1);
  await later(db, 121);
  await deleteUnusedRates(db);
  assert.equal(await count(), 0);
});
