import { chmod, readdir, realpath, stat, statfs, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockByFile, lockBySocket, type Lock } from './data-directory-lock.ts';
import { DataDirectoryError, explainingFaults, makeDirectory } from './directory-faults.ts';

export { DataDirectoryError } from './directory-faults.ts';

/**
 * The folder that holds all that is kept on this machine, locked for this process:
 *
 * ```
 * .brigade       marks the folder as ours
 * brigade.pid    the process that holds it
 * secret.key     the key that seals credentials
 * postgres/      the private database
 * postgres.log   what it says; postgres.log.1 is what it said before
 * postgres-programs/  its programs, where their user cannot enter the folder of our packages
 * ```
 *
 * Disposing of it frees the lock; so does the end of the process.
 */
export interface DataDirectory extends AsyncDisposable {
  /** Absolute, without symbolic links. */
  readonly path: string;
}

const MARKER = '.brigade';

/**
 * File systems that other machines may use at the same time: a lock here says nothing there.
 *
 * @see https://man7.org/linux/man-pages/man2/statfs.2.html
 */
const sharedFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB 2'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'CephFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);

/** The name of a file system that is unsuitable for a database, by its number in `statfs`. */
export function sharedFileSystem(type: number): string | undefined {
  return sharedFileSystems.get(type >>> 0);
}

async function refuseShared(dir: string): Promise<void> {
  // Elsewhere the numbers mean other things.
  if (process.platform !== 'linux') return;
  const name = sharedFileSystem((await statfs(dir)).type);
  if (name === undefined) return;
  throw new DataDirectoryError(
    `${dir} is on a network file system (${name}), where a database is not safe: ` +
      'put {settings.dataDir} on a local disk',
  );
}

/** Makes an empty folder ours; refuses one that holds other things. */
async function claim(dir: string): Promise<void> {
  // A volume of its own has `lost+found` from the beginning.
  const entries = (await readdir(dir)).filter((entry) => entry !== 'lost+found');
  if (entries.includes(MARKER)) return;
  if (entries.length > 0) {
    throw new DataDirectoryError(
      `${dir} holds other files and was not made by this program: ` +
        'name an empty or a new folder in {settings.dataDir}',
    );
  }
  if ((await stat(dir)).uid === process.geteuid?.()) await chmod(dir, 0o700);
  await writeFile(join(dir, MARKER), 'The data of Bucket Brigade. Layout 1.\n', { mode: 0o600 });
}

/**
 * Takes the data directory for this process alone, and creates it when it is missing.
 *
 * @throws {DataDirectoryError} when another process holds it, when it holds other files, when it is
 *   on a network file system, or when this process cannot write to it.
 */
export async function lockDataDirectory(
  dir: string,
  lockBy: typeof lockBySocket = process.platform === 'linux' ? lockBySocket : lockByFile,
): Promise<DataDirectory> {
  const given = resolve(dir);
  return await explainingFaults(given, async () => {
    await makeDirectory(given);
    const path = await realpath(given);
    await refuseShared(path);
    await claim(path);
    const lock = await lockBy(path);
    if ('heldBy' in lock) throw heldError(path, lock.heldBy);
    return { path, [Symbol.asyncDispose]: () => (lock satisfies Lock)[Symbol.asyncDispose]() };
  });
}

function heldError(path: string, pid: number | undefined): DataDirectoryError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new DataDirectoryError(
    `${path} is in use by ${who}: stop it, or name another folder in {settings.dataDir}. ` +
      'Workers beside a running service join it by {settings.databaseUrl}',
  );
}
