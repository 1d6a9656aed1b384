import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, KiB, MiB } from '../src/platform/base/bytes.ts';
import { eachConcurrently } from '../src/platform/base/concurrently.ts';
import type { Store } from '../src/platform/stores/store.ts';
import { type S3Process, startS3Process } from '../test/kit/s3-process.ts';
import {
  type ServiceProcess,
  startServiceProcess,
  taskBetweenProcesses,
} from '../test/kit/service-process.ts';
import { usageOf, watchMemory } from './process-tree.ts';
import { type RcloneRun, rcloneCopy, rcloneVersion } from './rclone.ts';

/*
 * How fast and at what cost objects are copied, beside rclone, in one run on one machine: two of our
 * S3 servers in processes of their own, which keep sizes only; the service with its database on
 * disk; rclone with its defaults and the same concurrency.
 */

const HELP = `usage: npm run bench [-- options]

  --objects N   small objects, of 4 KiB each        (20000)
  --large N     large objects, of 512 MiB each      (4)
  --many N      once more, for the memory; 0 skips  (200000)
  --concurrency N     objects in work at once             (32)
  --write FILE  where the table goes                (bench/results.md)`;

const SMALL_BYTES = 4 * KiB;
const LARGE_BYTES = 512 * MiB;
/** In this order: what is at the target already, only the second one copies again. */
const MODES = ['SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE', 'FULL_OVERWRITE'] as const;

interface Row {
  readonly what: string;
  readonly count: number;
  readonly bytes: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly databaseCpuSeconds: number;
  readonly memoryBytes: number;
  readonly databaseMemoryBytes: number;
  readonly keysPerSecond: number | undefined;
}

async function seed(store: Store, keys: readonly string[], size: number): Promise<void> {
  const signal = new AbortController().signal;
  // The servers serve sevens for whatever was put.
  const piece = Buffer.alloc(Math.min(size, MiB), 7);
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < size; sent += piece.length) yield piece;
  }
  await eachConcurrently(keys, { concurrency: 32, signal }, async (key, stop) => {
    await store.put(key, { content: size > MiB ? content() : piece, size }, {}, stop);
  });
}

interface Run {
  readonly what: string;
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly mode: (typeof MODES)[number];
}

async function runOurs(
  { client, child }: ServiceProcess,
  { source, target }: { readonly source: S3Process; readonly target: S3Process },
  { what, keys, bytes, mode }: Run,
): Promise<Row> {
  const pid = child.process.pid ?? 0;
  const taskId = await client.createTask({
    ...taskBetweenProcesses(source, target),
    object_overwrite_mode: mode,
  });
  const before = usageOf(pid);
  const memory = watchMemory(pid);
  const startedAt = performance.now();
  await client.sendEvents(taskId, keys);
  const sentAt = performance.now();
  const task = await client.settled(taskId, keys.length, 3600);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const after = usageOf(pid);
  const most = memory.stop();
  if (task.monthly_success_object !== keys.length) {
    throw new Error(`${what}: ${task.monthly_success_object} of ${keys.length} were copied`);
  }
  // Not deleted: its rows would be cleared away while the next run is measured.
  await client.stop(taskId);
  return {
    what,
    count: keys.length,
    bytes,
    wallSeconds,
    cpuSeconds: after.service.cpuSeconds - before.service.cpuSeconds,
    databaseCpuSeconds: after.database.cpuSeconds - before.database.cpuSeconds,
    memoryBytes: most.service,
    databaseMemoryBytes: most.database,
    keysPerSecond: (keys.length / (sentAt - startedAt)) * 1000,
  };
}

function rcloneRow(what: string, run: RcloneRun, count: number, bytes: number): Row {
  return {
    ...run,
    what,
    count,
    bytes,
    databaseCpuSeconds: 0,
    databaseMemoryBytes: 0,
    keysPerSecond: undefined,
  };
}

function toLine(row: Row): string {
  const { count, wallSeconds, cpuSeconds, databaseCpuSeconds } = row;
  const per1000 = (seconds: number): string => ((seconds * 1000) / count).toFixed(3);
  const cells = [
    row.what,
    (count / wallSeconds).toFixed(0),
    (row.bytes / wallSeconds / 1e6).toFixed(1),
    per1000(cpuSeconds + databaseCpuSeconds),
    per1000(databaseCpuSeconds),
    formatBytes(row.memoryBytes),
    row.databaseMemoryBytes === 0 ? '' : formatBytes(row.databaseMemoryBytes),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Events, many at once; behind them each object fails at one request, for it is not there. */
async function acceptRate(
  { client }: ServiceProcess,
  task: Record<string, unknown>,
): Promise<number> {
  const taskId = await client.createTask(task);
  const requests = Array.from({ length: 400 }, (_, request) =>
    Array.from({ length: 100 }, (_, key) => `accept/${request}/${key}`),
  );
  const signal = new AbortController().signal;
  const startedAt = performance.now();
  await eachConcurrently(requests, { concurrency: 16, signal }, (keys) =>
    client.sendEvents(taskId, keys),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await client.stop(taskId);
  await client.remove(taskId);
  return (requests.length * 100) / seconds;
}

interface Bench {
  readonly service: ServiceProcess;
  readonly source: S3Process;
  readonly target: S3Process;
  /** The source's bucket. */
  readonly store: Store;
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}/${String(index).padStart(8, '0')}`);

/** Measures each copy of the service and the peer's copy of the same objects, and reports each result as it ends. */
async function copyRows(
  bench: Bench,
  { small, large }: { small: readonly string[]; large: readonly string[] },
  options: Options,
): Promise<Row[]> {
  const { service, source, target, store } = bench;
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    process.stdout.write(`${toLine(row)}\n`);
  };
  const both = { source, target };
  const smallBytes = small.length * SMALL_BYTES;
  const largeBytes = large.length * LARGE_BYTES;
  const rclone = rcloneVersion();
  for (const mode of MODES) {
    const what = `Bucket Brigade, ${options.objects} × 4 KiB, ${mode}`;
    add(await runOurs(service, both, { what, keys: small, bytes: smallBytes, mode }));
    if (mode === 'FULL_OVERWRITE' && rclone !== undefined) {
      const run = await rcloneCopy(source, target, {
        prefix: 'small',
        concurrency: options.concurrency,
      });
      add(rcloneRow(`rclone ${rclone}, ${options.objects} × 4 KiB`, run, small.length, smallBytes));
    }
  }
  if (large.length > 0) {
    const what = `Bucket Brigade, ${large.length} × 512 MiB`;
    add(
      await runOurs(service, both, {
        what,
        keys: large,
        bytes: largeBytes,
        mode: 'FULL_OVERWRITE',
      }),
    );
    if (rclone !== undefined) {
      const run = await rcloneCopy(source, target, {
        prefix: 'large',
        concurrency: options.concurrency,
      });
      add(rcloneRow(`rclone ${rclone}, ${large.length} × 512 MiB`, run, large.length, largeBytes));
    }
  }
  if (options.many > 0) {
    const many = names('many', options.many);
    await seed(store, many, SMALL_BYTES);
    const what = `Bucket Brigade, ${options.many} × 4 KiB, FULL_OVERWRITE`;
    const bytes = many.length * SMALL_BYTES;
    add(await runOurs(service, both, { what, keys: many, bytes, mode: 'FULL_OVERWRITE' }));
  }
  return rows;
}

async function main(options: Options): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const source = cleanUp.use(await startS3Process('ours', 'source', { sink: true }));
  const target = cleanUp.use(await startS3Process('ours', 'target', { sink: true }));
  const store = cleanUp.use(source.open());
  const dataDir = await mkdtemp(join(tmpdir(), 'brigade-bench-'));
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }));
  const service = cleanUp.use(
    await startServiceProcess(dataDir, {
      BRIGADE_CONCURRENCY: String(options.concurrency),
      BRIGADE_TASK_CONCURRENCY: String(options.concurrency),
    }),
  );
  const small = names('small', options.objects);
  const large = names('large', options.large);
  await seed(store, small, SMALL_BYTES);
  await seed(store, large, LARGE_BYTES);
  const rows = await copyRows({ service, source, target, store }, { small, large }, options);
  const accepted = await acceptRate(service, taskBetweenProcesses(source, target));
  await writeFile(options.write, report(rows, accepted, options));
}

interface Options {
  readonly objects: number;
  readonly large: number;
  readonly many: number;
  readonly concurrency: number;
  readonly write: string;
}

function report(rows: readonly Row[], accepted: number, { concurrency }: Options): string {
  return `# Results

Command: \`npm run bench\`. One run, everything on one machine with 2 cores, ${concurrency} objects in work at
once on both sides; times are only worth comparing within this table. CPU is user and system time of
all processes of a side, its servers apart; memory is the most that was seen at two looks a second, shared
pages divided by who shares them, of both sides alike. The database's part is shown and is included in
the CPU.

| what | objects/s | MB/s | CPU s per 1,000 objects | of it database | memory | database's memory |
| --- | --- | --- | --- | --- | --- | --- |
${rows.map(toLine).join('\n')}

Events of objects that are not there, 100 keys a request, 16 requests at once, durable before the answer: ${accepted.toFixed(0)} keys/s.
`;
}

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '20000' },
    large: { type: 'string', default: '4' },
    many: { type: 'string', default: '200000' },
    concurrency: { type: 'string', default: '32' },
    write: { type: 'string', default: 'bench/results.md' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(`${HELP}\n`);
} else {
  await main({
    objects: Number(values.objects),
    large: Number(values.large),
    many: Number(values.many),
    concurrency: Number(values.concurrency),
    write: values.write,
  });
}
