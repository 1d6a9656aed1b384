import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/platform/postgres/embedded-binaries.ts';
import { readMigrations } from '../../src/platform/postgres/migrate.ts';

const run = promisify(execFile);

const cache = fileURLToPath(new URL('../../node_modules/.cache/postgres/', import.meta.url));
const KEPT_MS = 24 * 60 * 60 * 1000;

/** What makes a cluster: for other contents of these files, another one is made. */
const makers = ['../../src/platform/postgres/embedded.ts', './postgres.ts'];

/** The folder of the template that fits this code, this PostgreSQL, and this user. It may not be there yet. */
async function templateFolder(): Promise<string> {
  const key = createHash('sha256').update(`${process.getuid?.()}`);
  for (const { hash } of await readMigrations()) key.update(hash);
  const { postgres } = await findBinaries();
  const { size, mtimeMs } = await stat(postgres);
  key.update(`${postgres} ${size} ${mtimeMs}`);
  for (const file of makers) key.update(await readFile(new URL(file, import.meta.url)));
  return join(cache, key.digest('hex').slice(0, 16));
}

async function copy(from: string, to: string): Promise<void> {
  // Without the flag that shares blocks where the system's `cp` does not have it.
  const flags = process.platform === 'linux' ? ['--reflink=auto'] : [];
  await run('cp', ['-pR', ...flags, from, to]);
}

/**
 * Puts the cluster into an empty data directory: a copy of one that is made once by `make`, for all
 * test processes on the machine, and kept under `node_modules/.cache`.
 *
 * @param make Makes the cluster in a data directory, and leaves no server behind.
 */
export async function copyCluster(
  dataDir: string,
  make: (dataDir: string) => Promise<void>,
): Promise<void> {
  const template = await templateFolder();
  if (existsSync(template)) {
    await copy(template, join(dataDir, 'postgres'));
    return;
  }
  await make(dataDir);
  await keep(join(dataDir, 'postgres'), template);
}

/** Creates it under another name first, so that an unfinished copy is never used. */
async function keep(cluster: string, template: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  await removeOld();
  const unfinished = await mkdtemp(join(cache, 'unfinished-'));
  await copy(cluster, join(unfinished, 'postgres'));
  // Else a machine that loses power may keep the names of the files and not what is in them.
  await run('sync');
  try {
    await rename(join(unfinished, 'postgres'), template);
  } catch (error) {
    // Another process was faster, with the same.
    if (!existsSync(template)) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    const { mtimeMs } = await stat(folder);
    if (Date.now() - mtimeMs > KEPT_MS) await rm(folder, { recursive: true, force: true });
  }
}
