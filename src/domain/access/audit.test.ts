import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { SteppedClock } from '../../../test/kit/stepped-clock.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { until } from '../../../test/kit/until.ts';
import { createLogger, silentLog } from '../../platform/base/log.ts';
import { removeOldAudit } from './audit-table.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { type AuditEntry, DatabaseAudit } from './audit.ts';

const entry: AuditEntry = {
  ...{ projectId: 'p', actor: 'ann', actorKind: 'token', address: '192.0.2.1' },
  ...{ operation: 'DeleteSyncTask', resource: undefined, status: 403, errorCode: 'OMS.0072' },
  ...{ requestId: 'r', requests: 1, repeated: false },
};
const newest = { limit: 1_000, before: undefined };

describe('the audit', () => {
  let database: Database;
  before(async () => {
    database = await testDatabase();
  });
  after(() => database[Symbol.asyncDispose]());

  /** What is written down of what was counted, the oldest first. */
  async function written(entries: readonly AuditEntry[], log = silentLog) {
    const [from] = await new DatabaseAudit({ database, log, clock: new SteppedClock() }).list(
      undefined,
      {
        ...{ limit: 1, before: undefined },
      },
    );
    const audit = new DatabaseAudit({ database, log, clock: new SteppedClock() });
    for (const one of entries) audit.count(one);
    await audit[Symbol.asyncDispose]();
    const rows = await audit.list(undefined, newest);
    return rows.filter(({ id }) => id > (from?.id ?? 0)).reverse();
  }

  test('accepts any text of a caller, even a NUL or half a character', async () => {
    const broken = { actor: 'a\0nn', resource: 'x\0\ud83d', projectId: '\0' };
    const audit = new DatabaseAudit({ database, log: silentLog, clock: new SteppedClock() });
    await audit.record({ ...entry, ...broken });
    const [row] = await audit.list(undefined, newest);
    assert.deepEqual([row?.actor, row?.resource, row?.projectId], ['ann', 'x\ufffd', '']);
  });

  test('loses only the entry that the database refuses, not those gathered with it', async () => {
    const lines: string[] = [];
    const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
      lines.push(chunk.toString());
      done();
    };
    const log = createLogger('info', new Writable({ write }));
    // A status that is no integer of the database's.
    const refused = { ...entry, status: 2 ** 40, operation: 'refused' };
    const others = ['one', 'two', 'three'].map((operation) => ({ ...entry, operation }));
    const rows = await written([...others.slice(0, 2), refused, ...others.slice(2)], log);
    assert.deepEqual(
      rows.map(({ operation }) => operation),
      ['one', 'two', 'three'],
    );
    assert.equal(lines.length, 1);
    assert.match(lines.join(), /"event":"audit\.lost".*"operation":"refused"/);
  });

  test('records refusals of one kind once, whatever their resource', async () => {
    const rows = await written(
      Array.from({ length: 500 }, (_, at) => ({ ...entry, resource: `${at}`, requestId: `${at}` })),
    );
    assert.equal(rows.length, 1);
    assert.partialDeepStrictEqual(rows[0], { requests: 500, resource: 'several', requestId: '0' });
  });

  test('grows by few entries under a flood of refusals', async () => {
    const floods = Array.from({ length: 5_000 }, (_, at) => ({
      ...{ ...entry, projectId: `made-up-${at}`, address: `2001:db8::${at.toString(16)}` },
      status: at % 2 === 0 ? 403 : 429,
    }));
    const rows = await written([...floods, { ...entry, actor: 'ben' }]);
    assert.ok(rows.length < 30, `${rows.length} rows`);
    const sum = rows.reduce((all, { requests }) => all + requests, 0);
    assert.equal(sum, 5_001);
    const rest = rows.find(({ operation }) => operation === 'several');
    assert.partialDeepStrictEqual(rest, { actor: 'ann', address: 'several' });
    assert.equal(rest?.projectId, undefined);
    assert.partialDeepStrictEqual(rows.at(-1), { actor: 'ben', operation: 'DeleteSyncTask' });
  });

  test('records successful calls of each resource separately', async () => {
    const done = { ...entry, status: 200, errorCode: undefined, operation: 'CreateSyncEvents' };
    const tasks = Array.from({ length: 100 }, (_, at) => ({
      ...done,
      resource: `task ${at % 50}`,
    }));
    const rows = await written(tasks);
    assert.equal(rows.length, 50);
    assert.ok(rows.every(({ requests }) => requests === 2));
  });
});

describe('old entries', () => {
  async function withAges(database: Database, days: readonly number[]): Promise<void> {
    await database.query(
      `insert into audit (at, actor, actor_kind, address, operation, status, request_id)
       select now() - age * interval '1 day', 'a', 'b', 'c', 'd', 200, 'e'
       from unnest($1::float8[]) as age`,
      [days],
    );
  }

  test('are removed batch by batch, and other statements cannot remove any', async () => {
    await using database = await testDatabase();
    await withAges(database, [500, 401, 400.5, 399, 5, 0]);
    assert.equal(await removeOldAudit(database, { days: 400, limit: 2 }), 2);
    assert.equal(await removeOldAudit(database, { days: 400, limit: 2 }), 1);
    assert.equal(await removeOldAudit(database, { days: 400, limit: 2 }), 0);
    const rows = await new DatabaseAudit({
      database,
      log: silentLog,
      clock: new SteppedClock(),
    }).list(undefined, newest);
    assert.equal(rows.length, 3);
    for (const sql of ['delete from audit', `update audit set actor = 'x'`, 'truncate audit']) {
      await assert.rejects(database.query(sql), /append-only/, sql);
    }
  });

  test('are not removed by others while they are', async () => {
    await using database = await testDatabase();
    await withAges(database, [500, 0]);
    const stay = `select tgenabled from pg_trigger where tgname = 'audit_stays'`;
    const broken = database.transaction(async (db) => {
      await db.query('alter table audit disable trigger audit_stays');
      // In another session: it waits for the lock of this one, and is refused when it ends.
      const other = assert.rejects(database.query('delete from audit'), /append-only/);
      await until('it waits for the lock', async () => {
        const { rows } = await db.query('select from pg_locks where not granted');
        return rows.length > 0;
      });
      await db.query('alter table audit enable trigger audit_stays');
      return { other };
    });
    await (await broken).other;
    const { rows } = await database.query<{ tgenabled: string }>(stay);
    assert.equal(rows[0]?.tgenabled, 'O');
  });
});
