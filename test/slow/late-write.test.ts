import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { PgBoss } from 'pg-boss';
import { silentLog } from '../../src/platform/base/log.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { RECHECKS } from '../../src/domain/maintenance/maintenance.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { startServiceProcess } from '../kit/service-process.ts';
import { until } from '../kit/until.ts';

interface LateStore extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the first put has arrived with all its bytes. */
  readonly accepted: Promise<void>;
  /** Performs that put, whose client no longer waits for it. */
  finish(): Promise<void>;
}

/** Starts a store that accepts the first put of an object, and performs it when `finish` is called. */
async function startLateStore(behind: S3Server): Promise<LateStore> {
  const { hostname, port } = new URL(behind.url);
  const accepted = Promise.withResolvers<undefined>();
  let held: (() => Promise<void>) | undefined;

  async function forward(call: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { method = 'GET', url: path = '/', headers } = call;
    return await new Promise((resolve, reject) => {
      const sent = request({ hostname, port, method, path, headers }, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async function serve(call: IncomingMessage, reply: ServerResponse): Promise<void> {
    const body = await buffer(call);
    if (call.method === 'PUT' && held === undefined) {
      held = async () => {
        const answer = await forward(call, body);
        answer.resume();
        assert.equal(answer.statusCode, 200);
      };
      accepted.resolve(undefined);
      return;
    }
    const answer = await forward(call, body);
    reply.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(reply);
  }

  const server = createServer((call, reply) => {
    serve(call, reply).catch(() => reply.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}`,
    accepted: accepted.promise,
    async finish() {
      await held?.();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks the maintenance of whatever process for a job now. */
async function askFor(job: string, database: Database): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.query(text, values) },
    ...{ schema: 'pgboss', migrate: false, supervise: false, schedule: false },
  });
  await boss.start();
  await boss.send(job);
  await boss.stop({ graceful: false });
}

test('a put that the store finishes after its process was killed does not stay over the next version', async () => {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'brigade-late-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const [dataDir, cluster] = [join(folder, 'data'), join(folder, 'postgres')];
  await mkdir(cluster);
  const source = started.use(await startS3Server({ buckets: ['source'] }));
  const target = started.use(await startS3Server({ buckets: ['target'] }));
  const late = started.use(await startLateStore(target));
  const postgres = await startEmbedded({ dataDir: cluster, socketParent: folder, log: silentLog });
  started.defer(() => postgres.stop());
  const database = started.use(await Database.connect({ url: postgres.url }));
  const start = () =>
    startServiceProcess(dataDir, {
      BRIGADE_DATABASE_URL: postgres.url.reveal(),
      BRIGADE_CHECK_BUCKETS: 'false',
    });
  const held = (): string | undefined => target.bucket('target').bytes('k')?.toString();

  const first = await start();
  const taskId = await first.client.createTask({
    ...taskBetween(source, target),
    dst_endpoint: late.url,
  });
  source.bucket('source').put('k', 'version 1');
  await first.client.sendEvents(taskId, ['k']);
  await late.accepted;
  await first.child.kill();

  source.bucket('source').put('k', 'version 2');
  await database.query(`update changes set lease_until = now() - interval '1 second'`);
  const second = started.use(await start());
  await second.client.sendEvents(taskId, ['k']);
  await second.client.settled(taskId, 1);
  assert.equal(held(), 'version 2');
  await late.finish();
  assert.equal(held(), 'version 1');

  await database.query(`update rechecks set due_at = now()`);
  await askFor(RECHECKS, database);
  await until('the target has version 2 again', () => held() === 'version 2');
  await until('the copy is settled, and counted once', async () => {
    return (await second.client.show(taskId)).monthly_success_object === 2;
  });
  const metrics = await (await fetch(`${second.url}/metrics`)).text();
  assert.match(metrics, /^brigade_rechecks_total\{result="changed"\} 1$/m);
  assert.match(metrics, /^brigade_waiting_rechecks\{state="SYNCHRONIZING"\} 1$/m);
});
