import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { testDatabase, testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { until } from '../../../test/kit/until.ts';
import { Secret } from '../base/seal.ts';
import { Database, DatabaseError, prepared, type Db } from './db.ts';

async function countOf(db: Db): Promise<number> {
  const { rows } = await db.query<{ n: number }>('select count(*)::int as n from t');
  return rows[0]?.n ?? -1;
}

async function withTable(): Promise<Database> {
  const database = await testDatabase({ empty: true });
  await database.query('create table t (n int primary key)');
  return database;
}

describe('query', () => {
  test('gives int8 as numbers, timestamps as milliseconds, bytea as bytes, and leaves nulls out', async () => {
    await using database = await testDatabase({ empty: true });
    const { rows } = await database.query(`
      select 9007199254740991::int8 as a, 1.50::numeric as b, '2026-01-02T03:04:05Z'::timestamptz as c,
        '\\xff'::bytea as d, 7::int4 as e, '{"f":1}'::jsonb as f, null as g`);
    assert.deepEqual(rows, [
      {
        a: 9_007_199_254_740_991,
        b: '1.50',
        c: Date.UTC(2026, 0, 2, 3, 4, 5),
        d: Buffer.of(255),
        e: 7,
        f: { f: 1 },
      },
    ]);
  });

  test('keeps every millisecond of a timestamp, in every time zone', async () => {
    await using database = await testDatabase({ empty: true, connections: 1 });
    const start = Date.UTC(2026, 0, 2);
    for (const zone of ['UTC', 'Asia/Kathmandu', 'America/New_York']) {
      await database.query(`set time zone '${zone}'`);
      const { rows } = await database.query<{ at: number }>(
        `select to_timestamp(($1::float8 + n) / 1000) as at from generate_series(0, 999) as n`,
        [start],
      );
      assert.deepEqual(
        rows.map(({ at }) => at - start),
        Array.from({ length: 1000 }, (_, n) => n),
      );
    }
  });

  test('refuses an int8 that no number holds exactly', async () => {
    await using database = await testDatabase({ empty: true });
    for (const tooLarge of ['9007199254740993', '-9007199254740992']) {
      await assert.rejects(database.query(`select (${tooLarge})::int8 as a`), {
        name: 'DatabaseError',
        message: new RegExp(tooLarge),
      });
      const { rows } = await database.query(`select (${tooLarge})::int8::text as a`);
      assert.deepEqual(rows, [{ a: tooLarge }]);
    }
  });

  test('returns the values of pg to libraries that request them', async () => {
    await using database = await testDatabase({ empty: true });
    const { rows } = await database.queryAsPgDoes(
      `select 1::int8 as a, '2026-01-02T03:04:05Z'::timestamptz as b, null as c`,
    );
    assert.deepEqual(rows, [{ a: '1', b: new Date('2026-01-02T03:04:05Z'), c: null }]);
  });

  test('counts changed rows, and gives the last answer of several statements', async () => {
    await using database = await withTable();
    const inserted = await database.query('insert into t select generate_series(1, 5)');
    assert.equal(inserted.rowCount, 5);
    const { rows } = await database.query(
      'delete from t where n > 3; select count(*)::int n from t',
    );
    assert.deepEqual(rows, [{ n: 3 }]);
  });

  test('a prepared statement is kept by its connection', async () => {
    await using database = await testDatabase({ empty: true, connections: 1 });
    const add = prepared('select $1::int + $2::int as sum');
    for (let n = 0; n < 8; n++) {
      const { rows } = await database.query(add, [n, 1]);
      assert.deepEqual(rows, [{ sum: n + 1 }]);
    }
    const kept = await database.query('select name from pg_prepared_statements');
    assert.deepEqual(kept.rows, [{ name: add.name }]);
  });

  for (const [fault, statement] of [
    ['duplicate', 'insert into t values (1), (1)'],
    ['constraint', 'insert into t values (null)'],
    ['statement', 'selekt'],
    ['timed-out', 'select pg_sleep(5)'],
  ] as const) {
    test(`reports the fault "${fault}" for: ${statement}`, async () => {
      await using database = await testDatabase({ empty: true, statementTimeoutMs: 200 });
      await database.query('create table t (n int primary key)');
      await assert.rejects(database.query(statement), { name: 'DatabaseError', fault });
    });
  }
});

describe('the state of a real server', () => {
  /** Of the server of `database`, as a user that may do little. */
  async function asUser(database: Database, url: Secret, user: string): Promise<Secret> {
    await database.query(`create role ${user} login connection limit 1`);
    const other = new URL(url.reveal());
    other.username = user;
    return new Secret(other.href);
  }

  test('too many connections, a right that is missing, tables and databases that are not there', async () => {
    const url = await testDatabaseUrl({ empty: true });
    await using database = await Database.connect({ url, allowUnsafe: true });
    await database.query('create table t (n int)');
    const few = await asUser(database, url, 'with_one_connection');
    await using limited = await Database.connect({ url: few, allowUnsafe: true });
    // Each query holds its connection for a moment, so that the other one needs a second connection.
    const both = await Promise.allSettled([
      limited.query('select pg_sleep(0.2)'),
      limited.query('select pg_sleep(0.2)'),
    ]);
    const refused = both.find(({ status }) => status === 'rejected');
    assert.ok(refused?.status === 'rejected' && refused.reason instanceof DatabaseError);
    assert.deepEqual(
      [refused.reason.fault, refused.reason.code],
      ['too-many-connections', '53300'],
    );
    await assert.rejects(limited.query('select from t'), { fault: 'no-privilege' });
    await assert.rejects(database.query('select from missing'), { fault: 'wrong-schema' });
    const nowhere = new URL(url.reveal());
    nowhere.pathname = '/missing';
    const missing = { url: new Secret(nowhere.href), allowUnsafe: true };
    await assert.rejects(Database.connect(missing), { fault: 'no-database' });
    assert.equal(limited.faultCount, 2);
    assert.equal(database.faultCount, 1);
  });

  test('sessions of a read-only database are closed, so that writes work again afterwards', async () => {
    const url = await testDatabaseUrl({ empty: true });
    await using admin = await Database.connect({ url, allowUnsafe: true, connections: 1 });
    await admin.query('create table t (n int)');
    await using database = await Database.connect({ url, allowUnsafe: true, connections: 1 });
    const insert = (db: Db) => db.query('insert into t values (1)');
    const readOnly = async (on: 'on' | 'off') => {
      await admin.query(`do $$ begin execute format(
        'alter database %I set default_transaction_read_only = ${on}', current_database()); end $$`);
    };
    await readOnly('on');
    // Sessions have the setting of the time at which they began.
    await assert.rejects(
      database.query('select pg_terminate_backend(pg_backend_pid())'),
      DatabaseError,
    );
    await assert.rejects(database.transaction(insert), { fault: 'read-only' });
    await assert.rejects(insert(database), { fault: 'read-only' });
    await assert.rejects(database.transaction(insert), { fault: 'read-only' });
    await readOnly('off');
    await database.transaction(insert);
    await insert(database);
  });
});

describe('transaction', () => {
  test('commits what it returns from, durably', async () => {
    await using database = await withTable();
    const mode = await database.transaction(async (db) => {
      await db.query('insert into t values (1)');
      const { rows } = await db.query<{ mode: string }>(
        "select current_setting('synchronous_commit') as mode",
      );
      return rows[0]?.mode;
    });
    assert.equal(mode, 'on');
    assert.equal(await countOf(database), 1);
  });

  test('rolls back and passes on what its work throws, and the connection is good again', async () => {
    await using database = await testDatabase({ empty: true, connections: 1 });
    await database.query('create table t (n int)');
    const failure = new Error('no');
    await assert.rejects(
      database.transaction(async (db) => {
        await db.query('insert into t values (1)');
        throw failure;
      }),
      (error) => error === failure,
    );
    assert.equal(await countOf(database), 0);
  });

  test('a failure that its work hides is not taken for a commit', async () => {
    await using database = await withTable();
    const hidden = database.transaction(async (db) => {
      await db.query('insert into t values (1)');
      await db.query('selekt').catch(() => undefined);
    });
    await assert.rejects(hidden, { name: 'DatabaseError', fault: 'statement' });
    assert.equal(await countOf(database), 0);
  });

  test('a lost connection fails the transaction and not the process', async () => {
    await using database = await withTable();
    const lost = database.transaction(async (db) => {
      await db.query('insert into t values (1)');
      const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
      await database.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await until('its connection is gone', async () => {
        const sql = 'select from pg_stat_activity where pid = $1';
        return (await database.query(sql, [rows[0]?.pid])).rows.length === 0;
      });
      await db.query('insert into t values (2)');
    });
    await assert.rejects(lost, { name: 'DatabaseError', fault: 'unavailable' });
    assert.equal(await countOf(database), 0);
  });

  test('a serialization failure is transient', async () => {
    await using database = await withTable();
    await database.query('insert into t values (1)');
    const late = database.transaction(
      async (db) => {
        await db.query('select * from t');
        await database.query('update t set n = n + 1');
        await db.query('update t set n = n + 1');
      },
      { isolation: 'repeatable read' },
    );
    await assert.rejects(late, { fault: 'contended', transient: true });
  });

  test('a lone statement that loses a deadlock is run again', async () => {
    await using database = await withTable();
    await database.query('insert into t values (2), (1)');
    let lone: Promise<unknown> | undefined;
    await database.transaction(async (db) => {
      await db.query("set local deadlock_timeout = '1min'"); // So that the other one is undone.
      await db.query('update t set n = 10 where n = 1');
      lone = database.query('update t set n = n + 100'); // Has the 2, and waits for the 1.
      for (let waiting = 0; waiting === 0; ) {
        const { rows } = await database.query<{ n: number }>(
          `select count(*)::int as n from pg_locks where not granted`,
        );
        waiting = rows[0]?.n ?? 0;
      }
      await db.query('update t set n = 20 where n = 2');
    });
    await lone;
    const { rows } = await database.query('select n from t order by n');
    assert.deepEqual(rows, [{ n: 110 }, { n: 120 }]);
  });

  test('its own time limit holds instead of the database’s', async () => {
    // It is the limit between two statements too: long enough for a busy machine.
    await using database = await testDatabase({ empty: true, statementTimeoutMs: 1_000 });
    await database.transaction(async (db) => db.query('select pg_sleep(1.2)'), {
      statementTimeoutMs: 0,
    });
  });
});

describe('listen', () => {
  test('hears notifications, also after its connection was lost', async () => {
    await using database = await testDatabase({ empty: true });
    const heard: string[] = [];
    let hear = (): void => undefined;
    const next = () => new Promise<void>((resolve) => (hear = resolve));
    await using listening = await database.listen('some-channel', (payload) => {
      heard.push(payload);
      hear();
    });

    let arrived = next();
    await database.query(`select pg_notify('some-channel', 'one')`);
    await arrived;
    arrived = next();
    await database.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where query like 'listen%' and pid <> pg_backend_pid()`);
    await arrived;
    arrived = next();
    await database.query(`select pg_notify('some-channel', 'two')`);
    await arrived;
    assert.deepEqual(heard, ['one', '', 'two']);
    assert.ok(listening);
  });

  test('is over when disposed of, also while it is reconnecting', async () => {
    const database = await testDatabase({ empty: true });
    const listening = await database.listen('c', () => undefined);
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen "c"'`,
    );
    await listening[Symbol.asyncDispose]();
    const { rows } = await database.query(
      `select pid from pg_stat_activity where query = 'listen "c"'`,
    );
    assert.deepEqual(rows, []);
    await database[Symbol.asyncDispose]();
  });
});

describe('connect', () => {
  test('refuses a server that may lose what it acknowledged', async () => {
    const url = await testDatabaseUrl({ empty: true });
    await assert.rejects(Database.connect({ url }), /^(?!.*synchronous_commit).*fsync is off/);
    const asking = new URL(url.reveal());
    asking.searchParams.set('options', '-c synchronous_commit=off');
    await assert.rejects(
      Database.connect({ url: new Secret(asking.href) }),
      /synchronous_commit is off/,
    );
  });

  test('refuses a database in another encoding', async () => {
    await using database = await testDatabase({ empty: true });
    await database.query(`create database latin encoding 'LATIN1' template template0`);
    const url = new URL((await testDatabaseUrl({ empty: true })).reveal());
    url.pathname = '/latin';
    await assert.rejects(
      Database.connect({ url: new Secret(url.href), allowUnsafe: true }),
      /UTF8, not LATIN1/,
    );
  });

  /** A server that takes the password and says no, or that says nothing sensible. */
  async function brokenServer(reply: Buffer): Promise<{ port: number } & Disposable> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end(reply));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { port, [Symbol.dispose]: () => void server.close() };
  }

  test('never reveals the password', async () => {
    const fields = 'SERROR\0C28P01\0Mpassword authentication failed for user "u"\0\0';
    const length = Buffer.alloc(4);
    length.writeInt32BE(fields.length + 4);
    using denying = await brokenServer(
      Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)]),
    );
    using silent = await brokenServer(Buffer.alloc(0));
    for (const [where, fault] of [
      [`postgres://u:hunter2@127.0.0.1:${denying.port}/x`, 'login-rejected'],
      [`postgres://u:hunter2@127.0.0.1:${silent.port}/x`, 'unavailable'],
      ['postgres://u:hunter2@127.0.0.1:1/x', 'unavailable'],
      ['postgres://u:hunter2@[broken/x', 'misconfigured'],
      ['mysql://u:hunter2@127.0.0.1/x', 'misconfigured'],
    ] as const) {
      await assert.rejects(Database.connect({ url: new Secret(where) }), (error: Error) => {
        assert.equal(Reflect.get(error, 'fault'), fault, where);
        const told = `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`;
        assert.ok(!told.includes('hunter2') && error.cause === undefined, where);
        return true;
      });
    }
  });
});
