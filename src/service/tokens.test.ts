import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { testDatabase, testDatabaseUrl } from '../../test/kit/postgres.ts';
import { Database } from '../database/db.ts';
import { insertProject } from '../database/tokens.ts';
import { ensureFirstToken, tokenService } from './tokens.ts';

test('of several processes that start at once, one makes the project and its token', async () => {
  const url = await testDatabaseUrl();
  const processes = await Promise.all(
    Array.from({ length: 4 }, () => Database.connect({ url, allowUnsafe: true, connections: 1 })),
  );
  const made = await Promise.all(
    processes.map((database) => ensureFirstToken(database, undefined)),
  );
  assert.equal(new Set(made.map(({ projectId }) => projectId)).size, 1);
  const tokens = made.flatMap(({ token }) => (token === undefined ? [] : [token]));
  assert.equal(tokens.length, 1);
  assert.match(made[0]?.projectId ?? '', /^[0-9a-f]{32}$/);
  for (const database of processes) {
    const principal = await tokenService(database, () => 0).authenticate(tokens[0] ?? '');
    assert.deepEqual(principal, { projectId: made[0]?.projectId });
    await database[Symbol.asyncDispose]();
  }
});

test('a later start neither makes nor tells a token', async () => {
  await using database = await testDatabase();
  const { projectId, token } = await ensureFirstToken(database, undefined);
  assert.ok(token !== undefined);
  assert.deepEqual(await ensureFirstToken(database, undefined), { projectId, token: undefined });
});

test('a given token is added, however often it is given, and none is generated', async () => {
  await using database = await testDatabase();
  const { projectId, token } = await ensureFirstToken(database, 'given');
  assert.equal(token, undefined);
  await ensureFirstToken(database, 'given');
  await ensureFirstToken(database, 'another');
  const service = tokenService(database, () => 0);
  for (const known of ['given', 'another']) {
    assert.deepEqual(await service.authenticate(known), { projectId });
  }
  const { rows } = await database.query('select from tokens');
  assert.equal(rows.length, 2);
});

test('tokens are not kept in the clear', async () => {
  await using database = await testDatabase();
  const { token = '' } = await ensureFirstToken(database, undefined);
  const { rows } = await database.query('select tokens::text as row from tokens');
  assert.equal(rows.length, 1);
  const row = JSON.stringify(rows);
  assert.ok(token.length > 40 && !row.includes(token));
  assert.ok(!row.includes(Buffer.from(token).toString('hex')));
});

test('what is not a token of ours belongs to nobody', async () => {
  await using database = await testDatabase();
  const { token = '' } = await ensureFirstToken(database, undefined);
  const service = tokenService(database, () => 0);
  for (const other of [
    '',
    token.slice(1),
    `${token} `,
    token.toUpperCase(),
    '\0',
    "' or true --",
  ]) {
    assert.equal(await service.authenticate(other), undefined);
  }
});

test('a token that is taken away works for ten seconds more at most', async () => {
  await using database = await testDatabase();
  const { projectId, token = '' } = await ensureFirstToken(database, undefined);
  const clock = new ManualClock();
  const service = tokenService(database, () => clock.now());
  assert.deepEqual(await service.authenticate(token), { projectId });
  await database.query('delete from tokens');
  assert.deepEqual(await service.authenticate(token), { projectId });
  clock.time += 10_001;
  assert.equal(await service.authenticate(token), undefined);
  await insertProject(database, projectId); // It is there already, which is fine.
});
