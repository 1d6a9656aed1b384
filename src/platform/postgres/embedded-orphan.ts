import { execFile } from 'node:child_process';
import { readFile, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { EmbeddedError } from './embedded-error.ts';

const run = promisify(execFile);

/** What a running PostgreSQL writes about itself to `postmaster.pid`, one line for each. */
export interface PidFile {
  readonly pid: number;
  readonly ready: boolean;
}

export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, ready: lines[7] === 'ready' };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive as well.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** PostgreSQL works in its own folder; so a number that was given again is not taken for it. */
async function isPostgresOf(cluster: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return name.trim() === 'postgres' && cwd === cluster;
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', `${pid}`]).catch(() => ({
    stdout: '',
  }));
  return basename(stdout.split(' ')[0] ?? '') === 'postgres' && stdout.includes(cluster);
}

export interface OrphanContext {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Fast shutdown first; after this long without its writing what it holds. */
  readonly patienceMs: number;
}

const NEVER_MS = 30_000;

/** @returns Whether it ended in time. */
async function waitForEnd(
  { cluster, pid }: { readonly cluster: string; readonly pid: number },
  forMs: number,
  { clock, log, signal }: OrphanContext,
): Promise<boolean> {
  const until = clock.monotonic() + forMs;
  // Its number alone proves nothing: it stays in use until the parent process has read the exit status.
  for (let looks = 1; await isPostgresOf(cluster, pid); looks++) {
    if (clock.monotonic() > until) return false;
    await clock.sleep(100, signal);
    if (looks % 50 === 0)
      log.info({ event: 'postgres.stopping', pid }, 'still waiting for its end');
  }
  return true;
}

/**
 * Stops a PostgreSQL that an earlier process of the service left behind in this cluster, and removes
 * a `postmaster.pid` whose number now belongs to another process.
 *
 * The caller holds the lock of the data directory: a server that runs there has no owner any more.
 *
 * @throws {EmbeddedError} when it does not end.
 */
export async function stopOrphan(cluster: string, context: OrphanContext): Promise<void> {
  const found = await readPidFile(cluster);
  if (found === undefined || !isAlive(found.pid)) return;
  const { pid } = found;
  if (!(await isPostgresOf(cluster, pid))) {
    // PostgreSQL would refuse to start for the sake of a process that is not one.
    await rm(join(cluster, 'postmaster.pid'), { force: true });
    return;
  }
  context.log.warn({ event: 'postgres.orphaned', pid }, 'stopping the PostgreSQL left behind');
  for (const [signal, forMs] of [
    ['SIGINT', context.patienceMs],
    ['SIGQUIT', NEVER_MS],
  ] as const) {
    if (isAlive(pid)) process.kill(pid, signal);
    if (await waitForEnd({ cluster, pid }, forMs, context)) return;
  }
  throw new EmbeddedError(`a PostgreSQL (process ${pid}) still runs in ${cluster}: stop it first`);
}
