import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { type Certificate, makeCertificate } from '../kit/certificate.ts';
import { startTestService, type TestService } from '../kit/service.ts';

describe('the service with a certificate', () => {
  let certificate: Certificate;
  let service: TestService;
  before(async () => {
    certificate = await makeCertificate(['127.0.0.1']);
    const tls = { ...certificate, minVersion: 'TLSv1.3' as const };
    service = await startTestService({ works: false, tls });
  });
  after(() => service[Symbol.asyncDispose]());

  async function get(path: string, headers: Record<string, string | string[]> = {}) {
    const sent = request(`${service.url}${path}`, { ca: certificate.cert, headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    const text = Buffer.concat(chunks).toString();
    return { status: response.statusCode, headers: response.headers, text };
  }

  test('serves HTTPS, and instructs browsers to keep using it', async () => {
    assert.match(service.url, /^https:/);
    const { status, headers } = await get(`/v2/${service.projectId}/sync-tasks`, {
      'x-auth-token': service.token,
    });
    assert.equal(status, 200);
    assert.equal(headers['strict-transport-security'], 'max-age=31536000');
    const { text } = await get('/v3/auth/domains', { 'x-auth-token': service.token });
    assert.match(text, /"self":"https:/);
  });

  test('takes as long a token as without, and answers a longer head alike', async () => {
    const token = 'x'.repeat(16_384);
    assert.equal((await get('/v3/projects', { 'x-auth-token': token })).status, 401);
    const { status, text } = await get('/v3/projects', { 'x-more': 'x'.repeat(40_000) });
    assert.equal(status, 431);
    assert.match(text, /APIGW\.0201/);
  });

  test('accepts no version of TLS older than the configured one', async () => {
    const { port } = new URL(service.url);
    const options = { host: '127.0.0.1', port: Number(port), ca: certificate.cert };
    const older = connect({ ...options, maxVersion: 'TLSv1.2' });
    await assert.rejects(once(older, 'secureConnect'), /protocol version/i);
    const newer = connect(options);
    await once(newer, 'secureConnect');
    assert.equal(newer.getProtocol(), 'TLSv1.3');
    newer.destroy();
  });

  test('does not answer without TLS', async () => {
    await assert.rejects(fetch(service.url.replace('https', 'http')));
  });
});

test('without a certificate the service leaves Strict-Transport-Security to the proxy', async () => {
  await using service = await startTestService({ works: false, trustProxy: ['127.0.0.1'] });
  const headers = { 'x-forwarded-proto': 'https' };
  const response = await fetch(`${service.url}/healthz`, { headers });
  assert.equal(response.headers.get('strict-transport-security'), null);
});
