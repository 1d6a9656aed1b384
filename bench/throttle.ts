import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KiB } from '../src/platform/base/bytes.ts';
import { eachConcurrently } from '../src/platform/base/concurrently.ts';
import { type S3ProcessOptions, startS3Process } from '../test/kit/s3-process.ts';
import {
  type ServiceProcess,
  startServiceProcess,
  taskBetweenProcesses,
} from '../test/kit/service-process.ts';

/*
 * What a store's refusals cost: the service copies small objects between two of our S3 servers, of
 * which the target refuses PUTs and the source refuses GETs at random, or the target takes so many
 * PUTs a second and no more. Prints the rate, and the share of requests that were refused.
 */

const HELP = `usage: node bench/throttle.ts [-- options]

  --objects N   small objects, of 4 KiB each         (10000)
  --limit N     requests a second of the last row    (200)
  --delay N     milliseconds before each answer      (0)
  --concurrency N     objects in work at once              (32)`;

const SIZE = 4 * KiB;
const KEYS_A_REQUEST = 100;

interface Row {
  readonly what: string;
  readonly source?: S3ProcessOptions;
  readonly target?: S3ProcessOptions;
}

interface Result {
  readonly objectsPerSecond: number;
  readonly refusedShare: number;
}

/** How many requests of the work on objects the stores have answered, and how many they refused. */
async function requestsOf({ url }: ServiceProcess): Promise<{ all: number; refused: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let [all, refused] = [0, 0];
  const line = /^brigade_store_request_duration_seconds_count\{(.*)\} (\d+)$/gm;
  for (const [, labels = '', count] of text.matchAll(line)) {
    if (!/operation="(?:read|put)"/.test(labels)) continue;
    all += Number(count);
    if (labels.includes('outcome="throttled"')) refused += Number(count);
  }
  return { all, refused };
}

async function measure(
  { source, target }: Row,
  { objects, concurrency, delay }: Options,
): Promise<Result> {
  await using cleanUp = new AsyncDisposableStack();
  const shared = { sink: true, ...(delay > 0 && { delayMs: delay }) };
  const from = cleanUp.use(await startS3Process('ours', 'source', { ...source, ...shared }));
  const to = cleanUp.use(await startS3Process('ours', 'target', { ...target, ...shared }));
  const dataDir = await mkdtemp(join(tmpdir(), 'brigade-bench-'));
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }));
  const service = cleanUp.use(
    await startServiceProcess(dataDir, {
      BRIGADE_LOG_LEVEL: 'error',
      BRIGADE_CONCURRENCY: String(concurrency),
      BRIGADE_TASK_CONCURRENCY: String(concurrency),
    }),
  );
  const keys = Array.from({ length: objects }, (_, at) => `key/${String(at).padStart(8, '0')}`);
  const store = cleanUp.use(from.open());
  const content = Buffer.alloc(SIZE, 7);
  const { signal } = new AbortController();
  await eachConcurrently(keys, { concurrency: 32, signal }, async (key, stop) => {
    await store.put(key, { content, size: SIZE }, {}, stop);
  });
  const taskId = await service.client.createTask({
    ...taskBetweenProcesses(from, to),
    object_overwrite_mode: 'FULL_OVERWRITE',
  });
  const before = await requestsOf(service);
  const startedAt = performance.now();
  // One client that waits for each answer sends fewer keys than many slots copy.
  await eachConcurrently(requestsOfEvents(keys), { concurrency: 16, signal }, (named) =>
    service.client.sendEvents(taskId, named),
  );
  const task = await service.client.settled(taskId, keys.length, 3600);
  const seconds = (performance.now() - startedAt) / 1000;
  if (task.monthly_success_object !== keys.length) {
    throw new Error(`${task.monthly_success_object} of ${keys.length} were copied`);
  }
  const after = await requestsOf(service);
  return {
    objectsPerSecond: objects / seconds,
    refusedShare: (after.refused - before.refused) / (after.all - before.all),
  };
}

/** The keys of each request. */
function requestsOfEvents(keys: readonly string[]): (readonly string[])[] {
  const count = Math.ceil(keys.length / KEYS_A_REQUEST);
  return Array.from({ length: count }, (_, at) =>
    keys.slice(at * KEYS_A_REQUEST, (at + 1) * KEYS_A_REQUEST),
  );
}

async function main(options: Options): Promise<void> {
  const rows: Row[] = [0, 0.0005, 0.001, 0.005, 0.01].map((share) => ({
    what: `${share * 100} % refused at random`,
    source: { refuse: { GET: share } },
    target: { refuse: { PUT: share } },
  }));
  rows.push({
    what: `the target takes ${options.limit} a second`,
    target: { limit: { PUT: options.limit } },
  });
  process.stdout.write('| case | objects/s | refused requests |\n| --- | --- | --- |\n');
  for (const row of rows) {
    const { objectsPerSecond, refusedShare } = await measure(row, options);
    const refused = `${(refusedShare * 100).toFixed(2)} %`;
    process.stdout.write(`| ${row.what} | ${objectsPerSecond.toFixed(0)} | ${refused} |\n`);
  }
}

interface Options {
  readonly objects: number;
  readonly limit: number;
  readonly delay: number;
  readonly concurrency: number;
}

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '10000' },
    limit: { type: 'string', default: '200' },
    delay: { type: 'string', default: '0' },
    concurrency: { type: 'string', default: '32' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(`${HELP}\n`);
} else {
  await main({
    objects: Number(values.objects),
    limit: Number(values.limit),
    delay: Number(values.delay),
    concurrency: Number(values.concurrency),
  });
}
