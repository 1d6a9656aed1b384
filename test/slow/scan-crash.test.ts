import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startS3Server } from '../kit/s3-server/server.ts';
import { randomFrom } from '../kit/seeded-random.ts';
import { taskBetween } from '../kit/service.ts';
import { startServiceProcess } from '../kit/service-process.ts';
import { until } from '../kit/until.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const OBJECTS = 20_000;
const CRASHES = 5;

test(`a backfill of ${OBJECTS} objects survives kill -9 at random moments (SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  await using source = await startS3Server({ buckets: ['source'], sink: true });
  await using target = await startS3Server({ buckets: ['target'], sink: true });
  const dataDir = await mkdtemp(join(tmpdir(), 'brigade-scan-'));
  await using cleaned = new AsyncDisposableStack();
  cleaned.defer(() => rm(dataDir, { recursive: true, force: true }));
  const from = source.bucket('source');
  for (let at = 0; at < OBJECTS; at++) from.fill(`Ünï ${at % 7}/${at.toString(36)}\u{1F600}`, 10);
  let service = await startServiceProcess(dataDir, {});
  const taskId = await service.client.createTask({
    ...taskBetween(source, target),
    initial_scan: true,
  });
  const named = ['events/one', 'events/two'];
  for (const key of named) from.fill(key, 11);
  for (let crashes = 0; crashes < CRASHES; crashes++) {
    const listed = (crashes + random()) * (OBJECTS / CRASHES);
    const isSoFar = async (): Promise<boolean> =>
      (await service.client.newestScan(taskId)).source_objects >= listed;
    await until('the scan has come so far', isSoFar, 120);
    await service.child.kill();
    service = await startServiceProcess(dataDir, {});
    await service.client.sendEvents(taskId, named);
  }
  const total = OBJECTS + named.length;
  const isOver = async (): Promise<boolean> =>
    !['waiting', 'running'].includes((await service.client.newestScan(taskId)).state);
  await until('the scan is over', isOver, 120);
  const scan = await service.client.newestScan(taskId);
  assert.equal(scan.state, 'complete');
  // Each key of the source is counted once, however often a page was read again.
  assert.ok([OBJECTS, OBJECTS + 1, total].includes(scan.source_objects), JSON.stringify(scan));
  assert.equal(scan.missing + scan.different + scan.equal, scan.source_objects);
  await until('all is copied', () => target.bucket('target').keys().length === total, 120);
  assert.deepEqual(target.bucket('target').keys(), from.keys());
  assert.equal(await service.child.stop(), 0);
});
