import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { silentLog } from '../../src/platform/base/log.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { type Child, startChild, startProgram } from '../kit/child-process.ts';
import { OmsClient } from '../kit/oms-client.ts';
import { freePort } from '../kit/ports.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { startServiceProcess } from '../kit/service-process.ts';
import { until } from '../kit/until.ts';

const run = promisify(execFile);
const main = new URL('../../src/surface/cli/brigade.js', import.meta.url);

/** The service without anything that would spare it a decision. */
function startBare(environment: Readonly<Record<string, string>>): Child {
  return startChild(main, ['serve'], { BRIGADE_PORT: '0', ...environment });
}

describe('the service as a user starts it', () => {
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'brigade-serve-'));
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  test('prints its address and a token once; continues after a restart; refuses a second instance', async () => {
    const first = startBare({ BRIGADE_DATA_DIR: dataDir });
    const [, url = '', projectId = ''] = await first.line(/API\s+(http\S+?)\/v2\/(\w+)/);
    const [, token = ''] = await first.line(/Token\s+(bb_\S+)/);
    const client = new OmsClient({ url, projectId, token });
    assert.deepEqual(await client.call('GET', '/sync-tasks'), { tasks: [], count: 0 });

    const second = startBare({ BRIGADE_DATA_DIR: dataDir });
    assert.equal(await second.stopped(), 1);
    assert.match(second.errors(), new RegExp(`in use by process ${first.process.pid}`));
    assert.equal(await first.stop(), 0);

    const again = startBare({ BRIGADE_DATA_DIR: dataDir });
    const [, newUrl = ''] = await again.line(/API\s+(http\S+?)\/v2\/(\w+)/);
    await again.line(/Token\s+the one that the first start printed/);
    const sameProject = new OmsClient({ url: newUrl, projectId, token });
    assert.deepEqual(await sameProject.call('GET', '/sync-tasks'), { tasks: [], count: 0 });
    await again.kill();

    const afterCrash = startBare({ BRIGADE_DATA_DIR: dataDir });
    await afterCrash.line(/Ctrl-C/);
    assert.equal(await afterCrash.stop(), 0);
    assert.ok(!afterCrash.output().includes(token));
    assert.ok(!afterCrash.errors().includes(token));
  });

  test('names all mistakes in its settings together, and no value', async () => {
    const child = startBare({
      BRIGADE_PORT: 'eighty',
      BRIGADE_WIDHT: '3',
      BRIGADE_SECRET_KEY: 'hunter2',
      BRIGADE_DATA_DIR: dataDir,
    });
    assert.equal(await child.stopped(), 1);
    for (const name of ['BRIGADE_PORT', 'BRIGADE_WIDHT', 'BRIGADE_SECRET_KEY']) {
      assert.match(child.errors(), new RegExp(name));
    }
    assert.doesNotMatch(child.errors(), /hunter2|eighty/);
  });

  test('reports that its port is in use, and prints the token when it does start', async () => {
    await using taken = await startS3Server();
    const fresh = join(dataDir, 'fresh');
    const child = startBare({ BRIGADE_DATA_DIR: fresh, BRIGADE_PORT: String(taken.port) });
    assert.equal(await child.stopped(), 1);
    assert.match(child.errors(), /is taken by another program.*BRIGADE_PORT/);
    await using again = startBare({ BRIGADE_DATA_DIR: fresh });
    await again.line(/Token\s+(bb_\S+)/);
  });

  test('reports that it cannot listen at its host', async () => {
    const child = startBare({ BRIGADE_DATA_DIR: dataDir, BRIGADE_HOST: 'no such host' });
    assert.equal(await child.stopped(), 1);
    assert.match(child.errors(), /brigade: the address no such host:0 cannot be used \(\w+\)/);
    assert.doesNotMatch(child.errors(), /at async/);
  });

  test('reports which database cannot be reached, without its password', async () => {
    const url = 'postgres://brigade:hunter2@127.0.0.1:1/brigade';
    const child = startBare({ BRIGADE_DATA_DIR: dataDir, BRIGADE_DATABASE_URL: url });
    assert.equal(await child.stopped(), 1);
    assert.match(child.errors(), /the database of BRIGADE_DATABASE_URL cannot be reached: /);
    assert.doesNotMatch(child.errors(), /hunter2/);
  });

  test('a signal ends a start that hangs', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    const [connected] = [once(silent, 'connection'), await once(silent, 'listening')];
    const { port } = silent.address() as AddressInfo;
    const url = `postgres://brigade@127.0.0.1:${port}/brigade`;
    const child = startBare({ BRIGADE_DATA_DIR: dataDir, BRIGADE_DATABASE_URL: url });
    await connected;
    assert.equal(await child.stop(), 130);
    silent.close();
  });

  test('npm passes a signal on, and one that comes twice at once is one', async () => {
    const environment = { BRIGADE_PORT: '0', BRIGADE_DATA_DIR: dataDir };
    const npm = startProgram(['npm', '--silent', 'start'], environment);
    const [, url = ''] = await npm.line(/API\s+(http\S+?)\/v2\/(\w+)/);
    await npm.line(/Ctrl-C/);
    npm.process.kill('SIGTERM');
    assert.equal(await npm.stop(), 0);
    await assert.rejects(fetch(`${url}/healthz`));
  });

  test('does not start with a key that does not open what is sealed', async () => {
    await using server = await startS3Server({ buckets: ['source', 'target'] });
    const service = await startServiceProcess(dataDir);
    await service.client.createTask(taskBetween(server, server));
    await service.child.stop();
    const child = startBare({ BRIGADE_DATA_DIR: dataDir, BRIGADE_SECRET_KEY: 'f'.repeat(64) });
    assert.equal(await child.stopped(), 1);
    assert.match(child.errors(), /sealed by another key/);
  });
});

describe('a start that is not finished yet', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let admin: Database;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brigade-ready-'));
    postgres = await startEmbedded({ dataDir: folder, log: silentLog });
    admin = await Database.connect({ url: postgres.url, connections: 2 });
  });
  after(async () => {
    await admin[Symbol.asyncDispose]();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts the service on a new database and holds it where it makes its first token, until `look` has ended. */
  async function heldAtFirstToken(
    name: string,
    environment: Readonly<Record<string, string>>,
    look: (url: string) => Promise<void>,
  ): Promise<Child> {
    await admin.query(`create database ${name}`);
    const url = new URL(postgres.url.reveal());
    url.pathname = `/${name}`;
    const port = await freePort();
    const own = await Database.connect({ url: new Secret(url.href), connections: 1 });
    const child = await own.transaction(async (db) => {
      await db.query(`select pg_advisory_xact_lock(hashtext('bucket-brigade first token'))`);
      const started = startBare({
        BRIGADE_DATA_DIR: join(folder, name),
        BRIGADE_DATABASE_URL: url.href,
        BRIGADE_PORT: String(port),
        ...environment,
      });
      await until('the start waits for the lock', async () => {
        const { rows } = await admin.query(
          `select from pg_locks join pg_database on pg_database.oid = database
           where datname = $1 and locktype = 'advisory' and not granted`,
          [name],
        );
        return rows.length > 0;
      });
      await look(`http://127.0.0.1:${port}`);
      return started;
    });
    await own[Symbol.asyncDispose]();
    return child;
  }

  test('is alive and not ready until the token that it makes can be used', async () => {
    await using child = await heldAtFirstToken('made', {}, async (url) => {
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      const reply = await fetch(`${url}/readyz`);
      assert.deepEqual(
        [reply.status, await reply.json()],
        [503, { status: 'not ready', reason: 'The service is starting.' }],
      );
    });
    const [, base = '', projectId = ''] = await child.line(/API\s+(http\S+?)\/v2\/(\w+)/);
    const [, token = ''] = await child.line(/Token\s+(bb_\S+)/);
    assert.equal((await fetch(`${base}/readyz`)).status, 200);
    const client = new OmsClient({ url: base, projectId, token });
    assert.deepEqual(await client.call('GET', '/sync-tasks'), { tasks: [], count: 0 });
  });

  test('does not listen before a token that it was given can be used', async () => {
    const token = 'given-before-the-first-start';
    const given = { BRIGADE_BOOTSTRAP_TOKEN: token };
    await using child = await heldAtFirstToken('given', given, async (url) => {
      await assert.rejects(fetch(`${url}/healthz`));
    });
    const [, base = '', projectId = ''] = await child.line(/API\s+(http\S+?)\/v2\/(\w+)/);
    const client = new OmsClient({ url: base, projectId, token });
    assert.deepEqual(await client.call('GET', '/sync-tasks'), { tasks: [], count: 0 });
  });
});

/** Where Debian puts PostgreSQL 15, or wherever the path finds it. */
function findPostgres15(): string | undefined {
  const folders = ['/usr/lib/postgresql/15/bin', ...(process.env['PATH'] ?? '').split(':')];
  return folders.find((folder) => {
    const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
    return /\(PostgreSQL\) 15\./.test(stdout) && readdirSync(folder).includes('initdb');
  });
}

const postgres15 = findPostgres15();

describe('on an existing PostgreSQL 15', {
  skip: postgres15 === undefined && 'PostgreSQL 15 is not installed',
}, () => {
  let folder: string;
  let url: string;
  let source: S3Server;
  let target: S3Server;
  /** PostgreSQL does not run as root: there it gets another user's face. */
  const asUser = process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=1000'] : [];
  async function postgres(program: string, ...args: string[]): Promise<void> {
    const [command = '', ...rest] = [...asUser, join(postgres15 ?? '', program), ...args];
    await run(command, rest);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brigade-pg15-'));
    const data = join(folder, 'data');
    await postgres('initdb', '-D', data, '-U', 'brigade', '-E', 'UTF8', '--locale=C');
    await postgres(
      'pg_ctl',
      '-D',
      data,
      '-w',
      '-l',
      join(folder, 'log'),
      '-o',
      `-k ${folder} -c listen_addresses=''`,
      'start',
    );
    url = `postgres://brigade@localhost/postgres?host=${encodeURIComponent(folder)}`;
    source = await startS3Server({ buckets: ['source'] });
    target = await startS3Server({ buckets: ['target'] });
  });
  after(async () => {
    await postgres('pg_ctl', '-D', join(folder, 'data'), '-m', 'fast', 'stop');
    await source.close();
    await target.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('several processes start at once, share the work, and count it once', async () => {
    const keys = Array.from({ length: 800 }, (_, index) => `shared/${index}`);
    for (const key of keys) source.bucket('source').put(key, key);
    const environment = { BRIGADE_DATABASE_URL: url, BRIGADE_SECRET_KEY: 'a'.repeat(64) };
    await using started = new AsyncDisposableStack();
    const services = await Promise.all(
      ['one', 'two', 'three'].map(async (name) =>
        started.use(await startServiceProcess(join(folder, name), environment)),
      ),
    );
    const [first, second] = services;
    assert.ok(first !== undefined && second !== undefined);
    const taskId = await first.client.createTask(taskBetween(source, target));
    await Promise.all([
      first.client.sendEvents(taskId, keys.slice(0, 400)),
      second.client.sendEvents(taskId, keys.slice(400)),
    ]);
    const task = await second.client.settled(taskId, keys.length);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(target.bucket('target').keys().length, keys.length);
    for (const service of services) assert.equal(await service.child.stop(), 0);
    await assert.rejects(stat(join(folder, 'one', 'postgres')), { code: 'ENOENT' });
  });
});
