import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../src/platform/base/log.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { type ServiceProcess, startServiceProcess } from '../kit/service-process.ts';
import { until } from '../kit/until.ts';

const OBJECTS = 60_000;

test('two processes share a scan, one is killed, and a reconcile finds what no event has named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brigade-shared-'));
  await using started = new AsyncDisposableStack();
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'db');
  await mkdir(dataDir);
  const postgres = await startEmbedded({ dataDir, log: silentLog });
  started.defer(() => postgres.stop());
  const admin = started.use(await Database.connect({ url: postgres.url, connections: 2 }));
  const source = started.use(await startS3Server({ buckets: ['source'], sink: true }));
  const target = started.use(await startS3Server({ buckets: ['target'], sink: true }));
  const start = (name: string): Promise<ServiceProcess> =>
    startServiceProcess(join(folder, name), {
      BRIGADE_DATABASE_URL: postgres.url.reveal(),
      BRIGADE_SECRET_KEY: 'ab'.repeat(32),
      BRIGADE_LEASE_SECONDS: '15',
    });
  const from = source.bucket('source');
  const to = target.bucket('target');
  // Nearly all is there already, so that the listings are the work.
  for (let at = 0; at < OBJECTS; at++) {
    const key = `Ünï ${at % 7}/${at.toString(36)}\u{1F600}`;
    from.fill(key, 10);
    if (at % 100 !== 0) to.fill(key, 10);
  }
  const first = started.use(await start('first'));
  const second = started.use(await start('second'));
  const taskId = await first.client.createTask(taskBetween(source, target));
  await first.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
  const holders = async (): Promise<number> => {
    const { rows } = await admin.query<{ count: number }>(
      `select count(*)::int as count from scan_ranges where lease_until > now()`,
    );
    return rows[0]?.count ?? 0;
  };
  await until('it is split', async () => (await holders()) > 1, 100);
  await second.child.kill();
  const key = 'named while it runs';
  from.fill(key, 11);
  await first.client.sendEvents(taskId, [key]);
  const backfill = await first.client.endedScan(taskId, 150);
  assert.equal(backfill.state, 'complete');
  assert.ok([OBJECTS, OBJECTS + 1].includes(backfill.source_objects), JSON.stringify(backfill));
  const { missing, different, equal } = backfill;
  assert.equal(missing + different + equal, backfill.source_objects, 'each key once');
  await until('all is copied', () => to.keys().length === OBJECTS + 1, 100);
  assert.deepEqual(to.keys(), from.keys());

  // These events are lost.
  for (let at = 0; at < 500; at++) from.fill(`lost/${at}`, 10);
  await first.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'reconcile' });
  const reconcile = await first.client.endedScan(taskId, 150);
  assert.deepEqual([reconcile.state, reconcile.missing], ['complete', 500]);
  await until('all is copied', () => to.keys().length === OBJECTS + 501, 100);
  assert.deepEqual(to.keys(), from.keys());
});
