import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { startTestService, taskBetween, type TestService } from '../kit/service.ts';
import { until } from '../kit/until.ts';

describe('a sync task', () => {
  let source: S3Server;
  let target: S3Server;
  let service: TestService;
  before(async () => {
    source = await startS3Server({ buckets: ['source'] });
    target = await startS3Server({ buckets: ['target'] });
    service = await startTestService();
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await source.close();
    await target.close();
  });

  test('copies what events name, whatever its name and size, and counts it', async () => {
    const { client } = service;
    const taskId = await client.createTask(taskBetween(source, target));
    const objects = new Map<string, Buffer>([
      ['plain.txt', Buffer.from('hello')],
      ['empty', Buffer.alloc(0)],
      ['a b+c%20/中文 🪣.bin', randomBytes(1000)],
      ['/leading//slashes/', randomBytes(10)],
      ['dots/../and/./dots', randomBytes(10)],
      ['two-mib', randomBytes(2 * MiB)],
      ['forty-mib', randomBytes(40 * MiB)],
    ]);
    for (const [key, bytes] of objects) source.bucket('source').put(key, bytes);
    await client.sendEvents(taskId, [...objects.keys()]);
    const task = await client.settled(taskId, objects.size);
    assert.equal(task.monthly_success_object, objects.size);
    assert.equal(task.monthly_acceptance_request, objects.size);
    for (const [key, bytes] of objects) {
      assert.ok(target.bucket('target').bytes(key)?.equals(bytes), key);
    }
    const listed = await client.objects(taskId);
    assert.deepEqual(new Set(listed.map(({ object_key }) => object_key)), new Set(objects.keys()));
    assert.ok(listed.every(({ outcome, check_passed }) => outcome === 'copied' && check_passed));
  });

  test('that cannot reach an object is seen while it is retried, with the reason', async () => {
    await using gone = await startS3Server({ buckets: ['source'] });
    const { client } = service;
    const taskId = await client.createTask(taskBetween(gone, target));
    await gone.close();
    await client.sendEvents(taskId, ['unreachable']);
    const retries = () => client.objects(taskId, 'retrying');
    await until('it is to be tried again', async () => (await retries()).length > 0);
    const [retrying] = await retries();
    assert.equal(retrying?.object_key, 'unreachable');
    assert.equal(retrying.outcome, 'retrying');
    assert.equal(retrying.reason, 'unreachable');
    assert.match(retrying.message ?? '', /read AWS:source\/unreachable: unreachable/);
    const progress = (await client.call('GET', `/sync-tasks/${taskId}/progress`)) as {
      readonly in_work: number;
      readonly retrying: number;
    };
    assert.partialDeepStrictEqual(progress, { waiting_events: 0, waiting_scans: 0, scan: null });
    assert.equal(progress.in_work + progress.retrying, 1);
    const retry = await client.call('POST', `/sync-tasks/${taskId}/retry-failed`, {
      include_retrying: true,
    });
    assert.deepEqual(Object.keys(retry ?? {}), ['retried']);
  });
});
