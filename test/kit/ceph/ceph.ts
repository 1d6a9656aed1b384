import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../ports.ts';

const run = promisify(execFile);

const programs = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
const START_MS_MAX = 90_000;

/** Why no Ceph can be started here; `undefined` when one can. */
export function cephAvailable(): string | undefined {
  if (process.platform !== 'linux') return 'Ceph runs on Linux only';
  const missing = programs.filter((program) => !isInPath(program));
  return missing.length === 0
    ? undefined
    : `Ceph is not installed (no ${missing.join(', ')}): test/kit/ceph/install.sh does it`;
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A Ceph object gateway with one user and no bucket. Disposing of it stops and removes it. */
export interface Ceph extends AsyncDisposable {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  close(): Promise<void>;
}

/**
 * Starts a Ceph of one node in memory, in a few seconds. It knows the storage classes
 * `STANDARD_IA` and `GLACIER`, and the KMS key `testkey-1`.
 *
 * It ends with this process, however that ends.
 */
export async function startCeph(): Promise<Ceph> {
  const folder = await mkdtemp(join(tmpdir(), 'brigade-ceph-'));
  const port = await freePort();
  const monitorPort = await freePort();
  const accessKeyId = 'testkey';
  const secretAccessKey = 'testsecret';
  const env = {
    ...process.env,
    MON_PORT: String(monitorPort),
    ACCESS_KEY: accessKeyId,
    SECRET_KEY: secretAccessKey,
    WATCH_PID: String(process.pid),
  };
  async function close(): Promise<void> {
    await run('bash', [script('down.sh'), folder]);
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await run('bash', [script('up.sh'), folder, String(port)], { env, timeout: START_MS_MAX });
  } catch (error) {
    await close();
    throw error;
  }
  const url = `http://127.0.0.1:${port}`;
  return { url, accessKeyId, secretAccessKey, close, [Symbol.asyncDispose]: close };
}

function script(name: string): string {
  return join(import.meta.dirname, name);
}
