import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { DatabaseUsedSignatures, deleteOldUsedSignatures } from './used-signatures.ts';

const call = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

test('a signed call is carried out once in all processes, but for the moments after it', async () => {
  await using database = await testDatabase();
  const here = new DatabaseUsedSignatures(database);
  const there = new DatabaseUsedSignatures(database);
  const first = await Promise.all([here, there, here, there].map((one) => one.mayUse(call, 0)));
  assert.equal(first.filter((may) => may).length, 1);
  assert.equal(await there.mayUse(call, 60_000), true);
  assert.equal(await there.mayUse(other, 0), true);
  await database.query(`update used_signatures set used_at = now() - interval '61 seconds'`);
  assert.equal(await here.mayUse(call, 60_000), false);
});

test('a signed call is remembered for as long as its date is accepted', async () => {
  await using database = await testDatabase();
  const used = new DatabaseUsedSignatures(database);
  await used.mayUse(call, 0);
  await database.query(`update used_signatures set used_at = now() - interval '31 minutes'`);
  await deleteOldUsedSignatures(database);
  assert.equal(await used.mayUse(call, 0), false);
  await database.query(`update used_signatures set used_at = now() - interval '61 minutes'`);
  await deleteOldUsedSignatures(database);
  assert.equal(await used.mayUse(call, 0), true);
});
