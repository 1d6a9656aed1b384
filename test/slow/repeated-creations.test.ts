import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientOf } from '../contract/clients.ts';
import { silentLog } from '../../src/platform/base/log.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { startServiceProcess } from '../kit/service-process.ts';

const key = { id: 'REPEATEDKEY000000001', secret: 'a-secret-that-signs' };

test('equal signed creations at two processes create one task, also after both are restarted', async () => {
  await using server = await startS3Server({ buckets: ['source', 'target'] });
  await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-repeated-'));
  await using postgres = await startEmbedded({ dataDir: dir.path, log: silentLog });
  const projectId = randomBytes(16).toString('hex');
  const environment = {
    BRIGADE_DATABASE_URL: postgres.url.reveal(),
    BRIGADE_SECRET_KEY: randomBytes(32).toString('hex'),
    BRIGADE_BOOTSTRAP_ACCESS_KEY: `${key.id}:${key.secret}:${projectId}`,
  };
  const start = (name: string) => startServiceProcess(join(dir.path, name), environment);
  const first = await start('one');
  const second = await start('two');
  // Equal calls of one second have one date; behind a load balancer they have one host.
  const headers = {
    'X-Sdk-Date': new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    'host': new URL(first.url).host,
  };
  const clientTo = ({ url }: { readonly url: string }) =>
    clientOf({ url, projectId }, key, { headers });
  const create = async (to: { readonly url: string }) =>
    (await clientTo(to).createSyncTask(taskBetween(server, server))).sync_task_id;

  const ids = await Promise.all([first, second, first, second, first, second].map(create));
  for (const service of [first, second]) await service.child.stop();
  const restarted = await start('three');
  // However long the start took: the creation was a moment ago.
  await using database = await Database.connect({ url: postgres.url });
  await database.query('update signed_creations set created_at = now()');
  ids.push(await create(restarted));
  assert.equal(new Set(ids).size, 1);
  const { count } = await clientOf({ url: restarted.url, projectId }, key).listSyncTasks();
  assert.equal(count, 1);
  await restarted.child.stop();
});
