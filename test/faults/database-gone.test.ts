import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Database } from '../../src/platform/postgres/db.ts';
import { OmsError } from '../kit/oms-client.ts';
import { testDatabase } from '../kit/postgres.ts';
import { assertOnlyWhole, sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

describe('a database that goes away and comes back', () => {
  let world: World;
  let admin: Database;
  let name: string;
  before(async () => {
    // What was claimed as the database went comes round again when its lease ends.
    world = await startWorld({ settings: { leaseMs: 8_000 } });
    admin = await testDatabase({ empty: true });
    const { rows } = await world.service.database.query<{ name: string }>(
      'select current_database() as name',
    );
    name = rows[0]?.name ?? '';
  });
  after(async () => {
    await admin[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  async function goAway(): Promise<void> {
    await admin.query(`alter database ${name} allow_connections false`);
    await breakConnections();
  }

  async function breakConnections(): Promise<void> {
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      name,
    ]);
  }

  async function comeBack(): Promise<void> {
    await admin.query(`alter database ${name} allow_connections true`);
  }

  async function statusOf(path: string): Promise<number> {
    return (await fetch(`${world.service.url}${path}`)).status;
  }

  /** @returns Whether the event was taken. */
  async function tryEvent(taskId: string, keys: readonly string[]): Promise<boolean> {
    try {
      await world.client.sendEvents(taskId, keys);
      return true;
    } catch (error) {
      assert.ok(error instanceof OmsError, String(error));
      assert.equal(error.status, 503, error.message);
      assert.doesNotMatch(error.message, /postgres|terminat|database "/, 'tells nothing of inside');
      return false;
    }
  }

  test('loses no event that it took, and counts none twice', async () => {
    const { from, to, source, client } = world;
    const taskId = await world.createTask();
    const keys = Array.from({ length: 300 }, (_, i) => `key/${String(i).padStart(3, '0')}`);
    for (const key of keys) from.put(key, key);
    const large = randomBytes(sizes.large);
    from.put('large', large);
    source.faults.add({ kind: 'delay', ms: 20, times: Infinity });
    await client.sendEvents(taskId, ['large', ...keys.slice(0, 200)]);
    await until('work goes on', () => to.keys('key/').length > 20);
    await goAway();
    assert.equal(await tryEvent(taskId, keys.slice(200)), false);
    assert.equal(await statusOf('/readyz'), 503);
    assert.equal(await statusOf('/healthz'), 200);
    await assert.rejects(client.show(taskId), { status: 503 });
    for (let tries = 0; tries < 20; tries++) {
      assert.equal(await tryEvent(taskId, keys.slice(200)), false);
    }
    await comeBack();
    await until('events are taken again', () => tryEvent(taskId, keys.slice(200)));
    // The readiness is remembered for a moment.
    await until('the service is ready', async () => (await statusOf('/readyz')) === 200);
    await until('all is settled', async () => {
      const { rows } = await world.service.database.query('select from changes limit 1');
      return rows.length === 0;
    });
    const task = await client.show(taskId);
    assert.equal(task.monthly_success_object, keys.length + 1);
    assert.equal(task.monthly_failure_object, 0);
    assert.equal(
      task.monthly_size,
      keys.reduce((sum, key) => sum + key.length, large.length),
    );
    assert.deepEqual(to.keys('key/'), keys);
    for (const key of keys) assertOnlyWhole(to, key, [Buffer.from(key)]);
    assertOnlyWhole(to, 'large', [large]);
    assert.deepEqual(to.openUploads(), []);
    const listed = await client.objects(taskId);
    assert.deepEqual(
      listed.map(({ object_key }) => object_key),
      [...keys, 'large'],
    );
  });

  test('whose connections break again and again is no worse', async () => {
    const { from, to, source, client } = world;
    source.faults.clear();
    const taskId = await world.createTask();
    const keys = Array.from({ length: 400 }, (_, i) => `broken/${String(i).padStart(3, '0')}`);
    for (const key of keys) from.put(key, key);
    for (let start = 0; start < keys.length; start += 20) {
      const some = keys.slice(start, start + 20);
      await breakConnections();
      await until('the event is taken', () => tryEvent(taskId, some));
    }
    for (const share of [0.25, 0.5, 0.75]) {
      const copied = () => to.keys('broken/').length >= share * keys.length;
      await until(`${share} of the keys are copied`, copied);
      await breakConnections();
    }
    // By now the broken connections have been detected, also in the pool that this test uses.
    await until('all keys are copied', () => to.keys('broken/').length === keys.length);
    await until('all is settled', async () => {
      const { rows } = await world.service.database.query('select from changes limit 1');
      return rows.length === 0;
    });
    const task = await client.show(taskId);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(task.monthly_failure_object, 0);
    assert.deepEqual(to.keys('broken/'), keys);
  });
});
