import { once } from 'node:events';
import { chmod, lchown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { causeOf } from './directory-faults.ts';
import { EmbeddedError } from './embedded-error.ts';

/** As PostgreSQL names it for the port that ours is given. */
const SOCKET = '.s.PGSQL.5432';
const PREFIX = 'brigade-';
/** The kernel's limit of a Unix socket's path, with its end. */
const SOCKET_PATH_MAX = 107;
/** The longest parent of the socket's directory, in bytes. PostgreSQL creates a lock file beside the socket. */
const PARENT_MAX = SOCKET_PATH_MAX - `/${PREFIX}XXXXXX/${SOCKET}.lock`.length - 1;

/**
 * Creates a directory for the socket, with a short path, that only its owner can enter.
 *
 * @throws {EmbeddedError} when the parent takes no directory.
 */
export async function makeSocketDir(
  parent: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<string> {
  const dir = await makeIn(Buffer.byteLength(parent) <= PARENT_MAX ? parent : '/tmp');
  await chmod(dir, 0o700);
  await lchown(dir, owner.uid, owner.gid);
  return dir;
}

async function makeIn(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, PREFIX));
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new EmbeddedError(
      `cannot create the directory of PostgreSQL's socket in ${parent}: ${causeOf(cause)}. ` +
        `Set TMPDIR to a writable directory whose path has at most ${PARENT_MAX} bytes, because the ` +
        'path of a Unix socket is limited',
      { cause },
    );
  }
}

/** Whether a server listens: the folder of a copied cluster's socket may be in use. */
async function isInUse(dir: string): Promise<boolean> {
  const socket = connect(join(dir, SOCKET));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Removes the folder of the last start's socket, which a process that was killed left behind. */
export async function removeLastSocketDir(cluster: string): Promise<void> {
  const options = await readFile(join(cluster, 'postmaster.opts'), 'utf8').catch(() => '');
  const [, dir] = /"unix_socket_directories=(\/[^"]*\/brigade-\w{6})"/.exec(options) ?? [];
  if (dir === undefined || (await isInUse(dir))) return;
  await rm(dir, { recursive: true, force: true });
}
