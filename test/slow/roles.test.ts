import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/platform/base/log.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { until } from '../kit/until.ts';
import { type ServiceProcess, startServiceProcess } from '../kit/service-process.ts';

/** Runs each role in a separate process, on one PostgreSQL. */

const COUNT = 40;

describe('the API, workers and a scheduler in processes of their own', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let admin: Database;
  let source: S3Server;
  let target: S3Server;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brigade-roles-'));
    postgres = await startEmbedded({ dataDir: folder, log: silentLog });
    admin = await Database.connect({ url: postgres.url, connections: 2 });
    source = await startS3Server({ buckets: ['source'] });
    target = await startS3Server({ buckets: ['target'] });
  });
  after(async () => {
    await source[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
    await admin[Symbol.asyncDispose]();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function start(name: string, roles: string): Promise<ServiceProcess> {
    return startServiceProcess(join(folder, name), {
      BRIGADE_DATABASE_URL: postgres.url.reveal(),
      BRIGADE_SECRET_KEY: 'ab'.repeat(32),
      BRIGADE_LEASE_SECONDS: '15',
      BRIGADE_ROLES: roles,
    });
  }

  /** Of the process, by its own metrics. */
  async function copiedBy({ url }: ServiceProcess): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^brigade_copied_objects_total (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  async function jobs(): Promise<number> {
    const { rows } = await admin.query<{ schema?: string }>(
      `select to_regclass('pgboss.schedule')::text as schema`,
    );
    if (rows[0]?.schema === undefined) return 0;
    return (await admin.query('select from pgboss.schedule')).rowCount;
  }

  const keysOf = (prefix: string) => Array.from({ length: COUNT }, (_, i) => `${prefix}/${i}`);

  test('share the work, and a worker that is killed is replaced', async () => {
    await using api = await start('api', 'api');
    const taskId = await api.client.createTask(taskBetween(source, target));
    const from = source.bucket('source');
    const to = target.bucket('target');
    for (const key of [...keysOf('a'), ...keysOf('b')]) from.put(key, key);

    await using first = await start('first', 'worker');
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      assert.equal((await fetch(`${first.url}${path}`)).status, 200, path);
    }
    const other = await fetch(`${first.url}/v2/p/sync-tasks`);
    assert.equal(other.status, 404);
    assert.match(await other.text(), /APIGW\.0101/);
    assert.doesNotMatch(first.child.output(), /Token|Project|sync-tasks/);

    // The first worker takes all keys, and gets no answer.
    const silence = source.faults.add({
      ...{ kind: 'silence', after: 'request', times: Infinity, match: { method: 'GET' } },
    });
    await api.client.sendEvents(taskId, keysOf('a'));
    await until('the first worker has asked for objects', () => silence.fired > 0);
    await first.child.kill();
    silence.remove();

    await using second = await start('second', 'worker');
    await using third = await start('third', 'worker');
    await api.client.sendEvents(taskId, keysOf('b'));
    await api.client.settled(taskId, 2 * COUNT, 60);
    assert.equal(to.keys('').length, 2 * COUNT);
    assert.equal(await copiedBy(api), 0);
    assert.equal((await copiedBy(second)) + (await copiedBy(third)), 2 * COUNT);

    assert.equal(await jobs(), 0);
    await using scheduler = await start('scheduler', 'scheduler');
    assert.ok((await jobs()) > 0);
    for (const process of [api, second, third, scheduler]) {
      assert.equal(await process.child.stop(), 0);
    }
  });
});
