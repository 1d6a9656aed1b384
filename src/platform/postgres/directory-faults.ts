import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The data directory cannot be used; the message says why, and what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/** The `code` of a failed system call, such as `EACCES`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

const causes: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it is not a directory',
  ENOENT: 'it does not exist and cannot be created',
  ELOOP: 'its symbolic links form a loop',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is exceeded',
  EIO: 'the disk reports an input/output error',
  EMFILE: 'this process may not open more files',
};

/** What a failed system call means, with the path that it was about. */
export function causeOf(error: Error): string {
  const code = codeOf(error);
  const cause = code === undefined ? undefined : causes[code];
  if (code === undefined || cause === undefined) return error.message;
  const path = 'path' in error && typeof error.path === 'string' ? ` at ${error.path}` : '';
  const denied = code === 'EACCES' || code === 'EPERM';
  const user = denied ? ` for the user with ID ${process.geteuid?.() ?? 'unknown'}` : '';
  return `${cause}${user} (${code}${path})`;
}

/** Runs `step`. A failed system call becomes an error that names the data directory and the setting. */
export async function explainingFaults<T>(dataDir: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Error) || codeOf(error) === undefined) throw error;
    throw new DataDirectoryError(
      `the data directory ${dataDir} cannot be used: ${causeOf(error)}. ${remedyOf(error)}`,
      { cause: error },
    );
  }
}

function remedyOf(error: Error): string {
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
  return full
    ? 'Free some space, or set {settings.dataDir} to a directory on another disk'
    : 'Set {settings.dataDir} to a directory on a local disk that this user can write to';
}

/**
 * Creates a directory and its missing parents, accessible to our user only. `mkdir` of Node with `recursive` reports
 * a read-only file system as `ENOENT`, and never ends where a file system accepts no directories, such as `/proc`.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    // A symbolic link to a directory is one, too.
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || (await exists(dirname(path)))) throw error;
    await makeDirectory(dirname(path));
    await makeDirectory(path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
