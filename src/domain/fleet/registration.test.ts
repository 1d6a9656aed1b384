import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { SteppedClock } from '../../../test/kit/stepped-clock.ts';
import { until } from '../../../test/kit/until.ts';
import { silentLog } from '../../platform/base/log.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { migrate, type Migration, readMigrations } from '../../platform/postgres/migrate.ts';
import { listProcesses, removeLostProcesses } from './processes-table.ts';
import { refuseToBreak, register, type Registration } from './registration.ts';

const known = await readMigrations();
const facts = { roles: ['worker'], version: '1.2.3', host: 'here', pid: 7 };

/** One that breaks all programs that do not know it, or those that know fewer migrations than `oldest`. */
function next(after: readonly Migration[], oldest = after.length + 1): Migration {
  const number = after.length + 1;
  const sql = 'create table of_a_later_version (n int)';
  const hash = createHash('sha256').update(sql).digest('hex');
  return { number, name: 'later', sql, hash, oldest };
}

function registered(
  database: Database,
  options: Partial<Parameters<typeof register>[0]> = {},
): Promise<Registration> {
  const parts = { database, clock: new SteppedClock(), log: silentLog };
  return register({ ...parts, facts, migrations: known, alone: false, ...options });
}

const age = (db: Database, seconds: number) =>
  db.query(`update processes set seen_at = seen_at - $1::int * interval '1 second'`, [seconds]);

test('a process is listed with what it is from its start to its end', async () => {
  await using db = await testDatabase();
  const one = await registered(db);
  const two = await registered(db, { facts: { ...facts, roles: ['api', 'scheduler'], pid: 8 } });
  const listed = await listProcesses(db);
  assert.deepEqual(
    listed.map(({ startedAt, seenAt, ...row }) => ({ ...row, same: startedAt === seenAt })),
    [
      { ...facts, id: one.id, schemaVersion: known.length, alive: true, same: true },
      {
        ...{ ...facts, roles: ['api', 'scheduler'], pid: 8 },
        ...{ id: two.id, schemaVersion: known.length, alive: true, same: true },
      },
    ],
  );
  await one[Symbol.asyncDispose]();
  assert.deepEqual(
    (await listProcesses(db)).map(({ id }) => id),
    [two.id],
  );
  await two[Symbol.asyncDispose]();
  assert.deepEqual(await listProcesses(db), []);
});

test('a process says every 15 seconds that it is alive; one that does not counts as dead after a minute', async () => {
  await using db = await testDatabase();
  const clock = new SteppedClock();
  await using process = await registered(db, { clock });
  await age(db, 61);
  assert.equal((await listProcesses(db))[0]?.alive, false);
  await clock.pass(14_900);
  assert.equal((await listProcesses(db))[0]?.alive, false);
  await clock.pass(200);
  await until('it was seen', async () => (await listProcesses(db))[0]?.alive === true);
  assert.equal((await listProcesses(db))[0]?.id, process.id);
});

test('a process that died is removed after an hour', async () => {
  await using db = await testDatabase();
  await registered(db);
  await age(db, 3_600);
  await removeLostProcesses(db);
  assert.equal((await listProcesses(db)).length, 1);
  await age(db, 61);
  await removeLostProcesses(db);
  assert.deepEqual(await listProcesses(db), []);
});

test('where a process is alone, all that are registered have died', async () => {
  await using db = await testDatabase();
  await registered(db);
  await using alone = await registered(db, { alone: true });
  assert.deepEqual(
    (await listProcesses(db)).map(({ id }) => id),
    [alone.id],
  );
});

test('a migration that breaks a process which is alive is refused, and changes nothing', async () => {
  await using db = await testDatabase();
  const later = [...known, next(known)];
  const process = await registered(db);
  await assert.rejects(migrate(db, { migrations: later, mayBreak: refuseToBreak }), {
    name: 'MigrationError',
    message: /\(later\) breaks programs .* 1\.2\.3 \(worker\) at here, process 7\. Stop them/,
  });
  await migrate(db, { migrations: known });
  await process[Symbol.asyncDispose]();
  await migrate(db, { migrations: later, mayBreak: refuseToBreak });
});

test('a migration is not held up by processes that it does not break, or that died', async () => {
  await using db = await testDatabase();
  const expand = { ...next(known), oldest: undefined };
  const later = [...known, expand];
  await registered(db);
  await migrate(db, { migrations: later, mayBreak: refuseToBreak });
  await age(db, 61);
  const contract = { ...next(later, later.length), sql: 'select 1' };
  await registered(db, { migrations: later });
  await migrate(db, { migrations: [...later, contract], mayBreak: refuseToBreak });
});

test('a schema of before there were registrations is brought up to date', async () => {
  await using db = await testDatabase({ empty: true });
  const before = known.slice(0, 20);
  await migrate(db, { migrations: before });
  // As the version before made it.
  await db.query('alter table schema_migrations drop column oldest');
  const breaking = { ...next(known), oldest: 21 };
  await migrate(db, { migrations: [...known, breaking], mayBreak: refuseToBreak });
  const { rows } = await db.query('select number from schema_migrations where oldest = 21');
  assert.deepEqual(rows, [{ number: known.length + 1 }]);
});

test('a process that the schema does not suit cannot register', async () => {
  await using db = await testDatabase();
  await migrate(db, { migrations: [...known, next(known)] });
  await assert.rejects(registered(db), {
    name: 'MigrationError',
    message: /use the newer program/,
  });
  assert.deepEqual(await listProcesses(db), []);
});

test('a process that others took for dead registers again, and ends where the schema has broken it', async () => {
  await using db = await testDatabase();
  const clock = new SteppedClock();
  await using process = await registered(db, { clock });
  await age(db, 4_000);
  await removeLostProcesses(db);
  await clock.pass(15_000);
  await until('it is registered', async () => (await listProcesses(db)).length === 1);
  await age(db, 61);
  await migrate(db, { migrations: [...known, next(known)], mayBreak: refuseToBreak });
  await clock.pass(15_000);
  assert.match((await process.failed).message, /use the newer program/);
});
