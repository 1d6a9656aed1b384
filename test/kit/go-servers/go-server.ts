import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../ports.ts';
import { until } from '../until.ts';

/** A third-party server in a separate process, with one user and no bucket. */
export interface GoServer extends AsyncDisposable {
  /** Host and port, and what comes before them. */
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export type GoProgram = 'minio' | 'versitygw';

/** Who its one user is, for the program's own settings. */
export const rootUser = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' } as const;

/** Why a program cannot run here; undefined where it can. */
export function goServerMissing(program: GoProgram): string | undefined {
  if (process.platform === 'win32') return `${program} is started by a shell`;
  return pathOf(program) === undefined
    ? `${program} is not installed: test/kit/go-servers/install.sh builds it`
    : undefined;
}

/** In the path, or where install.sh has built it. */
function pathOf(program: GoProgram): string | undefined {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return [...folders, join(cache, 'bucket-brigade', 'bin')]
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends the program, and removes its folder, when standard input ends: it is a pipe from us, which the
 * system closes however we end.
 */
const watch = `
  folder=$1
  shift
  exec 3<&0
  "$@" 3<&- </dev/null &
  program=$!
  exec >/dev/null 2>&1
  { cat <&3; kill -9 $program; } &
  wait $program
  rm -rf "$folder"
`;

export interface GoServerOptions {
  readonly program: GoProgram;
  readonly args: (place: { readonly folder: string; readonly port: number }) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a program on 127.0.0.1, and waits until it serves. It ends with this process. */
export async function startGoServer(options: GoServerOptions): Promise<GoServer> {
  const { program, args, environment } = options;
  const folder = await mkdtemp(join(tmpdir(), `brigade-${program}-`));
  const port = await freePort();
  const words = [pathOf(program) ?? program, ...args({ folder, port })];
  const shell = spawn('sh', ['-c', watch, 'watch', folder, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exited = once(shell, 'exit');
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
  }
  await using started = new AsyncDisposableStack();
  started.defer(async () => {
    shell.stdin.end();
    await exited;
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${program} serves`, () => {
    if (shell.exitCode !== null) throw new Error(`${program} does not start: ${said}`);
    return serves(url);
  });
  const all = started.move();
  return { url, ...rootUser, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

/** Whether it answers, and not that it is not there yet. */
async function serves(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url);
    await reply.body?.cancel();
    return reply.status < 500;
  } catch {
    return false;
  }
}
