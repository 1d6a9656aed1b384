import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startS3Server } from '../kit/s3-server/server.ts';
import { startServiceProcess, taskBetweenProcesses } from '../kit/service-process.ts';

const TASKS = 60;
const KEYS = 8;
const OPEN_FILES = 256;

/** Makes one call on its own connection. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

test('with 256 open files many tasks copy all objects, and the API answers every caller', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-'));
  const names = Array.from({ length: TASKS }, (_, at) => `bucket-${at}`);
  await using source = await startS3Server({ buckets: names });
  await using target = await startS3Server({ buckets: names });
  await using service = await startServiceProcess(
    dir.path,
    { BRIGADE_TASKS_MAX: String(TASKS), BRIGADE_CONCURRENCY: '64', BRIGADE_TASK_CONCURRENCY: '64' },
    OPEN_FILES,
  );
  assert.match(service.child.output() + service.child.errors(), /"event":"service.few-files"/);
  const keys = Array.from({ length: KEYS }, (_, at) => `key-${at}`);
  const taskIds: string[] = [];
  for (const bucket of names) {
    for (const key of keys) source.bucket(bucket).put(key, `${bucket}/${key}`);
    const place = (server: typeof source) => ({ ...server, ...server.accessKey, bucket });
    taskIds.push(
      await service.client.createTask(taskBetweenProcesses(place(source), place(target))),
    );
  }
  const openMax = { seen: 0 };
  const pid = service.child.process.pid ?? 0;
  using watching = new DisposableStack();
  const watch = setInterval(() => {
    openMax.seen = Math.max(openMax.seen, readdirSync(`/proc/${pid}/fd`).length);
  }, 20);
  watching.defer(() => clearInterval(watch));
  const asked = Promise.all(taskIds.map((taskId) => service.client.sendEvents(taskId, keys))).then(
    async () => {
      for (let round = 0; round < 30; round++) {
        const answers = Array.from({ length: 20 }, () => statusOf(`${service.url}/healthz`));
        assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
      }
    },
  );
  await asked;
  for (const taskId of taskIds) await service.client.settled(taskId, KEYS);
  for (const bucket of names) {
    for (const key of keys) {
      assert.equal(target.bucket(bucket).bytes(key)?.toString(), `${bucket}/${key}`);
    }
  }
  assert.ok(openMax.seen <= OPEN_FILES, String(openMax.seen));
  assert.doesNotMatch(service.child.output() + service.child.errors(), /EMFILE/);
});

test('with 256 open files a burst of 140 callers is answered while no object is copied', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-'));
  await using service = await startServiceProcess(dir.path, {}, OPEN_FILES);
  const answers = Array.from({ length: 140 }, () => statusOf(`${service.url}/healthz`));
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
  assert.doesNotMatch(service.child.output() + service.child.errors(), /EMFILE/);
});

test('a limit that lets nothing work ends the start, and says what to raise', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-'));
  await assert.rejects(startServiceProcess(dir.path, {}, 100), /open only 100 files.*112.*ulimit/s);
});
