import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes } from '../src/platform/base/bytes.ts';
import { type Child, startChild } from '../test/kit/child-process.ts';
import {
  type ServiceProcess,
  startServiceProcess,
  taskBetweenProcesses,
} from '../test/kit/service-process.ts';
import { usageOf, watchMemory } from './process-tree.ts';

/*
 * How many pairs of keys a scan compares in a second and in a CPU second, beside what users would use instead, in one
 * run on one machine: two servers that only list made-up objects, equal on both sides, so that nothing is copied.
 * The service compares with its database on disk; the peers have none. Rounds take turns in a rotated order.
 */

const HELP = `usage: node bench/scan.ts [options]

  --objects N     keys on each side                                (1000000)
  --rounds N      rounds of all programs                           (3)
  --kind KIND     the scan: verify, reconcile                      (reconcile)
  --peers LIST    the other programs to measure                    (s3sync,rclone)
  --s3sync PATH   the program s3sync, such as cargo installs it    (s3sync)
  --rclone PATH   the program rclone                               (rclone)
  --profile DIR   writes a CPU profile of the service there
  --write FILE    writes the table there, as Markdown`;

interface Bucket {
  readonly url: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Ends {
  readonly source: Bucket;
  readonly target: Bucket;
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly databaseCpuSeconds: number;
  readonly memoryBytes: number;
}

interface Program {
  readonly name: string;
  run(): Promise<Measured>;
}

async function startLister(objects: number, date: string): Promise<[Child, Bucket]> {
  const child = startChild(new URL('listing-server.ts', import.meta.url), [
    ...['--objects', String(objects)],
    ...['--date', date],
  ]);
  const [, url = ''] = await child.line(/"url":"([^"]+)"/);
  return [
    child,
    { url, bucket: 'bench', accessKeyId: 'BENCHKEY', secretAccessKey: 'bench-secret-key' },
  ];
}

interface ShownScan {
  readonly state: string;
  readonly equal: number;
}

async function scan(
  { client, child }: ServiceProcess,
  taskId: string,
  { kind, objects }: { readonly kind: string; readonly objects: number },
): Promise<Measured> {
  const pid = child.process.pid ?? 0;
  const before = usageOf(pid);
  const memory = watchMemory(pid);
  const startedAt = performance.now();
  const scans = `/sync-tasks/${taskId}/scans`;
  const { scan_id } = (await client.call('POST', scans, { kind })) as { scan_id: string };
  let shown: ShownScan;
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    shown = (await client.call('GET', `${scans}/${scan_id}`)) as ShownScan;
  } while (['waiting', 'running'].includes(shown.state));
  const seconds = (performance.now() - startedAt) / 1000;
  if (shown.state !== 'complete' || shown.equal !== objects) {
    throw new Error(`the scan is ${shown.state} with ${shown.equal} equal keys`);
  }
  const after = usageOf(pid);
  return {
    seconds,
    cpuSeconds: after.service.cpuSeconds - before.service.cpuSeconds,
    databaseCpuSeconds: after.database.cpuSeconds - before.database.cpuSeconds,
    memoryBytes: memory.stop().service,
  };
}

/** Runs a program to its end, and measures it from its start. */
async function runPeer(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const startedAt = performance.now();
  const inherited = { ...process.env };
  // Programs that cannot read the file do not start.
  delete inherited['AWS_CA_BUNDLE'];
  const child = spawn('/usr/bin/env', ['time', '-f', 'usage %e %U %S %M', command, ...args], {
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (piece: Buffer) => {
    errors = (errors + piece.toString()).slice(-4_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const found = /usage (\S+) (\S+) (\S+) (\S+)/.exec(errors);
  if (code !== 0 || found === null) throw new Error(`${command} ended with ${code}: ${errors}`);
  const [, , user = '', system = '', kilobytes = ''] = found;
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: Number(user) + Number(system),
    databaseCpuSeconds: 0,
    memoryBytes: Number(kilobytes) * 1024,
  };
}

function versionOf(command: string): string | undefined {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return (stdout as string | null)?.split('\n')[0]?.trim();
}

function s3sync(command: string, { source, target }: Ends): Program | string {
  const version = versionOf(command);
  if (version === undefined) return 's3sync is not installed';
  const end = (side: 'source' | 'target', { url, accessKeyId, secretAccessKey }: Bucket) => [
    ...[`--${side}-endpoint-url`, url, `--${side}-region`, 'us-east-1'],
    ...[`--${side}-access-key`, accessKeyId, `--${side}-secret-access-key`, secretAccessKey],
    `--${side}-force-path-style`,
  ];
  const buckets = [`s3://${source.bucket}`, `s3://${target.bucket}`];
  const args = ['-qqq', ...end('source', source), ...end('target', target), ...buckets];
  return { name: version, run: () => runPeer(command, args) };
}

function rclone(command: string, { source, target }: Ends): Program | string {
  const version = versionOf(command);
  if (version === undefined) return 'rclone is not installed';
  const end = (name: string, { url, accessKeyId, secretAccessKey }: Bucket) => ({
    [`RCLONE_CONFIG_${name}_TYPE`]: 's3',
    [`RCLONE_CONFIG_${name}_PROVIDER`]: 'Other',
    [`RCLONE_CONFIG_${name}_ENDPOINT`]: url,
    [`RCLONE_CONFIG_${name}_ACCESS_KEY_ID`]: accessKeyId,
    [`RCLONE_CONFIG_${name}_SECRET_ACCESS_KEY`]: secretAccessKey,
  });
  const args = ['copy', '--fast-list', '--update', '--use-server-modtime', '--checkers', '16'];
  const buckets = [`src:${source.bucket}`, `dst:${target.bucket}`];
  const environment = { ...end('SRC', source), ...end('DST', target) };
  return {
    name: `${version} --fast-list`,
    run: () => runPeer(command, [...args, '--retries', '1', ...buckets], environment),
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function line(name: string, runs: readonly Measured[], objects: number): string {
  const rate = (of: (run: Measured) => number): string => {
    const rates = runs.map((run) => objects / of(run) / 1_000);
    return `${median(rates).toFixed(0)} (${rates.map((value) => value.toFixed(0)).join(', ')})`;
  };
  const database = median(runs.map((run) => run.databaseCpuSeconds));
  const cells = [
    name,
    rate((run) => run.seconds),
    rate((run) => run.cpuSeconds + run.databaseCpuSeconds),
    database === 0 ? '' : database.toFixed(1),
    formatBytes(Math.max(...runs.map((run) => run.memoryBytes))),
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEADING = `| program | thousand pairs/s | thousand pairs a CPU second | CPU s of the database | memory at most |
| --- | --- | --- | --- | --- |`;

function readOptions() {
  const text = (standard: string) => ({ type: 'string', default: standard }) as const;
  const { values } = parseArgs({
    options: {
      objects: text('1000000'),
      rounds: text('3'),
      kind: text('reconcile'),
      peers: text('s3sync,rclone'),
      s3sync: text('s3sync'),
      rclone: text('rclone'),
      profile: { type: 'string' },
      write: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return { ...values, objects: Number(values.objects), rounds: Number(values.rounds) };
}

type Options = ReturnType<typeof readOptions>;

/** The programs to measure; those that are not here are named. */
function programs(options: Options, ours: Program, ends: Ends): Program[] {
  const peers = options.peers.split(',');
  const found = [
    ...(peers.includes('s3sync') ? [s3sync(options.s3sync, ends)] : []),
    ...(peers.includes('rclone') ? [rclone(options.rclone, ends)] : []),
  ];
  for (const peer of found)
    if (typeof peer === 'string') process.stdout.write(`skipped: ${peer}\n`);
  return [ours, ...found.filter((peer) => typeof peer !== 'string')];
}

async function measure(all: readonly Program[], options: Options): Promise<string> {
  const runs = new Map<string, Measured[]>();
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const program = all[(round + turn) % all.length];
      if (program === undefined) continue;
      const measured = await program.run();
      runs.set(program.name, [...(runs.get(program.name) ?? []), measured]);
      process.stdout.write(`${line(program.name, [measured], options.objects)}\n`);
    }
  }
  const lines = [...runs].map(([name, measured]) => line(name, measured, options.objects));
  return `${HEADING}\n${lines.join('\n')}\n`;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const { objects, kind } = options;
  await using stack = new AsyncDisposableStack();
  const [first, source] = await startLister(objects, '2026-01-01T00:00:00.000Z');
  stack.use(first);
  const [second, target] = await startLister(objects, '2026-01-02T00:00:00.000Z');
  stack.use(second);
  const dataDir = await mkdtemp(join(tmpdir(), 'brigade-bench-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const profiling = options.profile;
  const service = await startServiceProcess(
    dataDir,
    { BRIGADE_CHECK_BUCKETS: 'false' },
    undefined,
    profiling === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiling}`],
  );
  stack.use(service);
  const taskId = await service.client.createTask(taskBetweenProcesses(source, target));
  const ours = { name: 'Bucket Brigade', run: () => scan(service, taskId, { kind, objects }) };
  const table = await measure(programs(options, ours, { source, target }), options);
  process.stdout.write(`\n${table}`);
  if (options.write !== undefined) await writeFile(options.write, table);
}

await main();
