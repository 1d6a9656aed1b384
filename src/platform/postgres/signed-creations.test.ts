import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  deleteOldSignedCreations,
  findSignedCreation,
  insertSignedCreation,
} from './signed-creations.ts';

const digest = Buffer.alloc(32, 1);

test('a signed creation is stored once, and a later one gets what the first created', async () => {
  await using database = await testDatabase();
  assert.equal(await findSignedCreation(database, digest), undefined);
  assert.equal(await insertSignedCreation(database, digest, 'first'), undefined);
  const { createdId, ageMs } = (await insertSignedCreation(database, digest, 'second')) ?? {};
  assert.equal(createdId, 'first');
  assert.ok(ageMs !== undefined && ageMs >= 0 && ageMs < 60_000);
  assert.equal((await findSignedCreation(database, digest))?.createdId, 'first');
  assert.equal(await insertSignedCreation(database, Buffer.alloc(32, 2), 'other'), undefined);
});

test('a signed creation is not stored where its transaction fails, and a waiting one is stored then', async () => {
  await using database = await testDatabase();
  const stored = Promise.withResolvers<undefined>();
  const fails = Promise.withResolvers<undefined>();
  const first = database.transaction(async (db) => {
    await insertSignedCreation(db, digest, 'first');
    stored.resolve(undefined);
    await fails.promise;
    throw new Error('fails');
  });
  await stored.promise;
  const second = insertSignedCreation(database, digest, 'second');
  fails.resolve(undefined);
  await assert.rejects(first, /fails/);
  assert.equal(await second, undefined);
  assert.equal((await findSignedCreation(database, digest))?.createdId, 'second');
});

test('signed creations are kept while their signature could be accepted, and removed after that', async () => {
  await using database = await testDatabase();
  await insertSignedCreation(database, digest, 'first');
  const age = `update signed_creations set created_at = now() - $1::interval`;
  await database.query(age, ['31 minutes']);
  await deleteOldSignedCreations(database);
  assert.notEqual(await findSignedCreation(database, digest), undefined);
  await database.query(age, ['61 minutes']);
  await deleteOldSignedCreations(database);
  assert.equal(await findSignedCreation(database, digest), undefined);
});
