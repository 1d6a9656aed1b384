import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';

import { systemClock } from '../../src/platform/base/clock.ts';
import { createLogger, silentLog } from '../../src/platform/base/log.ts';
import { taskInWork } from '../../src/domain/tasks/tasks-table.ts';
import { readEndpoints } from '../../src/domain/tasks/endpoints.ts';
import { maintenance } from '../../src/domain/maintenance/maintenance.ts';
import { Accounts } from '../../src/platform/stores/accounts.ts';
import { openBuckets } from '../../src/domain/tasks/open-buckets.ts';
import { OpenTasks } from '../../src/domain/tasks/open-tasks.ts';
import type { TestService } from '../kit/service.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

const sourceKey = { accessKeyId: 'SOURCEKEYIDENTIFIER', secretAccessKey: 'source-secret-9b1d7c' };
const targetKey = { accessKeyId: 'TARGETKEYIDENTIFIER', secretAccessKey: 'target-secret-4e02aa' };
const wrongSecret = 'wrong-secret-77f3e1';

const lines: string[] = [];
const buffer = new Writable({
  write(chunk: Buffer, _encoding, written) {
    lines.push(chunk.toString());
    written();
  },
});

let world: World;
before(async () => {
  world = await startWorld({
    source: { accessKeys: [sourceKey] },
    target: { accessKeys: [targetKey] },
    settings: { taskConcurrency: 4 },
    log: createLogger('debug', buffer),
  });
});
after(() => world[Symbol.asyncDispose]());

/** One of the maintenance's jobs, run now. */
async function runJob(
  name: string,
  { database, sealer, settings, metrics }: TestService,
): Promise<void> {
  const places = readEndpoints(settings.endpoints, settings.allowEndpoints);
  await using openTasks = new OpenTasks({
    database,
    sealer,
    restoreDays: settings.restoreDays,
    open: openBuckets({
      ...{ endpoints: places, clock: systemClock, log: silentLog, metrics },
      accounts: new Accounts({ clock: systemClock, calls: 64 }),
    }),
  });
  const { retentionDays, auditDays, uploadDays, timeZone } = settings;
  const common = { database, openTasks, clock: systemClock, log: silentLog };
  const job = maintenance({ ...common, retentionDays, auditDays, uploadDays, timeZone }).find(
    (one) => one.name === name,
  );
  assert.ok(job, name);
  await job.run(new AbortController().signal);
}

/** Every table that has rows of a task, with their number. */
async function tablesWith(taskId: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const { database } = world.service;
  for (const table of ['changes', 'rechecks', 'objects', 'statistics', 'uploads', 'upload_parts']) {
    const { rows } = await database.query<{ count: number }>(
      `select count(*)::int as count from ${table} where task_id = $1`,
      [taskId],
    );
    if (rows[0] !== undefined && rows[0].count > 0) found[table] = rows[0].count;
  }
  const { rows } = await database.query('select from sync_tasks where id = $1', [taskId]);
  if (rows.length > 0) found['sync_tasks'] = rows.length;
  return found;
}

test('a task from a bucket to itself is refused', async () => {
  const { source } = world;
  const created = world.createTask({ dst_endpoint: source.url, dst_bucket: 'source' });
  await assert.rejects(created, /the same bucket/);
});

describe('stop and start', () => {
  test('a stop finishes objects in flight and keeps those that wait, and a start continues', async () => {
    const { from, to, source, client } = world;
    const taskId = await world.createTask();
    const keys = Array.from({ length: 60 }, (_, i) => `stop/${String(i).padStart(2, '0')}`);
    for (const key of keys) from.put(key, key);
    source.requests.clear();
    const slow = source.faults.add({ kind: 'delay', ms: 300, times: Infinity });
    await client.sendEvents(taskId, keys);
    await until('objects are in flight', () => source.requests.of('GetObject') >= 4);
    await client.stop(taskId);
    assert.equal((await client.show(taskId)).status, 'STOPPED');
    const begun = source.requests.of('GetObject');
    await client.settled(taskId, begun);
    // The workers claim again: what another task has is copied meanwhile.
    from.put('of-another-task', 'x');
    await world.sync(await world.createTask(), ['of-another-task']);
    const stopped = await client.show(taskId);
    assert.equal(stopped.monthly_success_object, to.keys('stop/').length);
    assert.ok(stopped.monthly_success_object < keys.length);
    assert.equal(source.requests.of('GetObject'), stopped.monthly_success_object + 1);
    const rest = keys.length - stopped.monthly_success_object;
    assert.deepEqual((await tablesWith(taskId))['changes'], rest);
    slow.remove();
    await client.start(taskId);
    const task = await client.settled(taskId, keys.length);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(source.requests.of('GetObject'), keys.length + 1);
    assert.deepEqual(to.keys('stop/'), keys);
  });

  test('a large object that is in flight at the stop ends whole', async () => {
    const { from, to, source, client } = world;
    const taskId = await world.createTask();
    const bytes = randomBytes(sizes.large);
    from.put('stop-large', bytes);
    const match = { key: 'stop-large' };
    const held = source.faults.add({ kind: 'delay', ms: 300, nth: 2, times: 2, match });
    await client.sendEvents(taskId, ['stop-large']);
    await until('its parts are read', () => held.fired > 0);
    await client.stop(taskId);
    await client.settled(taskId, 1);
    assert.ok(to.bytes('stop-large')?.equals(bytes));
    assert.deepEqual(to.openUploads(), []);
  });

  test('start and stop refuse what is so already', async () => {
    const { client } = world;
    const taskId = await world.createTask();
    await assert.rejects(client.start(taskId), { status: 400, code: 'OMS.0065' });
    await client.stop(taskId);
    await assert.rejects(client.stop(taskId), { status: 400, code: 'OMS.0066' });
    await client.start(taskId);
    assert.equal((await client.show(taskId)).status, 'SYNCHRONIZING');
  });

  test('a start with other credentials uses them, one without uses those it has', async () => {
    const { from, to, client } = world;
    const taskId = await world.createTask({ src_sk: wrongSecret });
    from.put('credentials', 'text');
    const refused = await world.sync(taskId, ['credentials']);
    assert.equal(refused.monthly_failure_object, 1);
    const failed = await world.outcome(taskId, 'credentials');
    assert.equal(failed.reason, 'bad-credentials');
    assert.match(failed.message ?? '', /SignatureDoesNotMatch/);
    assert.match(
      failed.message ?? '',
      /start it with valid credentials, then retry the failed objects/,
    );
    await client.stop(taskId);
    await assert.rejects(client.start(taskId, { src_ak: sourceKey.accessKeyId }), {
      status: 400,
      code: 'OMS.1004',
    });
    await client.start(taskId, {
      src_ak: sourceKey.accessKeyId,
      src_sk: sourceKey.secretAccessKey,
      dst_ak: targetKey.accessKeyId,
      dst_sk: targetKey.secretAccessKey,
    });
    assert.equal(await client.retryFailed(taskId), 1);
    const task = await client.settled(taskId, 2);
    assert.equal(task.monthly_success_object, 1);
    assert.equal((await world.outcome(taskId, 'credentials')).outcome, 'copied');
    await client.stop(taskId);
    await client.start(taskId, {});
    from.put('credentials', 'another text');
    await world.sync(taskId, ['credentials']);
    assert.equal(to.bytes('credentials')?.toString(), 'another text');
  });
});

describe('delete', () => {
  test('needs a stop first; then the task is gone, and so is what it left behind', async () => {
    const { from, to, target, client, service } = world;
    const taskId = await world.createTask();
    from.put('deleted/done', 'text');
    from.put('deleted/large', randomBytes(sizes.large));
    await world.sync(taskId, ['deleted/done']);
    const broken = target.faults.add({
      ...{ kind: 'status', status: 503, code: 'SlowDown' },
      ...{ nth: 2, times: Infinity, match: { operation: 'UploadPart' } },
    } as const);
    await client.sendEvents(taskId, ['deleted/large']);
    await until('a part is there', () => broken.fired > 0 && to.openUploads().length === 1);
    await assert.rejects(client.remove(taskId), { status: 400, code: 'OMS.0063' });
    await client.stop(taskId);
    await until('nothing is in flight', async () => !(await taskInWork(service.database, taskId)));
    await client.remove(taskId);
    await assert.rejects(client.show(taskId), { status: 404, code: 'OMS.1009' });
    await assert.rejects(client.remove(taskId), { status: 404, code: 'OMS.1009' });
    await assert.rejects(client.sendEvents(taskId, ['x']), { status: 404, code: 'OMS.1009' });
    broken.remove();
    await until('all of it is cleared away', async () => {
      await runJob('clear-tasks', service);
      return Object.keys(await tablesWith(taskId)).length === 0;
    });
    assert.deepEqual(to.openUploads(), []);
    assert.ok(to.object('deleted/done'), 'what was copied stays');
    assert.equal(to.object('deleted/large'), undefined);
  });

  test('the maintenance aborts an upload that is not continued, after BRIGADE_UPLOAD_DAYS', async () => {
    const { from, to, source, target, client, service } = world;
    const taskId = await world.createTask();
    from.put('abandoned', randomBytes(sizes.large));
    const match = { operation: 'UploadPart', key: 'abandoned' } as const;
    target.faults.add({ kind: 'status', status: 500, code: 'InternalError', times: 99, match });
    await client.sendEvents(taskId, ['abandoned']);
    const task = await client.settled(taskId, 1);
    assert.equal(task.monthly_failure_object, 1);
    assert.equal((await world.outcome(taskId, 'abandoned')).reason, 'unavailable');
    target.faults.clear();
    source.faults.clear();
    await runJob('abandoned-uploads', service);
    assert.equal(to.openUploads().length, 1);
    const days = service.settings.uploadDays;
    await service.database.query(`update uploads set used_at = used_at - $1 * interval '1 day'`, [
      days,
    ]);
    await runJob('abandoned-uploads', service);
    assert.deepEqual(to.openUploads(), []);
    assert.equal((await tablesWith(taskId))['uploads'], undefined);
  });
});

describe('credentials', () => {
  test('show in no column, no log line and no answer', async () => {
    const { client, service } = world;
    const taskId = await world.createTask({ dst_sk: wrongSecret });
    world.from.put('secret', 'text');
    await world.sync(taskId, ['secret']);
    const answers = JSON.stringify([
      await client.call('GET', '/sync-tasks?limit=100'),
      await client.show(taskId),
      await client.objects(taskId),
    ]);
    const secrets = [sourceKey, targetKey].flatMap((key) => [key.secretAccessKey]);
    const identifiers = [sourceKey.accessKeyId, targetKey.accessKeyId];
    const rows = await everyRow(service);
    assert.match(rows, /,secret,failed,/);
    const log = lines.join('');
    assert.match(log, /api\.answered/);
    for (const secret of [...secrets, wrongSecret, service.token]) {
      assert.ok(!log.includes(secret), 'in the log');
    }
    for (const secret of [...secrets, ...identifiers, wrongSecret]) {
      assert.ok(!answers.includes(secret), 'in an answer');
      assert.ok(!rows.includes(secret), 'in the database');
      const hex = Buffer.from(secret).toString('hex');
      assert.ok(!rows.includes(hex), 'in the bytes of the database');
    }
    assert.ok(!rows.includes(service.token), 'the token in the database');
  });

  test('do not come back in the refusal of a creation that brings them', async () => {
    const failure = world.createTask({ src_sk: `${wrongSecret}${'x'.repeat(2048)}` });
    await assert.rejects(failure, (error: Error) => {
      assert.match(error.message, /src_sk/);
      assert.ok(!error.message.includes(wrongSecret));
      return true;
    });
    assert.ok(!lines.join('').includes(wrongSecret));
  });
});

/** What a dump of the whole database would show. */
async function everyRow({ database }: TestService): Promise<string> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  assert.ok(tables.length > 8);
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await database.query<{ text: string }>(
      `select t::text as text from ${name} t`,
    );
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}
