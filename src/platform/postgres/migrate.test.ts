import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { testDatabase, testDatabaseUrl } from '../../../test/kit/postgres.ts';
import { systemClock } from '../base/clock.ts';
import { Database, type Db } from './db.ts';
import {
  isNewDatabase,
  migrate,
  readMigrations,
  whileSchemaSuits,
  type Migration,
} from './migrate.ts';

function migration(number: number, sql: string): Migration {
  return { number, name: `m${number}`, sql, hash: createHash('sha256').update(sql).digest('hex') };
}

const three = [
  migration(1, 'create table a (n int); insert into a values (1)'),
  migration(2, 'select pg_sleep(0.05); update a set n = n + 1'),
  migration(3, 'update a set n = n * 10'),
];

async function applied(db: Db): Promise<number[]> {
  const { rows } = await db.query<{ number: number }>(
    'select number from schema_migrations order by number',
  );
  return rows.map(({ number }) => number);
}

describe('migrate', () => {
  test('applies all, once, in order, however many do it at once', async () => {
    const url = await testDatabaseUrl({ empty: true });
    const pools = await Promise.all(
      Array.from({ length: 6 }, () => Database.connect({ url, allowUnsafe: true })),
    );
    await Promise.all(pools.map((pool) => migrate(pool, { migrations: three })));
    const [first] = pools;
    assert.ok(first !== undefined);
    assert.deepEqual(await applied(first), [1, 2, 3]);
    assert.deepEqual((await first.query('select n from a')).rows, [{ n: 20 }]);
    for (const pool of pools) await pool[Symbol.asyncDispose]();
  });

  test('several processes may start at once with our own schema', async () => {
    const url = await testDatabaseUrl({ empty: true });
    const program = `
      import { Database } from ${JSON.stringify(new URL('db.ts', import.meta.url))};
      import { migrate } from ${JSON.stringify(new URL('migrate.ts', import.meta.url))};
      import { Secret } from ${JSON.stringify(new URL('../base/seal.ts', import.meta.url))};
      const url = new Secret(${JSON.stringify(url.reveal())});
      await using database = await Database.connect({ url, allowUnsafe: true });
      await migrate(database);`;
    const args = ['--input-type=module-typescript', '--eval', program];
    await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args)));
    await using database = await Database.connect({ url, allowUnsafe: true });
    const known = await readMigrations();
    assert.deepEqual(
      await applied(database),
      known.map(({ number }) => number),
    );
  });

  test('a migration that fails leaves no changes, and a later run continues from there', async () => {
    await using database = await testDatabase({ empty: true });
    const broken = migration(2, 'create table b (n int); selekt');
    await assert.rejects(migrate(database, { migrations: [...three.slice(0, 1), broken] }), {
      name: 'DatabaseError',
    });
    assert.deepEqual(await applied(database), [1]);
    assert.deepEqual((await database.query(`select to_regclass('b') as b`)).rows, [{}]);
    await migrate(database, { migrations: three });
    assert.deepEqual(await applied(database), [1, 2, 3]);
  });

  test('leaves a database as it is that is newer, and that the program still works with', async () => {
    await using database = await testDatabase({ empty: true });
    await migrate(database, { migrations: three });
    await migrate(database, { migrations: three.slice(0, 2) });
    assert.deepEqual(await applied(database), [1, 2, 3]);
  });

  test('refuses a database that is newer and says that it breaks the program', async () => {
    await using database = await testDatabase({ empty: true });
    const breaking = { ...migration(4, 'drop table a'), oldest: 3 };
    await migrate(database, { migrations: [...three, breaking] });
    await migrate(database, { migrations: three });
    await assert.rejects(migrate(database, { migrations: three.slice(0, 2) }), {
      name: 'MigrationError',
      message: /after migration 4 \(m4\) a program must know 3 migrations, and this one knows 2/,
    });
  });

  test('checks whether a migration may break others before anything is applied', async () => {
    await using database = await testDatabase({ empty: true });
    const breaking = { ...migration(3, 'drop table a'), oldest: 2 };
    const asked: unknown[] = [];
    const options = { migrations: [...three.slice(0, 2), breaking], mayBreak };
    async function mayBreak(_db: Db, { number, oldest }: { number: number; oldest: number }) {
      asked.push([number, oldest]);
      if (asked.length === 1) throw new Error('another is alive');
    }
    await assert.rejects(migrate(database, options), /another is alive/);
    assert.equal(await isNewDatabase(database), true);
    await migrate(database, options);
    assert.deepEqual(await applied(database), [1, 2, 3]);
    assert.deepEqual(asked[0], [3, 2]);
  });

  test('a caller that needs a stable schema waits for a running migration, and fails if that breaks it', async () => {
    const url = await testDatabaseUrl({ empty: true });
    await using first = await Database.connect({ url, allowUnsafe: true });
    await using second = await Database.connect({ url, allowUnsafe: true });
    await migrate(first, { migrations: three });
    const done: string[] = [];
    const work = async () => void done.push('work');
    const breaking = { ...migration(4, `select 1`), oldest: 4 };
    let waiting: Promise<void> | undefined;
    async function mayBreak() {
      waiting ??= whileSchemaSuits(second, three, { work });
      // Long enough for it to try the lock.
      await second.query('select pg_sleep(0.1)');
    }
    await whileSchemaSuits(second, three, { work });
    assert.deepEqual(done, ['work']);
    await migrate(first, { migrations: [...three, breaking], mayBreak });
    await assert.rejects(waiting ?? Promise.resolve(), { name: 'MigrationError' });
    assert.deepEqual(done, ['work']);
  });

  test('refuses a migration that has changed since it was applied', async () => {
    await using database = await testDatabase({ empty: true });
    await migrate(database, { migrations: three.slice(0, 2) });
    const changed = three.with(1, migration(2, 'update a set n = 0'));
    await assert.rejects(
      migrate(database, { migrations: changed }),
      /migration 2 \(m2\) is not the one/,
    );
    assert.deepEqual(await applied(database), [1, 2]);
  });

  const index = `drop index concurrently if exists a_n; create index concurrently a_n on a (n)`;
  const outside = migration(4, `-- outside a transaction: an index on a table in use\n${index};`);

  test('several processes apply a migration outside a transaction once', async () => {
    const url = await testDatabaseUrl({ empty: true });
    const pools = await Promise.all(
      Array.from({ length: 4 }, () => Database.connect({ url, allowUnsafe: true })),
    );
    const migrations = [...three, outside, migration(5, 'update a set n = n + 1')];
    await Promise.all(pools.map((pool) => migrate(pool, { migrations })));
    const [first] = pools;
    assert.ok(first !== undefined);
    assert.deepEqual(await applied(first), [1, 2, 3, 4, 5]);
    assert.deepEqual((await first.query('select n from a')).rows, [{ n: 21 }]);
    const valid = `select indisvalid as valid from pg_index where indexrelid = 'a_n'::regclass`;
    assert.deepEqual((await first.query(valid)).rows, [{ valid: true }]);
    for (const pool of pools) await pool[Symbol.asyncDispose]();
  });

  test('a migration outside a transaction that was interrupted is repeated whole', async () => {
    await using database = await testDatabase({ empty: true });
    await migrate(database, { migrations: three });
    // What a process leaves that is killed between the statements and the record.
    await database.query('create index a_n on a (n)');
    await migrate(database, { migrations: [...three, outside] });
    assert.deepEqual(await applied(database), [1, 2, 3, 4]);
  });

  test('a table that others hold locked is given up after a while, and named in the log', async () => {
    await using database = await testDatabase({ empty: true });
    await migrate(database, { migrations: three });
    const waited: number[] = [];
    const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void waited.push(ms)) };
    const quick = migration(4, 'set local lock_timeout = 1; alter table a add column m int');
    await database.transaction(async (db) => {
      await db.query('select from a');
      await assert.rejects(migrate(database, { migrations: [...three, quick], clock }), {
        name: 'MigrationError',
        message: /end long transactions/,
      });
    });
    assert.equal(waited.length, 39);
    await migrate(database, { migrations: [...three, quick], clock });
    assert.deepEqual(await applied(database), [1, 2, 3, 4]);
  });

  test('distinguishes a new database from one that has a schema', async () => {
    await using database = await testDatabase({ empty: true });
    assert.equal(await isNewDatabase(database), true);
    await migrate(database, { migrations: three });
    assert.equal(await isNewDatabase(database), false);
  });
});

describe('readMigrations', () => {
  async function folderOf(...names: string[]): Promise<URL & AsyncDisposable> {
    const path = await mkdtemp(join(tmpdir(), 'brigade-test-'));
    for (const name of names) await writeFile(join(path, name), 'select 1;\r\n');
    return Object.assign(pathToFileURL(`${path}/`), {
      [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
    });
  }

  test('reads them in order, whatever the line ends', async () => {
    await using folder = await folderOf('0002-second.sql', '0001-first.sql', 'notes.md');
    const read = await readMigrations(folder);
    assert.deepEqual(
      read.map(({ number, name, sql }) => ({ number, name, sql })),
      [
        { number: 1, name: 'first', sql: 'select 1;\n' },
        { number: 2, name: 'second', sql: 'select 1;\n' },
      ],
    );
  });

  test('a migration says which programs it breaks', async () => {
    await using folder = await folderOf();
    const sql = {
      1: 'create table a (n int, m int);',
      2: '-- contracts 0001: every program knows it\nalter table a drop column m;',
      3: 'select 1;\n-- contracts 0002: unused since\nalter table a drop column n;',
      4: '-- breaks 0003: reads n as a text\nselect 1;\n-- contracts 0002: x\nselect 1;',
      5: '-- it breaks 0004: this is no declaration\nselect 1;',
    };
    for (const [number, text] of Object.entries(sql)) {
      await writeFile(new URL(`000${number}-m.sql`, folder), text);
    }
    const oldest = (await readMigrations(folder)).map((one) => one.oldest);
    assert.deepEqual(oldest, [undefined, undefined, 2, 3, undefined]);
  });

  for (const names of [['0001-a.sql', '0003-c.sql'], ['0001-a.sql', '0001-b.sql'], ['1-a.sql']]) {
    test(`refuses ${names.join(' and ')}`, async () => {
      await using folder = await folderOf(...names);
      await assert.rejects(readMigrations(folder), { name: 'MigrationError' });
    });
  }
});
