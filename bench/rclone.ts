import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { S3Process } from '../test/kit/s3-process.ts';
import { watchMemory } from './process-tree.ts';

export interface RcloneRun {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** The version of the rclone in the path; undefined where there is none. */
export function rcloneVersion(): string | undefined {
  const { stdout } = spawnSync('rclone', ['version'], { encoding: 'utf8' });
  return /^rclone v(\S+)/m.exec(stdout)?.[1];
}

function remote(
  name: string,
  { url, accessKeyId, secretAccessKey }: S3Process,
): Record<string, string> {
  const settings = {
    TYPE: 's3',
    PROVIDER: 'Other',
    ENDPOINT: url,
    ACCESS_KEY_ID: accessKeyId,
    SECRET_ACCESS_KEY: secretAccessKey,
    FORCE_PATH_STYLE: 'true',
    REGION: 'us-east-1',
  };
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`RCLONE_CONFIG_${name}_${key}`, value]),
  );
}

/** Copies one prefix of a bucket by rclone with its defaults, but for the concurrency. */
export async function rcloneCopy(
  source: S3Process,
  target: S3Process,
  { prefix, concurrency }: { readonly prefix: string; readonly concurrency: number },
): Promise<RcloneRun> {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  delete environment['AWS_CA_BUNDLE']; // rclone 1.60 does not start with it.
  const startedAt = performance.now();
  const child = spawn(
    '/usr/bin/time',
    [
      '-f',
      '%U %S',
      'rclone',
      'copy',
      `src:${source.bucket}/${prefix}`,
      `dst:${target.bucket}/rclone/${prefix}`,
      ...['--transfers', String(concurrency), '--checkers', String(concurrency), '--retries', '1'],
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...environment,
        RCLONE_CONFIG: '/dev/null',
        ...remote('SRC', source),
        ...remote('DST', target),
      },
    },
  );
  const memory = watchMemory(child.pid ?? 0);
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const most = memory.stop();
  if (code !== 0) throw new Error(`rclone ended with ${code}: ${told}`);
  const [user = 0, system = 0] = (told.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return {
    wallSeconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: user + system,
    memoryBytes: most.service,
  };
}
