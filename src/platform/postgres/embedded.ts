import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, realpath, rename, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { Secret } from '../base/seal.ts';
import { explainingFaults } from './directory-faults.ts';
import { findBinaries } from './embedded-binaries.ts';
import { EmbeddedError } from './embedded-error.ts';
import {
  giveTo,
  launch,
  lockPrefix,
  LOCKED_EXIT_CODE,
  planLaunch,
  type LaunchPlan,
  type Way,
} from './embedded-launch.ts';
import { boundedLog, type ServerLog } from './embedded-log.ts';
import { readPidFile, stopOrphan } from './embedded-orphan.ts';
import { makeSocketDir, removeLastSocketDir } from './embedded-socket.ts';

export { EmbeddedError } from './embedded-error.ts';

export interface EmbeddedOptions {
  /** An existing data directory; the cluster is `postgres` in it. The caller holds its lock. */
  readonly dataDir: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Settings of PostgreSQL that replace or join ours. For tests: `{ fsync: 'off' }`. */
  readonly tuning?: Readonly<Record<string, string>>;
  /** Where the private folder of the socket is made; default the system's temporary folder. */
  readonly socketParent?: string;
  /** For tests: do not look for other ways to run it than these. */
  readonly ways?: readonly Way['name'][];
  /** Ends the wait for a start or a recovery. */
  readonly signal?: AbortSignal;
}

/** A PostgreSQL of our own. Disposing of it stops it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** For `Database.connect`. */
  readonly url: Secret;
  readonly pid: number;
  /** Resolves when it has ended: with undefined after `stop`, else with why it ended. */
  readonly exited: Promise<EmbeddedError | undefined>;
  /** Ends its connections and writes all it holds. */
  stop(): Promise<void>;
}

const SUPERUSER = 'brigade';
const POLL_MS = 20;
const PATIENCE_LOG_MS = 5_000;
/** How long to wait for processes that still hold the cluster, in another container perhaps. */
const LOCKED_PATIENCE_MS = 30_000;
/** A fast shutdown writes all that is dirty; after this long it is ended without. */
const STOP_PATIENCE_MS = 60_000;

/** Durable, and lean: a work queue whose hot part fits in little memory. */
const settings = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  max_connections: '40',
  shared_buffers: '48MB',
  huge_pages: 'off',
  wal_compression: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  jit: 'off',
  io_method: 'sync',
  max_worker_processes: '4',
  max_logical_replication_workers: '0',
  // Parallel queries need /dev/shm, of which containers have little.
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  // A queue's rows live for seconds: its dead ones must be collected before they slow the claims.
  autovacuum_naptime: '15s',
  autovacuum_max_workers: '2',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_analyze_scale_factor: '0.05',
  log_timezone: 'UTC',
  timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
} as const satisfies Record<string, string>;

/** All that the steps of a start share. */
interface Start {
  readonly plan: LaunchPlan;
  readonly cluster: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function readClusterVersion(cluster: string): Promise<string | undefined> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text?.trim();
}

/** Makes the cluster under another name first: one that was not finished is not taken for one. */
async function initialize({ plan, cluster, log }: Start, serverLog: ServerLog): Promise<void> {
  const unfinished = `${cluster}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await giveTo(plan.way.owner, unfinished);
  log.info({ event: 'postgres.created', version: plan.version }, 'making a new database');
  const child = launch(
    plan.way,
    [
      plan.binaries.initdb,
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      // The socket's folder is closed to all but ourselves.
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ],
    { cwd: unfinished, output: serverLog.fd },
  );
  const code = await exitOf(child);
  if (code !== 0) {
    const tail = await serverLog.tail();
    throw new EmbeddedError(
      `cannot create the database in ${cluster} (${code}).${await adviceOn(unfinished, tail)} ` +
        `The end of its log:\n${tail}`,
    );
  }
  await rename(unfinished, cluster);
}

/** What a child process ended with: an exit code, the name of a signal, or why it never began. */
async function exitOf(child: ChildProcess): Promise<number | string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return code ?? signal ?? 'unknown';
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

/** PostgreSQL makes a file of 16 MiB for its write-ahead log before it can continue. */
const ROOM_BYTES = 16 * MiB;

/**
 * Names a full disk. PostgreSQL's own log may not: it is on the same disk and can be empty. The disk may have space
 * again, because `initdb` removes what it has written.
 */
async function adviceOn(cluster: string, tail: string): Promise<string> {
  const disk = await statfs(cluster).catch(() => undefined);
  const full = disk !== undefined && disk.bavail * disk.bsize < ROOM_BYTES;
  if (!full && !/No space left on device|Check free disk space/.test(tail)) return '';
  return (
    ' The disk of the data directory is full: free some space, or set {settings.dataDir} to a ' +
    'directory on another disk.'
  );
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exit: Promise<number | string>;
}

function spawnServer(
  { plan, cluster }: Start,
  lock: readonly string[],
  server: { readonly settings: Readonly<Record<string, string>>; readonly output: number },
): Running {
  const flags = Object.entries(server.settings).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const program = [...lock, plan.binaries.postgres, '-D', cluster, ...flags];
  const child = launch(plan.way, program, { cwd: cluster, output: server.output });
  return { child, pid: child.pid ?? 0, exit: exitOf(child) };
}

/** @returns Whether it took the cluster; not while processes of another still hold it. */
async function waitUntilReady(
  start: Start,
  running: Running,
  serverLog: ServerLog,
): Promise<boolean> {
  const { clock, log, signal, cluster } = start;
  let ended: number | string | undefined;
  void running.exit.then((code) => (ended = code));
  let nextLine = clock.monotonic() + PATIENCE_LOG_MS;
  for (;;) {
    await clock.sleep(POLL_MS, signal);
    const exit = ended;
    if (exit === LOCKED_EXIT_CODE) return false;
    if (exit !== undefined) {
      const tail = await serverLog.tail();
      const advice = await adviceOn(cluster, tail);
      throw new EmbeddedError(
        `PostgreSQL did not start (${exit}).${advice} The end of its log:\n${tail}`,
      );
    }
    const found = await readPidFile(cluster);
    if (found?.pid === running.pid && found.ready) return true;
    if (clock.monotonic() < nextLine) continue;
    nextLine = clock.monotonic() + PATIENCE_LOG_MS;
    log.info(
      { event: 'postgres.recovering', last: await serverLog.lastLine() },
      'waiting for PostgreSQL',
    );
  }
}

async function startServer(
  start: Start,
  socketDir: string,
  tuning: EmbeddedOptions['tuning'],
  serverLog: ServerLog,
): Promise<Running> {
  const { clock, log, signal, cluster } = start;
  const lock = await lockPrefix(cluster);
  const server = {
    settings: { ...settings, unix_socket_directories: socketDir, ...tuning },
    output: serverLog.fd,
  };
  const until = clock.monotonic() + LOCKED_PATIENCE_MS;
  for (;;) {
    const running = spawnServer(start, lock, server);
    try {
      if (await waitUntilReady(start, running, serverLog)) return running;
    } catch (error) {
      running.child.kill('SIGINT');
      await running.exit;
      throw error;
    }
    if (clock.monotonic() > until) {
      throw new EmbeddedError(`another PostgreSQL, perhaps in another container, uses ${cluster}`);
    }
    log.warn({ event: 'postgres.waiting' }, 'the database is still in use by an earlier process');
    await clock.sleep(1_000, signal);
  }
}

/** Stops what an earlier process left behind, and creates the cluster when there is none. */
async function prepareCluster(start: Start, serverLog: ServerLog): Promise<void> {
  const { plan, cluster } = start;
  const version = await readClusterVersion(cluster);
  if (version === undefined) {
    await initialize(start, serverLog);
    return;
  }
  if (version !== plan.version) {
    throw new EmbeddedError(
      `${cluster} was made by PostgreSQL ${version}; this program brings ${plan.version}. ` +
        'Dump it with the old one, or set {settings.databaseUrl}',
    );
  }
  await stopOrphan(cluster, { ...start, patienceMs: STOP_PATIENCE_MS });
  await removeLastSocketDir(cluster);
  await giveTo(plan.way.owner, cluster);
}

function handle(
  start: Start,
  running: Running,
  socketDir: string,
  serverLog: ServerLog,
): EmbeddedPostgres {
  const { clock, log } = start;
  let stopping: Promise<void> | undefined;

  async function end(): Promise<EmbeddedError | undefined> {
    const code = await running.exit;
    if (stopping !== undefined) return undefined;
    log.error({ event: 'postgres.ended', code }, 'PostgreSQL ended by itself');
    const tail = await serverLog.tail();
    return new EmbeddedError(
      `the private PostgreSQL ended by itself (${code}).${await adviceOn(start.cluster, tail)} ` +
        'What was accepted is in the database, and the next start continues the work. ' +
        `The end of its log:\n${tail}`,
    );
  }
  const exited = end();

  async function stop(): Promise<void> {
    const done = new AbortController();
    const patience = clock.sleep(STOP_PATIENCE_MS, done.signal).then(
      () => running.child.kill('SIGQUIT'),
      () => false,
    );
    running.child.kill('SIGINT');
    await exited;
    done.abort();
    await patience;
    await serverLog.close();
    await rm(socketDir, { recursive: true, force: true });
  }

  return {
    url: new Secret(
      `postgres://${SUPERUSER}@localhost/postgres?host=${encodeURIComponent(socketDir)}`,
    ),
    pid: running.pid,
    exited,
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  };
}

/**
 * Starts a private PostgreSQL on the cluster in the data directory, which is made when missing.
 *
 * It listens on a Unix socket in a private folder only, and ends when this process ends, however
 * that is (on Linux). What it says goes to `postgres.log` beside the cluster. After a crash this
 * waits for its recovery, however long that takes.
 *
 * @throws {EmbeddedError} when it cannot run here or does not start, saying what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, clock = systemClock, signal = new AbortController().signal } = options;
  const dataDir = await realpath(options.dataDir);
  const plan = await explainingFaults(dataDir, async () =>
    planLaunch(await findBinaries(), dataDir, options.ways),
  );
  const start = { plan, cluster: join(dataDir, 'postgres'), log, clock, signal };
  const serverLog = await explainingFaults(dataDir, () =>
    boundedLog(join(dataDir, 'postgres.log'), clock),
  );
  let socketDir: string | undefined;
  try {
    await explainingFaults(dataDir, () => prepareCluster(start, serverLog));
    socketDir = await makeSocketDir(options.socketParent ?? tmpdir(), plan.way.owner);
    const running = await startServer(start, socketDir, options.tuning, serverLog);
    log.info(
      { event: 'postgres.started', pid: running.pid, version: plan.version, way: plan.way.name },
      'the private PostgreSQL runs',
    );
    return handle(start, running, socketDir, serverLog);
  } catch (error) {
    await serverLog.close();
    if (socketDir !== undefined) await rm(socketDir, { recursive: true, force: true });
    throw error;
  }
}
