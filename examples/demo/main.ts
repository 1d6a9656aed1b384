import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes } from '../../src/platform/base/bytes.ts';
import { eachConcurrently } from '../../src/platform/base/concurrently.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import type { OmsClient } from '../../test/kit/oms-client.ts';
import { type S3Process, startS3Process } from '../../test/kit/s3-process.ts';
import { startServiceProcess, taskBetweenProcesses } from '../../test/kit/service-process.ts';
import { type DemoObject, demoObjects, isWhole, putDemoObject } from './objects.ts';
import { progress } from './progress.ts';

/*
 * Two S3 servers on this machine, the service between them, and a few thousand objects that a task with an
 * initial scan copies from one to the other. Everything is temporary and removed at the end.
 */

const HELP = `usage: npm run demo [-- --ceph]

  --ceph   two real Ceph object gateways instead of our own S3 servers;
           test/kit/ceph/install.sh installs them on Debian`;

const CONCURRENCY = 16;

async function main(ceph: boolean): Promise<number> {
  const interrupted = new AbortController();
  // Each time, not once: under npm a Ctrl-C comes twice.
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => interrupted.abort());
  try {
    return await demonstrate(ceph, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.stdout.write('\nStopped; everything was removed.\n');
    return 130;
  }
}

async function demonstrate(ceph: boolean, signal: AbortSignal): Promise<number> {
  await using cleanUp = new AsyncDisposableStack();
  const kind = ceph ? 'ceph' : 'ours';
  step(`Starting two S3 servers (${ceph ? 'Ceph' : 'our own'})`);
  const source = cleanUp.use(await startS3Process(kind, 'photos'));
  const target = cleanUp.use(await startS3Process(kind, 'photos-copy'));
  const from = cleanUp.use(source.open());
  const objects = demoObjects();
  const bytes = objects.reduce((sum, { size }) => sum + size, 0);
  step(`Filling ${source.url}/photos with ${objects.length} objects, ${formatBytes(bytes)}`);
  await eachConcurrently(objects, { concurrency: CONCURRENCY, signal }, (object, stop) =>
    putDemoObject(from, object, stop),
  );
  step('Starting the service');
  const dataDir = await mkdtemp(join(tmpdir(), 'brigade-demo-'));
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }));
  const service = cleanUp.use(await startServiceProcess(dataDir));
  const seconds = await synchronize(service.client, { source, target, objects, bytes }, signal);
  step(`Reading all of ${target.url}/photos-copy back and comparing it byte for byte`);
  const to = cleanUp.use(target.open());
  const broken = await findBroken(to, objects, signal);
  if (broken.length > 0) {
    process.stderr.write(`${broken.length} objects differ, ${broken.slice(0, 5).join(', ')} …\n`);
    return 1;
  }
  process.stdout.write(farewell(objects.length, bytes, seconds));
  return 0;
}

interface Scene {
  readonly source: S3Process;
  readonly target: S3Process;
  readonly objects: readonly DemoObject[];
  readonly bytes: number;
}

/** Creates the task, whose initial scan finds all objects, and shows the progress. @returns Seconds. */
async function synchronize(
  client: OmsClient,
  { source, target, objects, bytes }: Scene,
  signal: AbortSignal,
): Promise<number> {
  step('Creating a synchronization task with an initial scan');
  const startedAt = performance.now();
  const taskId = await client.createTask({
    ...taskBetweenProcesses(source, target),
    enable_metadata_migration: true,
    initial_scan: true,
  });
  await progress(() => client.show(taskId), { objects: objects.length, bytes }, signal);
  const failed = await client.objects(taskId, 'failed');
  for (const { object_key, message } of failed.slice(0, 5)) {
    process.stderr.write(`failed: ${object_key}: ${message ?? ''}\n`);
  }
  return (performance.now() - startedAt) / 1000;
}

async function findBroken(
  store: Store,
  objects: readonly DemoObject[],
  signal: AbortSignal,
): Promise<string[]> {
  const broken: string[] = [];
  await eachConcurrently(objects, { concurrency: CONCURRENCY, signal }, async (object, stop) => {
    const whole = await isWhole(store, object, stop).catch(() => false);
    if (!whole) broken.push(object.key);
  });
  return broken;
}

function step(text: string): void {
  process.stdout.write(`\n→ ${text}\n`);
}

function farewell(count: number, bytes: number, seconds: number): string {
  return `
✓ ${count} objects, ${formatBytes(bytes)}, in ${seconds.toFixed(1)} s: all at the target, byte for byte.

Next:
  npm start                  run the service; it prints its URL, project and token
  docs/guide/first-task.md   a task between your own buckets, with curl
  npm run brigade settings   what can be set
`;
}

const { values } = parseArgs({
  options: { ceph: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) process.stdout.write(`${HELP}\n`);
else process.exitCode = await main(values.ceph);
