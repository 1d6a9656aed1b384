import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccessKey, signedHeaders } from '../kit/sign-request.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { makeKey } from './clients.ts';

/*
 * Requests as Terraform's provider sends them: it signs all headers that exist at that time, and adds the project
 * and a security token afterwards, unsigned. It treats a 404 as deleted, and stops and deletes immediately.
 */

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function send(
  { url: origin, projectId }: TestService,
  key: AccessKey,
  { method = 'GET', path, body }: { method?: string; path: string; body?: object },
): Promise<Answer> {
  const url = `${origin}/v2/${projectId}/sync-tasks${path}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    'accept': 'application/json',
    'content-type': 'application/json',
    'user-agent': 'terraform-provider-huaweicloud golangsdk/2.0.0',
  };
  const request = { method, url, headers, ...(text !== undefined && { body: text }) };
  const unsigned = { 'X-Project-Id': projectId, 'X-Domain-Id': 'any' };
  const response = await fetch(url, {
    method,
    headers: { ...signedHeaders(request, key), ...unsigned },
    ...(text !== undefined && { body: text }),
  });
  const answer = await response.text();
  return {
    status: response.status,
    body: answer === '' ? {} : (JSON.parse(answer) as Answer['body']),
  };
}

test('a task as Terraform’s provider makes it, reads it back and takes it away', async () => {
  await using service = await startTestService({ works: false });
  const key = await makeKey(service);
  const ask = (request: Parameters<typeof send>[2]) => send(service, key, request);
  const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
  const wanted = {
    ...{ src_cloud_type: 'HuaweiCloud', src_region: 'cn-north-1', src_bucket: 'source' },
    ...{ dst_region: 'cn-north-4', dst_bucket: 'target', description: 'by terraform' },
    ...{ enable_kms: false, enable_restore: false, enable_metadata_migration: true },
    ...{ consistency_check: 'crc64', dst_storage_policy: 'STANDARD' },
  };
  const created = await ask({ method: 'POST', path: '', body: { ...wanted, ...keys } });
  assert.equal(created.status, 200, JSON.stringify(created.body));
  const path = `/${String(created.body['sync_task_id'])}`;
  const read = { path: `${path}?query_time=${Date.now()}` };
  assert.partialDeepStrictEqual((await ask(read)).body, { ...wanted, status: 'SYNCHRONIZING' });
  const page = await ask({ path: '?limit=100&offset=0' });
  assert.equal(page.body['count'], 1);
  const events = { object_keys: ['a%2Fb'] };
  const day = 86_400_000;
  const range = `start_time=${Date.now() - day}&end_time=${Date.now()}`;
  for (const request of [
    { method: 'POST', path: `${path}/events`, body: events },
    { path: `${path}/statistics?data_type=SUCCESS&${range}` },
    { method: 'POST', path: `${path}/stop` },
    { method: 'POST', path: `${path}/start`, body: keys },
    { method: 'POST', path: `${path}/stop` },
    { method: 'DELETE', path },
  ]) {
    const answer = await ask(request);
    assert.equal(answer.status, 200, `${request.path}: ${JSON.stringify(answer.body)}`);
  }
  assert.equal((await ask(read)).status, 404);
});

test('as Terraform’s provider is configured: by a password, with the region’s project, then the domain', async () => {
  await using service = await startTestService({ works: false });
  const { identity } = service.brigade;
  const [region, user, password] = ['cn-north-4', 'terraform', 'twelve characters'];
  await identity.updateProject(service.projectId, { name: region });
  await identity.createUser({ name: user, password });
  const { projectId } = service;
  const policy = 'OMS Administrator';
  await identity.createGrant({ user, group: undefined, projectId, policy });
  // `auth_url` of its settings; the provider puts the version there by itself.
  const authUrl = `${service.url}/v3`;
  const domain = { name: 'any' };
  const logIn = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'accept': 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, password, domain } } },
        scope: { project: { name: region, domain } },
      },
    }),
  });
  assert.equal(logIn.status, 201);
  const token = logIn.headers.get('x-subject-token') ?? '';
  const issued = (await logIn.json()) as { token: { project: { id: string }; catalog: unknown[] } };
  assert.equal(issued.token.project.id, projectId);
  const key = await identity.createAccessKey(user);
  const access = { id: key.id, secret: key.secret.reveal() };
  const projects = `${authUrl}/projects?name=${region}&domain_id=any`;
  const domains = `${authUrl}/auth/domains`;
  // With a token, and with a key: both are ways to configure it.
  for (const headersOf of [
    () => ({ 'X-Auth-Token': token }),
    (url: string) => signedHeaders({ url }, access),
  ]) {
    const found = await fetch(projects, { headers: headersOf(projects) });
    const listed = (await found.json()) as { projects: { id: string; name: string }[] };
    assert.deepEqual([listed.projects.length, listed.projects[0]?.id], [1, projectId]);
    const account = await fetch(domains, { headers: headersOf(domains) });
    const { domains: all } = (await account.json()) as { domains: { id: string }[] };
    assert.deepEqual(
      all.map(({ id }) => id),
      ['bucket-brigade'],
    );
    const tasks = `${service.url}/v2/${projectId}/sync-tasks?limit=10&offset=0`;
    assert.equal((await fetch(tasks, { headers: headersOf(tasks) })).status, 200);
  }
});
