import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { DatabaseLockouts, type Lockouts, MemoryLockouts } from './lockouts.ts';

const MINUTE = 60_000;

async function strike(strikes: Lockouts, key: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await strikes.failed(key);
}

test('five failures in a row are one too many, for five minutes', async () => {
  let now = 0;
  const strikes = new MemoryLockouts(() => now);
  await strike(strikes, 'a', 4);
  assert.equal(strikes.outUntil('a'), undefined);
  await strikes.failed('a');
  assert.ok(strikes.outUntil('a') !== undefined);
  assert.equal(strikes.outUntil('b'), undefined);
  now = 5 * MINUTE - 1;
  assert.ok(strikes.outUntil('a') !== undefined);
  now = 5 * MINUTE;
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a success in between restarts the count', async () => {
  const strikes = new MemoryLockouts(() => 0);
  await strike(strikes, 'a', 4);
  await strikes.succeeded('a');
  await strike(strikes, 'a', 4);
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a flood of keys uses the memory of at most ten thousand keys', async () => {
  const strikes = new MemoryLockouts(() => 0);
  await strike(strikes, 'a', 5);
  for (let key = 0; key < 9_999; key++) await strikes.failed(`key ${key}`);
  assert.ok(strikes.outUntil('a') !== undefined);
  await strikes.failed('one more');
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a flood of keys does not readmit a key that is locked out', async () => {
  const strikes = new MemoryLockouts(() => 0);
  for (let key = 0; key < 9_990; key++) await strikes.failed(`key ${key}`);
  await strike(strikes, 'a', 5);
  for (let key = 0; key < 9_990; key++) await strikes.failed(`another ${key}`);
  assert.ok(strikes.outUntil('a') !== undefined);
});

test('failures at any process count for all, until a success at one of them', async () => {
  await using database = await testDatabase();
  let now = 0;
  const [one, other] = [0, 1].map(() => new DatabaseLockouts(database, () => now));
  assert.ok(one !== undefined && other !== undefined);
  await strike(one, 'a', 3);
  await strike(other, 'a', 2);
  assert.ok(other.outUntil('a') !== undefined);
  await one.refresh('a');
  assert.ok(one.outUntil('a') !== undefined);
  const later = new DatabaseLockouts(database, () => now);
  await later.refresh('a');
  assert.ok(later.outUntil('a') !== undefined, 'a restart begins no new count');
  await strike(one, 'b', 4);
  await one.succeeded('b');
  now += 1_000;
  await strike(other, 'b', 4);
  assert.equal(other.outUntil('b'), undefined);
});

test('log-ins of an address count at all processes together', async () => {
  await using database = await testDatabase();
  const [one, other] = [0, 1].map(() => new DatabaseLockouts(database, () => 0));
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(await one.take('a', 2), 0);
  assert.equal(await other.take('a', 2), 0);
  const wait = await one.take('a', 2);
  assert.ok(wait > 0 && wait <= 60_000, `${wait}`);
  assert.equal(await one.take('b', 2), 0);
  assert.equal(await one.take('a', 0), 0);
});
