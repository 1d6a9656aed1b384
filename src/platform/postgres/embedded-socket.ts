import { once } from 'node:events';
import { chmod, lchown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** As PostgreSQL names it for the port that ours is given. */
const SOCKET = '.s.PGSQL.5432';
const PREFIX = 'brigade-';
/** The kernel's limit of a Unix socket's path, with its end. */
const SOCKET_PATH_MAX = 107;

/** Makes a folder for the socket: short, and closed to all but its owner. */
export async function makeSocketDir(
  parent: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<string> {
  const longest = `/${PREFIX}XXXXXX/${SOCKET}.lock`;
  const fits = Buffer.byteLength(parent) + longest.length < SOCKET_PATH_MAX;
  const dir = await mkdtemp(join(fits ? parent : '/tmp', PREFIX));
  await chmod(dir, 0o700);
  await lchown(dir, owner.uid, owner.gid);
  return dir;
}

/** Whether somebody listens: the folder of a copied cluster's socket may be in use. */
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
