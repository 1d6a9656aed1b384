import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Database } from './db.ts';
import { checkWrites } from './write-check.ts';

const PATIENCE_MS = 10_000;

async function bytesOf(database: Database): Promise<number> {
  const { rows } = await database.query<{ bytes: number }>(
    `select pg_relation_size('write_checks')::int as bytes`,
  );
  return rows[0]?.bytes ?? -1;
}

test('a check of writes takes a new page each time, so that it finds a full disk, and vacuum gives all back', async () => {
  await using database = await testDatabase();
  for (const pages of [1, 2, 3]) {
    await checkWrites(database, PATIENCE_MS);
    assert.equal(await bytesOf(database), pages * 8192);
  }
  assert.deepEqual((await database.query('select from write_checks')).rows, []);
  await database.query('vacuum write_checks');
  assert.equal(await bytesOf(database), 0);
});

test('a check of writes does not wait for the locks that a backup holds on all tables', async () => {
  await using database = await testDatabase();
  await database.transaction(async (backup) => {
    await backup.query('lock table write_checks in access share mode');
    await checkWrites(database, PATIENCE_MS);
  });
});

test('a check of writes says why nothing can be written', async () => {
  await using database = await testDatabase({ connections: 1 });
  await database.query('set default_transaction_read_only = on');
  await assert.rejects(checkWrites(database, PATIENCE_MS), { fault: 'read-only' });
  await checkWrites(database, PATIENCE_MS);
});
