import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '../../src/platform/base/bytes.ts';
import { OmsError } from '../kit/oms-client.ts';
import { randomFrom } from '../kit/seeded-random.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { type ServiceProcess, startServiceProcess } from '../kit/service-process.ts';

const CRASHES = Number(process.env['CRASHES'] ?? 8);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** A process and all that came from it. */
function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** Ends the service at once: with its database in the same moment, or leaving that to itself. */
async function crash(service: ServiceProcess, withDatabase: boolean): Promise<void> {
  const pid = service.child.process.pid;
  assert.ok(pid !== undefined);
  const victims = withDatabase ? processTree(pid) : [pid];
  for (const victim of victims) {
    try {
      process.kill(victim, 'SIGKILL');
    } catch {
      // It ended before.
    }
  }
  await service.child.kill();
}

describe(`kill -9 at random moments (SEED=${SEED})`, () => {
  const random = randomFrom(SEED);
  let source: S3Server;
  let target: S3Server;
  let dataDir: string;
  before(async () => {
    source = await startS3Server({ buckets: ['source'] });
    target = await startS3Server({ buckets: ['target'] });
    dataDir = await mkdtemp(join(tmpdir(), 'brigade-crash-'));
  });
  after(async () => {
    await source.close();
    await target.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = (): Promise<ServiceProcess> =>
    startServiceProcess(dataDir, {
      BRIGADE_PUT_BYTES: String(MiB),
      BRIGADE_PART_BYTES: String(5 * MiB),
      BRIGADE_CONCURRENCY: '12',
      BRIGADE_BACKOFF_BASE_MS: '50',
      BRIGADE_BACKOFF_MAX_MS: '500',
      BRIGADE_ATTEMPTS: '100',
    });

  /** What is at the target is a whole version of the source, or nothing. */
  function assertNothingPartial(): void {
    for (const key of target.bucket('target').keys()) {
      const same = target
        .bucket('target')
        .bytes(key)
        ?.equals(source.bucket('source').bytes(key) ?? Buffer.alloc(0));
      assert.ok(same, `${key} at the target is not what the source has`);
    }
  }

  test('loses no accepted event, counts none twice, and shows nothing partial', async () => {
    const keys = Array.from({ length: 1_500 }, (_, index) => `small/${index}`);
    for (const key of keys)
      source.bucket('source').put(key, Buffer.from(`${key} `.repeat(1 + random() * 200)));
    for (let index = 0; index < 4; index++) {
      const key = `large/${index}`;
      source.bucket('source').put(key, Buffer.alloc(23 * MiB + index, `${key} ${random()}`));
      keys.splice(Math.floor(random() * keys.length), 0, key);
    }
    // So slow that every life of the service ends in the middle of something.
    target.faults.add({ kind: 'delay', ms: 40, times: 1_000_000 });

    let service = await start();
    const taskId = await service.client.createTask(taskBetween(source, target));
    const waiting = [...keys];
    let uncertain = 0;
    for (let crashes = 0; crashes < CRASHES; crashes++) {
      const doomed = sleep(100 + random() * 1_500).then(() => crash(service, random() < 0.5));
      try {
        // Events come in all the while; the one in flight at the crash may or may not be in.
        while (waiting.length > 0) {
          const batch = waiting.slice(0, 20);
          await service.client.sendEvents(taskId, batch);
          waiting.splice(0, batch.length);
          await sleep(random() * 60);
        }
      } catch (error) {
        if (error instanceof OmsError) throw error;
        uncertain += Math.min(20, waiting.length);
      }
      await doomed;
      assertNothingPartial();
      service = await start();
    }
    await service.client.sendEvents(taskId, waiting);
    target.faults.clear();
    const task = await service.client.settled(taskId, keys.length, 120);

    const rounds =
      task.monthly_success_object + task.monthly_failure_object + task.monthly_skip_object;
    assert.equal(task.monthly_failure_object, 0);
    assert.ok(rounds <= keys.length + uncertain, `${rounds} rounds were counted`);
    assert.ok(task.monthly_acceptance_request >= keys.length);
    assert.ok(task.monthly_acceptance_request <= keys.length + uncertain);
    assert.deepEqual(new Set(target.bucket('target').keys()), new Set(keys));
    assertNothingPartial();
    assert.deepEqual(target.bucket('target').openUploads(), []);
    const listed = await service.client.objects(taskId);
    assert.deepEqual(new Set(listed.map(({ object_key }) => object_key)), new Set(keys));
    assert.ok(listed.every(({ outcome }) => outcome !== 'failed'));
    assert.equal(await service.child.stop(), 0);
  });
});
