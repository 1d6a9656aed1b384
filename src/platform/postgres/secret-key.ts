import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from '../base/seal.ts';
import { codeOf, DataDirectoryError, explainingFaults } from './directory-faults.ts';

const SECRET_KEY = 'secret.key';
const SECRET_KEY_BYTES = 32;

/** The key that seals, first, and those that still open what was sealed before. */
export type SecretKeys = readonly [Buffer, ...Buffer[]];

/** The bytes of a key given as 64 hexadecimal digits or in base64; undefined when it is neither. */
export function parseSecretKey(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}

export interface SecretKeySource {
  /** Comes before the file. */
  readonly given: Secret | undefined;
  /** Only open, and never seal. */
  readonly old: readonly Secret[];
  /** Only for a database in which nothing is sealed yet: a new key opens nothing. */
  readonly mayGenerate: boolean;
}

/**
 * The keys of credentials, 32 bytes each: the one that is given, else those in `secret.key`, else a
 * new one, which is on disk when this returns; then the old ones that are given.
 *
 * @throws {DataDirectoryError} when there is none and none may be generated, or when others can
 *   read the file.
 */
export async function readSecretKeys(
  dir: string,
  { given, old, mayGenerate }: SecretKeySource,
): Promise<SecretKeys> {
  const more = old.map((key) => checkKey(key.reveal(), '{settings.oldSecretKeys}'));
  if (given !== undefined) return [checkKey(given.reveal(), '{settings.secretKey}'), ...more];
  const path = join(dir, SECRET_KEY);
  const kept = await explainingFaults(dir, () => readKeyFile(path));
  if (kept !== undefined) return [...kept, ...more];
  if (!mayGenerate) {
    throw new DataDirectoryError(
      `${path} is missing: the credentials in the database do not open without it. ` +
        'Put it back, or give it in {settings.secretKey}',
    );
  }
  const key = newSecretKey();
  await explainingFaults(dir, () => writeFirst(dir, path, key));
  return [key, ...more];
}

export function newSecretKey(): Buffer {
  return randomBytes(SECRET_KEY_BYTES);
}

/** Replaces the keys in `secret.key`. After a crash the file holds either the previous keys or the new ones. */
export async function replaceSecretKeys(dir: string, keys: SecretKeys): Promise<void> {
  const path = join(dir, SECRET_KEY);
  await explainingFaults(dir, async () => {
    await rename(await writeUnfinished(path, keys), path);
    await syncFolder(dir);
  });
}

function checkKey(text: string, where: string): Buffer {
  const key = parseSecretKey(text.trim());
  if (key !== undefined) return key;
  throw new DataDirectoryError(
    `${where} is not a key: 32 bytes are expected, as 64 hexadecimal digits or in base64`,
  );
}

async function readKeyFile(path: string): Promise<SecretKeys | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (((await file.stat()).mode & 0o077) !== 0) {
      throw new DataDirectoryError(`${path} can be read by others: chmod 600 ${path}`);
    }
    const [first = '', ...others] = (await file.readFile('utf8')).trim().split('\n');
    return [checkKey(first, path), ...others.map((line) => checkKey(line, path))];
  } finally {
    await file.close();
  }
}

/** All of it or nothing, and on disk before anything is sealed with it. */
async function writeFirst(dir: string, path: string, key: Buffer): Promise<void> {
  const unfinished = await writeUnfinished(path, [key]);
  // Unlike a rename, this never replaces a key.
  await link(unfinished, path);
  await rm(unfinished);
  await syncFolder(dir);
}

async function writeUnfinished(path: string, keys: SecretKeys): Promise<string> {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(keys.map((key) => `${key.toString('hex')}\n`).join(''));
    await file.sync();
  } finally {
    await file.close();
  }
  return unfinished;
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  await folder.sync();
  await folder.close();
}
