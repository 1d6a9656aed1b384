import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import type { AuditRow } from '../../src/domain/access/audit-table.ts';
import { DatabaseAudit } from '../../src/domain/access/audit.ts';
import { ensureFirstAccessKey } from '../../src/domain/access/tokens.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { startTestService, taskBetween, type TestService } from '../kit/service.ts';
import { signedHeaders } from '../kit/sign-request.ts';
import { until } from '../kit/until.ts';

/** An equal signed creation arrives again: at two processes on one database, which share no memory. */

const KEY = { id: 'REPEATEDKEY000000001', secret: 'a-secret-that-signs' };
const TASKS_MAX = 3;
const USED = /this signature was used already; sign the request again/;

interface Answer {
  readonly status: number;
  readonly id: string | undefined;
  readonly text: string;
}

describe('an equal signed creation that arrives again', () => {
  let server: S3Server;
  let service: TestService;
  let other: TestService;
  before(async () => {
    server = await startS3Server({ buckets: ['source', 'target'] });
    const settings = { tasksMax: TASKS_MAX, checkBuckets: true };
    service = await startTestService({ works: false, settings });
    other = await startTestService({ works: false, settings, beside: service });
    const { database, sealer, projectId } = service;
    const key = { id: KEY.id, secret: new Secret(KEY.secret), projectId };
    await ensureFirstAccessKey({ database, sealer }, key);
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
    await server.close();
  });

  /** Signs a creation once. It can be sent any number of times, and to both processes. */
  function signed(description: string): (to: TestService) => Promise<Answer> {
    const url = `${service.url}/v2/${service.projectId}/sync-tasks`;
    const payload = JSON.stringify({ ...taskBetween(server, server), description });
    const more = { 'content-type': 'application/json' };
    const headers = {
      ...signedHeaders({ method: 'POST', url, headers: more, body: payload }, KEY),
      host: new URL(url).host,
    };
    return async (to) => {
      const { pathname } = new URL(url);
      const reply = await to.api.inject({ method: 'POST', url: pathname, headers, payload });
      const { sync_task_id: id } = reply.json<{ sync_task_id?: string }>();
      return { status: reply.statusCode, id, text: reply.body };
    };
  }

  async function number(sql: string): Promise<number> {
    const { rows } = await service.database.query<{ n: number }>(
      `select count(*)::int as n ${sql}`,
    );
    return rows[0]?.n ?? -1;
  }
  const stored = () => number('from signed_creations');
  const tasks = () => number('from sync_tasks where deleted_at is null');

  async function removeTasks(): Promise<void> {
    await service.database.query(
      'update sync_tasks set deleted_at = now() where deleted_at is null',
    );
  }

  async function audited(description: string): Promise<AuditRow[]> {
    for (const { brigade } of [service, other]) {
      assert.ok(brigade.audit instanceof DatabaseAudit);
      await brigade.audit[Symbol.asyncDispose]();
    }
    const rows = await service.brigade.audit.list(undefined, { limit: 100, before: undefined });
    return rows.filter(({ resource }) => resource === description);
  }

  test('sends no request to the buckets and changes nothing, and the audit marks it as repeated', async () => {
    await removeTasks();
    const send = signed('sequential');
    const first = await send(service);
    assert.equal(first.status, 200, first.text);
    const asked = server.requests.total;
    assert.ok(asked > 0);
    for (const to of [service, other, service]) assert.deepEqual(await send(to), first);
    assert.equal(server.requests.total, asked);
    assert.equal(await tasks(), 1);
    const rows = await audited(first.id ?? '');
    assert.deepEqual(
      rows.map(({ operation, status, repeated }) => ({ operation, status, repeated })),
      Array.from({ length: rows.length }, (_, at) => ({
        ...{ operation: 'CreateSyncTask', status: 200, repeated: at < rows.length - 1 },
      })),
    );
    const repeats = rows.filter(({ repeated }) => repeated);
    assert.equal(
      repeats.reduce((sum, { requests }) => sum + requests, 0),
      3,
    );
  });

  test('while the first is still in work waits for it, in both processes', async () => {
    await removeTasks();
    const send = signed('concurrent');
    const done = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    // The first waits for its project with its request stored; the others wait for the first.
    const hold = service.database.transaction(async (db) => {
      await db.query('select from projects where id = $1 for update', [service.projectId]);
      held.resolve(undefined);
      await done.promise;
    });
    await held.promise;
    const answers = Promise.all([service, other, service, other].map(send));
    await until('both processes wait', async () => {
      const sql = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return (await number(sql)) === 2;
    });
    done.resolve(undefined);
    await hold;
    const ids = (await answers).map(({ status, id }) => (status === 200 ? id : undefined));
    assert.equal(new Set(ids).size, 1);
    assert.notEqual(ids[0], undefined);
    assert.equal(await tasks(), 1);
  });

  test('gets the task that took the last place of the project, and none where there was no place', async () => {
    await removeTasks();
    for (let made = 1; made < TASKS_MAX; made++) await signed(`fills ${made}`)(service);
    const send = signed('last');
    const all = await Promise.all([service, other].map(send));
    assert.deepEqual(
      all.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(await tasks(), TASKS_MAX);
    assert.match((await signed('too many')(service)).text, /OMS\.1021/);
    assert.deepEqual(await send(other), all[0]);
  });

  test('after a first that failed is carried out: a failure stores nothing', async () => {
    await removeTasks();
    for (let made = 0; made < TASKS_MAX; made++) await signed(`again ${made}`)(service);
    const before = await stored();
    const send = signed('comes later');
    for (const to of [service, other, service]) assert.match((await send(to)).text, /OMS\.1021/);
    assert.equal(await stored(), before);
    await removeTasks();
    const created = await send(other);
    assert.equal(created.status, 200, created.text);
    assert.deepEqual(await send(service), created);
    assert.equal(await tasks(), 1);
  });

  test('after its task was deleted gets the ID of then, and creates none', async () => {
    await removeTasks();
    const send = signed('deleted');
    const first = await send(service);
    await removeTasks();
    assert.deepEqual(await send(other), first);
    assert.equal(await tasks(), 0);
  });

  test('after a minute is refused as a replay, also by a process that has not seen the first', async () => {
    await removeTasks();
    const send = signed('late');
    assert.equal((await send(service)).status, 200);
    await service.database.query(
      `update signed_creations set created_at = now() - interval '61 seconds'`,
    );
    for (const to of [other, service]) {
      const { status, text } = await send(to);
      assert.deepEqual([status, /APIGW\.0301/.test(text)], [401, true]);
      assert.match(text, USED);
    }
    assert.equal(await tasks(), 1);
  });

  test('without a signature creates a task each time', async () => {
    await removeTasks();
    const body = taskBetween(server, server);
    const ids = [await service.client.createTask(body), await service.client.createTask(body)];
    assert.equal(new Set(ids).size, 2);
  });
});
