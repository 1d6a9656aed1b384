import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { codeOf } from './directory-faults.ts';

/** The lock is held: by which process, if that is known. */
export interface Held {
  readonly heldBy: number | undefined;
}

export type Lock = AsyncDisposable;

const PID_FILE = 'brigade.pid';

/** For messages only: who holds the lock is decided elsewhere. */
async function readPid(dir: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(dir, PID_FILE), 'utf8').catch(() => ''));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/**
 * Holds an abstract Unix socket named after the folder's inode. The kernel frees it when the
 * process ends, however it ends: there are no stale locks. Another path to the folder has the same lock.
 */
export async function lockBySocket(dir: string): Promise<Lock | Held> {
  const { dev, ino } = await stat(dir, { bigint: true });
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ path: `\0brigade-${name}` });
    await once(server, 'listening');
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return { heldBy: await readPid(dir) };
    throw error;
  }
  server.unref();
  await writeFile(join(dir, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
  return {
    async [Symbol.asyncDispose]() {
      await rm(join(dir, PID_FILE), { force: true });
      server.close();
      await once(server, 'close');
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Where there are no abstract sockets: a file with our process number, which counts as long as
 * that process is alive.
 */
export async function lockByFile(dir: string): Promise<Lock | Held> {
  const path = join(dir, PID_FILE);
  const ours = `${path}.${process.pid}`;
  const heldBy = await readPid(dir);
  if (heldBy !== undefined && isAlive(heldBy)) return { heldBy };
  await rm(path, { force: true });
  await writeFile(ours, `${process.pid}\n`, { mode: 0o600 });
  try {
    // Complete or not there: others never read half a number.
    await link(ours, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return { heldBy: await readPid(dir) };
    throw error;
  } finally {
    await rm(ours, { force: true });
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}
