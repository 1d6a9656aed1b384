import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { silentLog } from '../../src/platform/base/log.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { readMigrations } from '../../src/platform/postgres/migrate.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { type Child, startChild } from '../kit/child-process.ts';
import { type ServiceProcess, startServiceProcess, TOKEN } from '../kit/service-process.ts';

/** Processes of two versions on one PostgreSQL. */

interface Listed {
  readonly id: string;
  readonly roles: readonly string[];
  readonly schema_version: number;
  readonly host: string;
  readonly pid: number;
  readonly alive: boolean;
}

describe('processes on one database', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let versions: number;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brigade-processes-'));
    postgres = await startEmbedded({ dataDir: folder, log: silentLog });
    versions = (await readMigrations()).length;
    await makeLater();
  });
  after(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A later version of the program: it has a migration that breaks this one. */
  async function makeLater(): Promise<void> {
    const root = join(import.meta.dirname, '../..');
    const later = join(folder, 'later');
    await cp(join(root, 'src'), join(later, 'src'), { recursive: true });
    await cp(join(root, 'package.json'), join(later, 'package.json'));
    await symlink(join(root, 'node_modules'), join(later, 'node_modules'));
    const next = String(versions + 1).padStart(4, '0');
    const file = join(later, `src/platform/postgres/migrations/${next}-later.sql`);
    await writeFile(file, `-- breaks ${next}: a test\ncreate table of_a_later_version (n int);\n`);
  }

  const environment = (roles: string) => ({
    BRIGADE_DATABASE_URL: postgres.url.reveal(),
    BRIGADE_SECRET_KEY: 'ab'.repeat(32),
    BRIGADE_ROLES: roles,
  });

  function start(name: string, roles: string): Promise<ServiceProcess> {
    return startServiceProcess(join(folder, name), environment(roles));
  }

  function startLater(): Child {
    const main = pathToFileURL(join(folder, 'later/src/surface/cli/brigade.js'));
    const settings = { BRIGADE_DATA_DIR: join(folder, 'of-later'), BRIGADE_PORT: '0' };
    return startChild(main, ['serve'], { ...environment('worker'), ...settings });
  }

  async function listed({ url }: ServiceProcess): Promise<Listed[]> {
    const headers = { 'x-auth-token': TOKEN };
    const reply = await fetch(`${url}/operations/v1/processes`, { headers });
    assert.equal(reply.status, 200);
    return ((await reply.json()) as { processes: Listed[] }).processes;
  }

  test('share the rates of callers', async () => {
    const limits = { ...environment('api'), BRIGADE_LISTS_PER_MINUTE: '30' };
    await using one = await startServiceProcess(join(folder, 'one'), limits);
    await using two = await startServiceProcess(join(folder, 'two'), limits);
    const headers = { 'x-auth-token': TOKEN };
    const began = performance.now();
    const replies = await Promise.all(
      Array.from({ length: 120 }, (_, call) =>
        fetch(`${(call % 2 === 0 ? one : two).url}/operations/v1/processes`, { headers }),
      ),
    );
    const passed = replies.filter(({ status }) => status === 200).length;
    const cameBack = (performance.now() - began) / 2_000;
    assert.ok(passed >= 29 && passed <= 31 + cameBack, `${passed} passed`);
    assert.ok(replies.every(({ status }) => status === 200 || status === 429));
  });

  test('are listed, refuse to break each other, and end when they are broken', async () => {
    await using api = await start('api', 'api');
    const worker = await start('worker', 'worker,scheduler');
    assert.equal((await fetch(`${api.url}/operations/v1/processes`)).status, 401);
    const both = await listed(api);
    assert.deepEqual(
      both.map(({ roles, schema_version, host, pid, alive }) => [
        ...[roles.join(), schema_version, host, pid, alive],
      ]),
      [
        ['api', versions, hostname(), api.child.process.pid, true],
        ['worker,scheduler', versions, hostname(), worker.child.process.pid, true],
      ],
    );
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    assert.match(metrics, /^brigade_processes\{role="worker"\} 1$/m);

    await using refused = startLater();
    assert.equal(await refused.stopped(), 1);
    assert.match(refused.errors(), /brigade: migration \d+ \(later\) breaks programs/);
    assert.ok(refused.errors().includes(`process ${api.child.process.pid}`));

    assert.equal(await worker.child.stop(), 0);
    assert.equal((await listed(api)).length, 1);

    // Nobody has heard of the API for a while, as of a process that is cut off.
    api.child.process.kill('SIGSTOP');
    await using admin = await Database.connect({ url: postgres.url, connections: 1 });
    await admin.query(`update processes set seen_at = now() - interval '61 seconds'`);
    await using later = startLater();
    await later.line(/Ctrl-C/);
    api.child.process.kill('SIGCONT');
    assert.equal(await api.child.stopped(), 1);
    assert.match(api.child.errors(), /the database is newer than this program/);

    const again = startChild(
      new URL('../../src/surface/cli/brigade.js', import.meta.url),
      ['serve'],
      { ...environment('worker'), BRIGADE_DATA_DIR: join(folder, 'again'), BRIGADE_PORT: '0' },
    );
    assert.equal(await again.stopped(), 1);
    assert.match(again.errors(), /use the newer program/);
  });
});
