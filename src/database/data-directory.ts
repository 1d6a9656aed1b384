import { randomBytes } from 'node:crypto';
import {
  chmod,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Secret } from '../base/seal.ts';
import { lockByFile, lockBySocket, type Lock } from './data-directory-lock.ts';

/** Something about the data directory that a person must put right; the message says what. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * The folder that holds all that is kept on this machine, locked for this process:
 *
 * ```
 * .brigade       tells that the folder is ours
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
const SECRET_KEY = 'secret.key';
const SECRET_KEY_BYTES = 32;

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

/** The name of a file system that is no place for a database, by its number in `statfs`. */
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
      'put BRIGADE_DATA_DIR on a local disk',
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
        'name an empty or a new folder in BRIGADE_DATA_DIR',
    );
  }
  if ((await stat(dir)).uid === process.geteuid?.()) await chmod(dir, 0o700);
  await writeFile(join(dir, MARKER), 'The data of Bucket Brigade. Layout 1.\n', { mode: 0o600 });
}

/**
 * Takes the data directory for this process alone, and makes it when it is missing.
 *
 * @throws {DataDirectoryError} when another process holds it, when it is not ours, or when it is
 *   on a network file system.
 */
export async function lockDataDirectory(
  dir: string,
  lockBy: typeof lockBySocket = process.platform === 'linux' ? lockBySocket : lockByFile,
): Promise<DataDirectory> {
  let path = resolve(dir);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    path = await realpath(path);
    await refuseShared(path);
    await claim(path);
    const lock = await lockBy(path);
    if ('heldBy' in lock) throw heldError(path, lock.heldBy);
    return { path, [Symbol.asyncDispose]: () => (lock satisfies Lock)[Symbol.asyncDispose]() };
  } catch (error) {
    if (error instanceof DataDirectoryError || !(error instanceof Error)) throw error;
    throw new DataDirectoryError(`the data directory cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}

function heldError(path: string, pid: number | undefined): DataDirectoryError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new DataDirectoryError(
    `${path} is in use by ${who}: stop it, or name another folder in BRIGADE_DATA_DIR. ` +
      'Workers beside a running service join it by BRIGADE_DATABASE_URL',
  );
}

/** The bytes of a key given as 64 hexadecimal digits or in base64; undefined when it is neither. */
export function parseSecretKey(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}

export interface SecretKeySource {
  /** Comes before the file. */
  readonly given: Secret | undefined;
  /** Only for a database in which nothing is sealed yet: a new key opens nothing. */
  readonly mayGenerate: boolean;
}

/**
 * The key that seals credentials, 32 bytes: the one that is given, else the one in `secret.key`,
 * else a new one, which is on disk when this returns.
 *
 * @throws {DataDirectoryError} when there is none and none may be generated, or when others can
 *   read the file.
 */
export async function readSecretKey(
  dir: string,
  { given, mayGenerate }: SecretKeySource,
): Promise<Buffer> {
  if (given !== undefined) return checkKey(given.reveal(), 'BRIGADE_SECRET_KEY');
  const path = join(dir, SECRET_KEY);
  const kept = await readKeyFile(path);
  if (kept !== undefined) return kept;
  if (!mayGenerate) {
    throw new DataDirectoryError(
      `${path} is missing: the credentials in the database do not open without it. ` +
        'Put it back, or give it in BRIGADE_SECRET_KEY',
    );
  }
  const key = randomBytes(SECRET_KEY_BYTES);
  await writeKeyFile(dir, path, key);
  return key;
}

function checkKey(text: string, where: string): Buffer {
  const key = parseSecretKey(text.trim());
  if (key !== undefined) return key;
  throw new DataDirectoryError(
    `${where} is not a key: 32 bytes are expected, as 64 hexadecimal digits or in base64`,
  );
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (((await file.stat()).mode & 0o077) !== 0) {
      throw new DataDirectoryError(`${path} can be read by others: chmod 600 ${path}`);
    }
    return checkKey(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

/** All of it or nothing, and on disk before anything is sealed with it. */
async function writeKeyFile(dir: string, path: string, key: Buffer): Promise<void> {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(`${key.toString('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // Unlike a rename, this never replaces a key.
  await link(unfinished, path);
  await rm(unfinished);
  const folder = await open(dir, 'r');
  await folder.sync();
  await folder.close();
}
