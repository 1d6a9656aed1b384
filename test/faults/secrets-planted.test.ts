import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/platform/base/log.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { type Child, startChild } from '../kit/child-process.ts';
import { OmsClient } from '../kit/oms-client.ts';
import { type ServiceProcess, startServiceProcess } from '../kit/service-process.ts';
import { startTalkativeStore, type TalkativeStore } from '../kit/secret-echoing-server.ts';

/*
 * Secrets with marks are given to the service in every way in which it takes them, where it succeeds
 * and where it fails. Then all that it wrote is searched for them.
 */

/** No two alike, of signs that change in a URL, in XML and in JSON. */
function planted(name: string): string {
  return `${name}-${randomBytes(12).toString('base64url')}/+=&<%"é`.slice(0, 60);
}

const secrets = {
  sourceId: `source-id-${randomBytes(9).toString('hex')}`,
  sourceKey: planted('source-key'),
  targetId: `target-id-${randomBytes(9).toString('hex')}`,
  targetKey: planted('target-key'),
  restartKey: planted('restart-key'),
  unusedKey: planted('unused-key'),
  cdnKey: planted('cdn-key'),
  restartCdnKey: planted('restart-cdn-key'),
  token: `token-${randomBytes(16).toString('base64url')}`,
  wrongToken: `wrong-${randomBytes(16).toString('base64url')}`,
  firstKey: `first-${randomBytes(16).toString('base64url')}`,
  password: planted('password'),
  wrongPassword: planted('wrong-password'),
  databasePassword: `database-${randomBytes(9).toString('hex')}`,
  sealingKey: randomBytes(32).toString('hex'),
  oldSealingKey: randomBytes(32).toString('hex'),
};
const FIRST_KEY_ID = 'FIRSTKEYID0000000001';

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const quoted = JSON.stringify(secret).slice(1, -1);
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return [
    secret,
    quoted,
    JSON.stringify(quoted).slice(1, -1),
    xml,
    encodeURIComponent(secret),
    encodeURI(secret),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('latin1'),
    ...(/^[0-9a-f]{64}$/.test(secret) ? [Buffer.from(secret, 'hex').toString('base64')] : []),
  ];
}

describe('secrets that are planted everywhere', () => {
  const written: string[] = [];
  let postgres: EmbeddedPostgres;
  let service: ServiceProcess;
  let dir: { path: string } & AsyncDisposable;
  let store: TalkativeStore;
  let cdn: TalkativeStore;

  function client(): OmsClient {
    const { projectId } = service.client;
    return new OmsClient({ url: service.url, projectId, token: secrets.token });
  }

  /** Sends, and keeps the answer with its headers. */
  async function send(method: string, path: string, options: RequestInit = {}): Promise<Response> {
    const headers = new Headers(options.headers);
    if (!headers.has('x-auth-token')) headers.set('x-auth-token', secrets.token);
    const answer = await fetch(service.url + path, { ...options, method, headers });
    written.push(JSON.stringify([...answer.headers]), await answer.clone().text());
    return answer;
  }

  async function post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const json = { 'content-type': 'application/json', ...headers };
    return send('POST', path, { headers: json, body: JSON.stringify(body) });
  }

  function databaseUrl(): string {
    const url = new URL(postgres.url.reveal());
    url.password = secrets.databasePassword;
    return url.href;
  }

  before(async () => {
    store = await startTalkativeStore([secrets.sourceId, secrets.sourceKey]);
    cdn = await startTalkativeStore([secrets.sourceId, secrets.sourceKey, secrets.cdnKey]);
    dir = await mkdtempDisposable(join(tmpdir(), 'brigade-planted-'));
    postgres = await startEmbedded({ dataDir: dir.path, log: silentLog });
    service = await startServiceProcess(join(dir.path, 'service'), {
      BRIGADE_DATABASE_URL: databaseUrl(),
      BRIGADE_BOOTSTRAP_TOKEN: secrets.token,
      BRIGADE_BOOTSTRAP_ACCESS_KEY: `${FIRST_KEY_ID}:${secrets.firstKey}:${'5'.repeat(32)}`,
      BRIGADE_SECRET_KEY: secrets.sealingKey,
      BRIGADE_OLD_SECRET_KEYS: secrets.oldSealingKey,
      BRIGADE_LOG_LEVEL: 'debug',
      // What a store says in the checks before a task is created is tested with those checks.
      BRIGADE_CHECK_BUCKETS: 'false',
      BRIGADE_ATTEMPTS: '2',
      BRIGADE_BACKOFF_BASE_MS: '10',
      BRIGADE_BACKOFF_MAX_MS: '50',
    });
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await postgres.stop();
    await store[Symbol.asyncDispose]();
    await cdn[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });

  function taskBody(): Record<string, unknown> {
    return {
      src_cloud_type: 'AWS',
      src_region: 'us-east-1',
      // The source is read at once, and has words for it.
      object_overwrite_mode: 'FULL_OVERWRITE',
      src_bucket: 'source',
      src_endpoint: store.url,
      src_ak: secrets.sourceId,
      src_sk: secrets.sourceKey,
      dst_cloud_type: 'AWS',
      dst_region: 'us-east-1',
      dst_bucket: 'target',
      dst_endpoint: store.url,
      dst_ak: secrets.targetId,
      dst_sk: secrets.targetKey,
    };
  }

  test('go through tasks, whose store says them again when it fails', async () => {
    const tasks = `/v2/${service.client.projectId}/sync-tasks`;
    const created = await post(tasks, taskBody());
    assert.equal(created.status, 200, await created.clone().text());
    const { sync_task_id: id } = (await created.json()) as { sync_task_id: string };
    const { ways, words } = store;
    const keys = ways.flatMap((way) => words.map((_, index) => `${way}/${index}`));
    await client().sendEvents(id, keys);
    await client().settled(id, keys.length, 90);
    for (const path of [
      `?query_time=${Date.now()}`,
      '/objects?limit=1000',
      '/objects?outcome=failed&limit=1000',
    ]) {
      assert.equal((await send('GET', `${tasks}/${id}${path}`)).status, 200);
    }
    await send('GET', tasks);
    await post(`${tasks}/${id}/stop`, {});
    const restart = { src_sk: secrets.restartKey, dst_sk: secrets.restartKey };
    const both = { src_ak: secrets.sourceId, dst_ak: secrets.targetId, ...restart };
    assert.equal((await post(`${tasks}/${id}/start`, both)).status, 200);
    await post(`${tasks}/${id}/start`, both);
  });

  test('go through a CDN, which says them again, and through a start with another key', async () => {
    const tasks = `/v2/${service.client.projectId}/sync-tasks`;
    const source_cdn = {
      ...{ domain: new URL(cdn.url).host, protocol: 'http' },
      ...{ authentication_type: 'TENCENT_COS_D', authentication_key: secrets.cdnKey },
    };
    const tencent = { src_cloud_type: 'Tencent', app_id: '1250000000', source_cdn };
    const created = await post(tasks, { ...taskBody(), ...tencent });
    assert.equal(created.status, 200, await created.clone().text());
    const { sync_task_id: id } = (await created.json()) as { sync_task_id: string };
    const { ways, words } = cdn;
    const keys = ways.flatMap((way) => words.map((_, index) => `cdn/${way}/${index}`));
    await client().sendEvents(id, keys);
    await client().settled(id, keys.length, 90);
    assert.match(await (await send('GET', `${tasks}/${id}/objects?limit=1000`)).text(), /the CDN /);
    await post(`${tasks}/${id}/stop`, {});
    const other = { source_cdn_authentication_key: secrets.restartCdnKey };
    assert.equal((await post(`${tasks}/${id}/start`, other)).status, 200);
    // The service no longer knows that the former key is a secret: only an answer without it is requested again.
    const retried = await client().retryFailed(id, 'cdn/denied/0');
    await client().settled(id, keys.length + retried, 90);
    for (const path of [`?query_time=${Date.now()}`, '/objects?limit=1000']) {
      assert.equal((await send('GET', `${tasks}/${id}${path}`)).status, 200);
    }
    await send('GET', tasks);
  });

  test('go through requests that are refused', async () => {
    const tasks = `/v2/${service.client.projectId}/sync-tasks`;
    const { unusedKey } = secrets;
    const given = { domain: 'cdn.example.com', protocol: 'http', authentication_type: 'NONE' };
    const wrong: [string, unknown][] = [
      ['src_sk', { nested: unusedKey }],
      ['src_sk', [unusedKey]],
      ['src_sk', unusedKey.repeat(50)],
      ['src_region', unusedKey],
      ['src_bucket', unusedKey],
      ['src_endpoint', `http://user:${encodeURIComponent(unusedKey)}@${unusedKey}/`],
      ['src_endpoint', unusedKey],
      ['src_cloud_type', unusedKey],
      ['object_overwrite_mode', unusedKey],
      ['enable_metadata_migration', unusedKey],
      ['json_auth_file', unusedKey],
      ['source_cdn', unusedKey],
      ['source_cdn', { authentication_key: unusedKey }],
      ['source_cdn', { ...given, authentication_key: [unusedKey] }],
      ['source_cdn', { ...given, authentication_key: unusedKey, crypto_type: 'KMS' }],
      ['source_cdn', { ...given, authentication_key: unusedKey, domain: `${unusedKey}@x` }],
      ['source_cdn', { ...given, authentication_type: unusedKey }],
    ];
    for (const [field, value] of wrong) await post(tasks, { ...taskBody(), [field]: value });
    const json = { 'content-type': 'application/json' };
    for (const body of [
      `{"src_sk": "${unusedKey}`,
      unusedKey,
      `[${unusedKey}]`,
      `"${unusedKey}"`,
    ]) {
      assert.equal((await send('POST', tasks, { headers: json, body })).status, 400);
    }
    await send('POST', tasks, { headers: { 'content-type': 'text/html' }, body: unusedKey });
    const inUrl = encodeURIComponent(unusedKey);
    for (const path of [`/${inUrl}`, `${tasks}/${inUrl}`, `/v2/${inUrl}/sync-tasks`]) {
      await send('GET', `${path}?token=${inUrl}&limit=${inUrl}`);
    }
    await send('GET', `${tasks}?limit=${inUrl}`);
  });

  test('go through credentials that are refused', async () => {
    const path = `/v2/${service.client.projectId}/sync-tasks`;
    const { wrongToken, firstKey, sourceKey } = secrets;
    const jwt = ['{"alg":"HS256"}', JSON.stringify({ sub: secrets.unusedKey })]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const signed = `${jwt}.${createHmac('sha256', wrongToken).update(jwt).digest('base64url')}`;
    Object.assign(secrets, { jwt: signed });
    const headers: Record<string, string>[] = [
      { 'x-auth-token': wrongToken },
      { 'x-auth-token': wrongToken, 'x-request-id': wrongToken },
      { 'x-auth-token': signed },
      { 'x-auth-token': '', 'authorization': `Bearer ${wrongToken}` },
      { 'x-auth-token': '', 'authorization': `Basic ${wrongToken}` },
      {
        'x-auth-token': '',
        'authorization': `SDK-HMAC-SHA256 Access=${FIRST_KEY_ID}, SignedHeaders=x-sdk-date, Signature=${firstKey}`,
      },
      { 'x-auth-token': '', 'authorization': `${wrongToken} Access=x` },
      { 'cookie': `session=${wrongToken}`, 'x-auth-token': wrongToken },
      { 'x-security-token': encodeURIComponent(sourceKey), 'x-auth-token': wrongToken },
    ];
    const now = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const names = 'x-sdk-date;x-security-token;x-subject-token;cookie';
    headers.push({
      'x-auth-token': '',
      'x-sdk-date': now,
      'x-security-token': encodeURIComponent(sourceKey),
      'x-subject-token': wrongToken,
      'cookie': `session=${wrongToken}`,
      'authorization': `SDK-HMAC-SHA256 Access=${FIRST_KEY_ID}, SignedHeaders=${names}, Signature=${'0'.repeat(64)}`,
    });
    for (const each of headers)
      assert.equal((await send('GET', path, { headers: each })).status, 401);
  });

  test('go through users, passwords, tokens and access keys', async () => {
    const made = await post('/iam/v1/users', { name: 'somebody', password: secrets.password });
    assert.equal(made.status, 200);
    await post('/iam/v1/users', { name: secrets.unusedKey, password: secrets.password });
    await post('/iam/v1/users', { name: 'other', password: [secrets.wrongPassword] });
    await post('/iam/v1/grants', {
      user: 'somebody',
      project: service.client.projectId,
      policy: 'OMS Administrator',
    });
    const login = (password: unknown) => ({
      auth: {
        identity: { methods: ['password'], password: { user: { name: 'somebody', password } } },
      },
    });
    for (const wrong of [secrets.wrongPassword, [secrets.wrongPassword], { x: secrets.password }]) {
      assert.notEqual((await post('/v3/auth/tokens', login(wrong))).status, 201);
    }
    // The two answers that give a secret are not kept: that is what they are for.
    const json = { 'content-type': 'application/json', 'x-auth-token': secrets.token };
    const given = await fetch(`${service.url}/v3/auth/tokens`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(login(secrets.password)),
    });
    assert.equal(given.status, 201, await given.clone().text());
    const issued = given.headers.get('x-subject-token') ?? '';
    assert.ok(issued.length > 20 && !(await given.text()).includes(issued));
    const call = { method: 'POST', headers: json, body: JSON.stringify({ user: 'somebody' }) };
    const key = await fetch(`${service.url}/iam/v1/access-keys`, call);
    const { secret } = (await key.json()) as { secret: string };
    assert.ok(secret.length > 20);
    Object.assign(secrets, { issued, accessKey: secret });
    for (const path of ['users', 'access-keys', 'projects', 'grants', 'policies', 'groups']) {
      assert.equal((await send('GET', `/iam/v1/${path}`)).status, 200, path);
    }
    const own = { headers: { 'x-auth-token': issued } };
    assert.equal((await send('GET', `/v2/${service.client.projectId}/audit`, own)).status, 200);
    await send('GET', '/v3/projects', own);
    await send('DELETE', '/v3/auth/tokens', { headers: { 'x-subject-token': issued } });
  });

  test('go through settings that have mistakes', async () => {
    const folder = join(dir.path, 'never');
    const mistakes: Record<string, string>[] = [
      { BRIGADE_SECRET_KEY: secrets.unusedKey },
      { BRIGADE_OLD_SECRET_KEYS: `${secrets.sealingKey},${secrets.unusedKey}` },
      { BRIGADE_DATABASE_URL: `postgres://u:${secrets.databasePassword}@127.0.0.1:1/x` },
      { BRIGADE_DATABASE_URL: `postgres://u:${secrets.databasePassword}@ :x/` },
      { BRIGADE_DATABASE_URL: secrets.databasePassword },
      {
        BRIGADE_BOOTSTRAP_ACCESS_KEY: secrets.firstKey,
        BRIGADE_BOOTSTRAP_TOKEN: `${secrets.token} x`,
      },
      { BRIGADE_ALLOW_ENDPOINTS: `https://user:${secrets.token}@host/` },
    ];
    await Promise.all(
      mistakes.map(async (mistake) => {
        const environment = { BRIGADE_DATA_DIR: folder, BRIGADE_PORT: '0', ...mistake };
        const child = startBrigade(['serve'], { BRIGADE_LOG_LEVEL: 'debug', ...environment });
        assert.equal(await child.stopped(), 1);
        written.push(child.output(), child.errors());
      }),
    );
    const listed = startBrigade(['settings'], { BRIGADE_SECRET_KEY: secrets.sealingKey });
    await listed.stopped();
    written.push(listed.output(), listed.errors());
  });

  test('are nowhere in what was written: answers, output, logs, metrics, the database', async () => {
    for (const path of ['/metrics', '/openapi.json', '/healthz', '/readyz', '/']) {
      await send('GET', path);
    }
    const rotated = startBrigade(['secrets', 'rotate'], {
      BRIGADE_DATABASE_URL: databaseUrl(),
      BRIGADE_SECRET_KEY: secrets.sealingKey,
      BRIGADE_OLD_SECRET_KEYS: secrets.oldSealingKey,
      BRIGADE_LOG_LEVEL: 'debug',
    });
    assert.equal(await rotated.stopped(), 0, rotated.errors());
    await service.child.stop();
    for (const child of [service.child, rotated]) written.push(child.output(), child.errors());
    written.push(await readFile(join(dir.path, 'postgres.log'), 'utf8'));
    const tables = await dump(postgres.url);
    assert.ok(tables.length > 15);
    written.push(...tables);

    const all = written.join('\n');
    // What is searched is there: the log at its most talkative, the rows, and whom they are about.
    for (const sign of ['"api.answered"', '"object.retry"', 'somebody', FIRST_KEY_ID, 'denied/0']) {
      assert.ok(all.includes(sign), sign);
    }
    assert.ok(all.includes('AccessDenied [secret]'), 'what the store said again');
    for (const [name, secret] of Object.entries(secrets)) {
      for (const form of new Set(formsOf(secret))) {
        const at = all.indexOf(form);
        assert.equal(at, -1, `${name}: ${all.slice(Math.max(0, at - 300), at + 100)}`);
      }
    }
  });
});

function startBrigade(args: string[], environment: Record<string, string>): Child {
  return startChild(
    new URL('../../src/surface/cli/brigade.js', import.meta.url),
    args,
    environment,
  );
}

/** Every row of every table as text; bytes are in hexadecimal digits. */
async function dump(url: Secret): Promise<string[]> {
  await using database = await Database.connect({ url });
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const dumped: string[] = [];
  for (const { name } of rows) {
    const found = await database.query<{ line: string }>(`select t::text as line from ${name} t`);
    dumped.push(...found.rows.map(({ line }) => `${name} ${line}`));
  }
  return dumped;
}
