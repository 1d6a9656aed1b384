import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../ports.ts';
import { until } from '../until.ts';

/** An nginx that serves files, as CDNs serve what they hold. Disposing of it stops it. */
export interface Nginx extends AsyncDisposable {
  /** Host and port. */
  readonly domain: string;
  /** Puts a file where `/name` leads. */
  add(name: string, bytes: Uint8Array): Promise<void>;
}

/** Why these tests cannot run here; undefined if they can. */
export function nginxMissing(): string | undefined {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'nginx is not installed: test/kit/nginx/install.sh';
  }
}

/** It compresses text for clients that accept it, and redirects `/moved/…`. */
function configOf(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    worker_processes 1;
    daemon off;
    pid ${folder}/nginx.pid;
    error_log ${folder}/error.log;
    events { worker_connections 256; }
    http {
      access_log off;
      default_type text/plain;
      gzip on;
      gzip_min_length 1;
      gzip_types *;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      server {
        listen 127.0.0.1:${port};
        root ${folder}/www;
        location /moved/ { return 301 http://127.0.0.1:${port}/; }
      }
    }`;
}

export async function startNginx(): Promise<Nginx> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await mkdtempDisposable(join(tmpdir(), 'brigade-nginx-')));
  const { path } = folder;
  // If root starts nginx, its workers run as the user nobody and need access to this folder.
  await chmod(path, 0o755);
  await mkdir(join(path, 'www'));
  const port = await freePort();
  await writeFile(join(path, 'nginx.conf'), configOf(path, port));
  const child = spawn('nginx', ['-c', join(path, 'nginx.conf'), '-p', path], { stdio: 'ignore' });
  started.defer(() => stopped(child));
  const domain = `127.0.0.1:${port}`;
  await until('nginx answers', () =>
    fetch(`http://${domain}/`).then(
      () => true,
      () => false,
    ),
  );
  const all = started.move();
  return {
    domain,
    async add(name, bytes) {
      const file = join(path, 'www', name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await exited;
}
