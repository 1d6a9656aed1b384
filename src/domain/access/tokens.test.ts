import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testDatabase, testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { Database } from '../../platform/postgres/db.ts';
import { listAccessKeys } from './access-keys-table.ts';
import { listGrants } from './grants-table.ts';
import { insertProject } from './tokens-table.ts';
import { listUsers } from './users-table.ts';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import { DatabaseGatekeeper } from './gatekeeper.ts';
import { ensureFirstAccessKey, ensureFirstToken } from './tokens.ts';

/** The project that a token is for, as the gatekeeper reports it. */
function projects(database: Database, now: () => number = () => 0) {
  const sealer = new Sealer(Buffer.alloc(32));
  const gatekeeper = new DatabaseGatekeeper({ database, sealer, now, firstTokens: true });
  return async (token: string) => (await gatekeeper.principalOf(token))?.projectId;
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

test('a later start neither makes nor returns a token', async () => {
  await using database = await testDatabase();
  const { projectId, token } = await ensureFirstToken(database, undefined);
  assert.ok(token !== undefined);
  assert.deepEqual(await ensureFirstToken(database, undefined), { projectId, token: undefined });
});

test('a given token is added once for any number of starts, and none is generated', async () => {
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

test('a string that is not one of our tokens belongs to no project', async () => {
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

test('a revoked token works for at most ten more seconds', async () => {
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

test('where first tokens are not accepted, a project is made, but no token', async () => {
  await using database = await testDatabase();
  const { projectId, token } = await ensureFirstToken(database, undefined, false);
  assert.equal(token, undefined);
  assert.deepEqual((await database.query('select from tokens')).rows, []);
  assert.equal((await ensureFirstToken(database, undefined, false)).projectId, projectId);
});

test('a first access key exists once after each start, with the secret that was given last', async () => {
  await using database = await testDatabase();
  const sealer = new Sealer(Buffer.alloc(32));
  const [id, projectId] = ['FIRSTKEY', 'a-project'];
  for (const secret of ['first-secret', 'first-secret', 'second-secret']) {
    await ensureFirstAccessKey({ database, sealer }, { id, secret: new Secret(secret), projectId });
  }
  const gatekeeper = new DatabaseGatekeeper({ database, sealer, now: () => 0, firstTokens: true });
  const key = await gatekeeper.accessKey(id);
  assert.ok(key);
  assert.equal(key.secret.reveal(), 'second-secret');
  assert.equal((await listUsers(database)).length, 1);
  assert.equal((await listAccessKeys(database)).length, 1);
  assert.deepEqual(
    (await listGrants(database)).map(({ user, policy, projectId: project }) => [
      user,
      policy,
      project,
    ]),
    [
      ['bootstrap', 'OMS Administrator', projectId],
      ['bootstrap', 'Security Administrator', projectId],
    ],
  );
  const resource = `oms:local:${projectId}:synctask:*`;
  const may = (project: string) =>
    gatekeeper.may(key.principal, project, { action: 'oms:synctask:create', resource });
  assert.deepEqual([await may(projectId), await may('another')], [true, false]);
});
