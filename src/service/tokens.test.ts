import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { testDatabase, testDatabaseUrl } from '../../test/kit/postgres.ts';
import { Database } from '../database/db.ts';
import { insertProject } from '../database/tokens.ts';
import { Sealer } from '../base/seal.ts';
import { DatabaseGatekeeper } from './gatekeeper.ts';
import { ensureFirstToken } from './tokens.ts';

/** The project that a token is for, as far as the gatekeeper tells. */
function projects(database: Database, now: () => number = () => 0) {
  const sealer = new Sealer(Buffer.alloc(32));
  const gatekeeper = new DatabaseGatekeeper({ database, sealer, now, firstTokens: true });
  return async (token: string) => (await gatekeeper.holderOf(token))?.projectId;
}

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
    assert.equal(await projects(database)(tokens[0] ?? ''), made[0]?.projectId);
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
  const projectOf = projects(database);
  for (const known of ['given', 'another']) {
    assert.equal(await projectOf(known), projectId);
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
  const projectOf = projects(database);
  for (const other of [
    '',
    token.slice(1),
    `${token} `,
    token.toUpperCase(),
    '\0',
    "' or true --",
  ]) {
    assert.equal(await projectOf(other), undefined);
  }
});

test('a token that is taken away works for ten seconds more at most', async () => {
  await using database = await testDatabase();
  const { projectId, token = '' } = await ensureFirstToken(database, undefined);
  const clock = new ManualClock();
  const projectOf = projects(database, () => clock.now());
  assert.equal(await projectOf(token), projectId);
  await database.query('delete from tokens');
  assert.equal(await projectOf(token), projectId);
  clock.time += 10_001;
  assert.equal(await projectOf(token), undefined);
  await insertProject(database, projectId); // It is there already, which is fine.
});
