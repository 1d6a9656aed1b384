import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { createLogger } from '../../src/platform/base/log.ts';
import type { Database } from '../../src/platform/postgres/db.ts';
import { testDatabase } from '../kit/postgres.ts';
import { assertOnlyWhole, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

interface Line {
  readonly event: string;
  readonly level: number;
  readonly fault?: string;
}

function startLog() {
  const lines: Line[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Line);
      done();
    },
  });
  return { lines, log: createLogger('info', destination) };
}

/** Makes each insert and update fail as a server does that has run out of something. */
const failWrites = (code: string) => `
  create function fail() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file "base/5/16471"' using errcode = '${code}'; end $$;
  do $$ declare t text; begin
    for t in select tablename from pg_tables where schemaname = 'public' loop
      execute format('create trigger fails before insert or update on %I execute function fail()', t);
    end loop;
  end $$`;
const mendWrites = 'drop function fail cascade';

interface State {
  readonly begin: (admin: Database, world: World, name: string) => Promise<unknown>;
  readonly end: (admin: Database, world: World, name: string) => Promise<unknown>;
  readonly fault: string;
  readonly sentence: string;
}

const states: Readonly<Record<string, State>> = {
  'a database that is read-only': {
    fault: 'read-only',
    sentence: 'The database is read-only.',
    async begin(admin, _world, name) {
      await admin.query(`alter database ${name} set default_transaction_read_only = on`);
      // Sessions have the setting of the time at which they began.
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
        [name],
      );
    },
    end: (admin, _world, name) =>
      admin.query(`alter database ${name} reset default_transaction_read_only`),
  },
  'a database whose disk is full': {
    fault: 'disk-full',
    sentence: 'The disk of the database is full.',
    begin: (_admin, { service }) => service.database.query(failWrites('53100')),
    end: (_admin, { service }) => service.database.query(mendWrites),
  },
  'a database with an input/output error': {
    fault: 'io-error',
    sentence: 'The database has an input/output error.',
    begin: (_admin, { service }) => service.database.query(failWrites('58030')),
    end: (_admin, { service }) => service.database.query(mendWrites),
  },
};

for (const [name, { begin, end, fault, sentence }] of Object.entries(states)) {
  describe(name, () => {
    test('is named by each 503 and by /readyz, logged once, and the work continues when it is over', async () => {
      const { lines, log } = startLog();
      // What was claimed as it began comes round again when its lease ends.
      await using world = await startWorld({ log, settings: { leaseMs: 6_000 } });
      await using admin = await testDatabase({ empty: true, connections: 1 });
      const { from, to, source, client, service } = world;
      const { rows } = await service.database.query<{ name: string }>(
        'select current_database() as name',
      );
      const database = rows[0]?.name ?? '';
      const readiness = async () => {
        const reply = await fetch(`${service.url}/readyz`);
        return [reply.status, ((await reply.json()) as { reason?: string }).reason];
      };
      const refused = (error: Error & { readonly status?: number }) => {
        assert.equal(error.status, 503, String(error));
        assert.ok(error.message.includes(sentence), error.message);
        assert.doesNotMatch(error.message, /base\/5|25006|53100|test_/, 'tells nothing of inside');
        return true;
      };
      const taskId = await world.createTask();
      const keys = Array.from({ length: 100 }, (_, i) => `key/${String(i).padStart(3, '0')}`);
      for (const key of keys) from.put(key, key);
      source.faults.add({ kind: 'delay', ms: 20, times: Infinity });
      await client.sendEvents(taskId, keys.slice(0, 80));
      await until('work goes on', () => to.keys('key/').length > 10);
      assert.deepEqual(await readiness(), [200, undefined]);

      await begin(admin, world, database);
      const before = service.database.faultCount;
      const some = keys.slice(80);
      await until('an event meets the state', () =>
        client.sendEvents(taskId, some).then(
          () => false,
          (error: unknown) => error instanceof Error && error.message.includes(sentence),
        ),
      );
      await assert.rejects(client.sendEvents(taskId, some), refused);
      await assert.rejects(client.stop(taskId), refused);
      await assert.rejects(world.createTask(), refused);
      assert.deepEqual(await readiness(), [503, sentence]);
      assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
      assert.equal((await client.show(taskId)).status, 'SYNCHRONIZING', 'what reads is served');
      await until('the worker has met it too', () => service.database.faultCount > before + 10);

      await end(admin, world, database);
      await until('events are taken again', () =>
        client.sendEvents(taskId, some).then(
          () => true,
          () => false,
        ),
      );
      await until('it is ready again', async () => (await readiness())[0] === 200);
      await until('all is settled', async () => {
        const left = await service.database.query('select from changes limit 1');
        return left.rows.length === 0;
      });
      const task = await client.show(taskId);
      assert.equal(task.monthly_success_object, keys.length);
      assert.equal(task.monthly_failure_object, 0);
      for (const key of keys) assertOnlyWhole(to, key, [Buffer.from(key)]);

      const urgent = lines.filter(({ level }) => level >= 40);
      const named = urgent.filter((line) => line.event === 'database.failing');
      assert.equal(named.filter((line) => line.fault === fault).length, 1);
      for (const event of ['worker.failed', 'job.failed', 'api.unavailable', 'api.failed']) {
        assert.deepEqual(
          urgent.filter((line) => line.event === event),
          [],
        );
      }
      assert.equal(lines.filter(({ event }) => event === 'api.ready').length, 1);
    });
  });
}
