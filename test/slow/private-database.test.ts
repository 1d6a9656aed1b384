import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { silentLog } from '../../src/platform/base/log.ts';
import { startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { startChild } from '../kit/child-process.ts';
import { OmsError } from '../kit/oms-client.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { type ServiceProcess, startServiceProcess } from '../kit/service-process.ts';
import { mountDisk, NO_DISK } from '../kit/small-disk.ts';
import { until } from '../kit/until.ts';

const main = new URL('../../src/surface/cli/brigade.js', import.meta.url);

describe('the private PostgreSQL', () => {
  let source: S3Server;
  let target: S3Server;
  let folder: string;
  before(async () => {
    source = await startS3Server({ buckets: ['source'] });
    target = await startS3Server({ buckets: ['target'] });
    folder = await mkdtemp(join(tmpdir(), 'brigade-private-'));
  });
  after(async () => {
    await source.close();
    await target.close();
    await rm(folder, { recursive: true, force: true });
  });

  function assertCopied(keys: readonly string[]): void {
    const [from, to] = [source.bucket('source'), target.bucket('target')];
    for (const key of keys) {
      assert.ok(to.bytes(key)?.equals(from.bytes(key) ?? Buffer.alloc(0)), key);
    }
    assert.deepEqual(to.openUploads(), []);
  }

  test('killed while objects are copied: the process ends with code 1 and says why, and the next start continues', {
    // Far more than it takes, and less than the leases of what is in work last.
    timeout: 45_000,
  }, async () => {
    const dataDir = join(folder, 'killed');
    const settings = { BRIGADE_PUT_BYTES: String(MiB), BRIGADE_PART_BYTES: String(5 * MiB) };
    const keys = Array.from({ length: 200 }, (_, index) => `killed/${index}`);
    for (const key of keys) source.bucket('source').put(key, key);
    source.bucket('source').put('killed/large', randomBytes(16 * MiB));
    keys.push('killed/large');
    let service = await startServiceProcess(dataDir, settings);
    const taskId = await service.client.createTask(taskBetween(source, target));
    const done = () => target.bucket('target').keys('killed/').length;
    source.faults.add({ kind: 'delay', ms: 30, times: Infinity });
    await service.client.sendEvents(taskId, keys.slice(0, 100));
    await service.client.sendEvents(taskId, keys.slice(100, 200));
    await service.client.sendEvents(taskId, ['killed/large']);
    await until('some are copied', () => done() > 20);
    // From here on nothing in work ends by itself.
    source.faults.clear();
    source.faults.add({ kind: 'silence', after: 'request', times: Infinity });
    const pending = service.client.show(taskId).catch(() => undefined);
    const [pid = ''] = readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n');
    const killedAt = performance.now();
    process.kill(Number(pid), 'SIGKILL');
    assert.equal(await service.child.stopped(), 1);
    const seconds = (performance.now() - killedAt) / 1000;
    console.log(`ended ${seconds.toFixed(1)} s after its database`);
    await pending;
    assert.match(
      service.child.errors(),
      /brigade: the private PostgreSQL ended by itself \(SIGKILL\)\. .* the next start continues/,
    );
    assert.ok(done() < keys.length, 'work was in hand');

    source.faults.clear();
    service = await startServiceProcess(dataDir, settings);
    const task = await service.client.settled(taskId, keys.length);
    // What was copied and not written down is looked at again, and skipped.
    assert.equal(task.monthly_success_object + task.monthly_skip_object, keys.length);
    assert.equal(task.monthly_failure_object, 0);
    assertCopied(keys);
    assert.equal(await service.child.stop(), 0);
  });

  const mounted = mountDisk('size=150m');
  after(() => {
    mounted?.[Symbol.dispose]();
  });

  test('on a full disk: 503 names it, /readyz is 503, nothing is lost, and it continues when there is space', {
    skip: mounted === undefined && NO_DISK,
  }, async () => {
    const disk = mounted?.path ?? '';
    const filler = join(disk, 'filler');
    const service = await startServiceProcess(join(disk, 'data'));
    const readiness = async () => {
      const reply = await fetch(`${service.url}/readyz`);
      return [reply.status, ((await reply.json()) as { reason?: string }).reason];
    };
    const taskId = await service.client.createTask(taskBetween(source, target));
    assert.deepEqual(await readiness(), [200, undefined]);
    await fill(filler, disk);
    const accepted: string[] = [];
    await until('an event finds the disk full', async () => {
      // As long as names can be: they need new pages soon.
      const keys = Array.from({ length: 100 }, (_, index) =>
        `full/${accepted.length + index}/`.padEnd(900, 'x'),
      );
      for (const key of keys) source.bucket('source').put(key, key);
      return refusedBy(service, taskId, keys).then((error) => {
        if (error === undefined) accepted.push(...keys);
        return error !== undefined;
      });
    });
    const full = 'The disk of the database is full.';
    await until('the check finds it too', async () => String(await readiness()) === `503,${full}`);
    assert.deepEqual((await service.client.show(taskId)).status, 'SYNCHRONIZING');
    assert.equal(service.child.process.exitCode, null);

    await rm(filler);
    source.bucket('source').put('full/last', 'last');
    await until(
      'events are taken again',
      async () => (await refusedBy(service, taskId, ['full/last'])) === undefined,
    );
    await until('it is ready again', async () => (await readiness())[0] === 200);
    const task = await service.client.settled(taskId, accepted.length + 1);
    assert.equal(task.monthly_failure_object, 0);
    assertCopied([...accepted, 'full/last']);
    const urgent = service.child.errors().split('\n');
    assert.equal(urgent.filter((line) => line.includes('"fault":"disk-full","state"')).length, 1);
    assert.equal(await service.child.stop(), 0);
  });

  test('on a disk too full to start: the process ends with code 1, says so, and starts when there is room', {
    skip: mounted === undefined && NO_DISK,
  }, async () => {
    const disk = mounted?.path ?? '';
    const [dataDir, filler] = [join(disk, 'data'), join(disk, 'filler')];
    const first = await startServiceProcess(dataDir);
    assert.equal(await first.child.stop(), 0);
    await fill(filler, disk);
    await assert.rejects(startEmbedded({ dataDir, log: silentLog }), {
      name: 'EmbeddedError',
      message:
        /^PostgreSQL did not start \(1\)\. The disk of the data directory is full: free some space/,
    });
    const full = startChild(main, ['serve'], { BRIGADE_DATA_DIR: dataDir, BRIGADE_PORT: '0' });
    assert.equal(await full.stopped(), 1);
    assert.match(
      full.errors(),
      /brigade: the data directory .* cannot be used: no space is left on the disk/,
    );
    assert.doesNotMatch(full.errors(), /at async/);
    await rm(filler);
    const again = await startServiceProcess(dataDir);
    assert.equal(await again.child.stop(), 0);
  });
});

async function fill(filler: string, disk: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(filler, Buffer.alloc(bavail * bsize));
}

/** The refusal of an event, which must name the full disk; undefined if it was accepted. */
async function refusedBy(
  { client }: ServiceProcess,
  taskId: string,
  keys: readonly string[],
): Promise<OmsError | undefined> {
  try {
    await client.sendEvents(taskId, keys);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof OmsError, String(error));
    assert.equal(error.status, 503, error.message);
    assert.match(error.message, /The disk of the database is full\./);
    return error;
  }
}
