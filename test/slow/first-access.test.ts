import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../kit/certificate.ts';
import { type Child, startChild } from '../kit/child-process.ts';
import { AUDIENCE, startOidcIssuer } from '../kit/oidc-issuer.ts';
import { signedHeaders } from '../kit/sign-request.ts';

const main = new URL('../../src/surface/cli/brigade.js', import.meta.url);

/** An unattended start, with all of its ways in from settings and none from a printed token. */
describe('a first start without a first token', () => {
  let folder: string;
  let settings: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brigade-access-'));
    settings = {
      BRIGADE_PORT: '0',
      BRIGADE_DATA_DIR: join(folder, 'data'),
      BRIGADE_FIRST_TOKENS: 'false',
      BRIGADE_BOOTSTRAP_ACCESS_KEY: 'FIRSTKEY:first-secret-of-all:project-of-mine',
      BRIGADE_LOG_LEVEL: 'warn',
    };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function start(more: Record<string, string> = {}): Child {
    return startChild(main, ['serve'], { ...settings, ...more });
  }

  test('lets the first access key in, each time, and prints no token', async () => {
    for (let time = 0; time < 2; time++) {
      await using child = start();
      const [, base = '', projectId = ''] = await child.line(/API\s+(http\S+?)\/v2\/([\w-]+)/);
      await child.line(/first tokens are disabled/);
      assert.equal(projectId, 'project-of-mine');
      assert.doesNotMatch(child.output(), /bb_|first-secret/);
      const url = `${base}/v2/${projectId}/sync-tasks`;
      const key = { id: 'FIRSTKEY', secret: 'first-secret-of-all' };
      assert.equal((await fetch(url, { headers: signedHeaders({ url }, key) })).status, 200);
      const wrong = signedHeaders({ url }, { ...key, secret: 'another-secret' });
      assert.equal((await fetch(url, { headers: wrong })).status, 401);
      assert.equal(await child.stop(), 0);
    }
  });

  test('serves HTTPS and takes tokens of an issuer, as the file says', async () => {
    await using issuer = await startOidcIssuer();
    const { cert, key } = await makeCertificate(['127.0.0.1']);
    const [certFile, keyFile, file] = ['cert.pem', 'key.pem', 'brigade.yaml'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    await writeFile(
      file,
      `oidc: [{ issuer: "${issuer.issuer}", audience: ${AUDIENCE}, project: project-of-mine }]`,
    );
    const tls = { BRIGADE_TLS_CERT_FILE: certFile, BRIGADE_TLS_KEY_FILE: keyFile };
    await using child = start({ ...tls, BRIGADE_CONFIG: file });
    const [, base = ''] = await child.line(/API\s+(https\S+?)\/v2\//);
    const sent = request(`${base}/v3/projects`, {
      ...{ ca: cert, headers: { 'x-auth-token': await issuer.sign() } },
    }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    assert.equal(response.statusCode, 200);
    assert.match(Buffer.concat(chunks).toString(), /"id":"project-of-mine"/);
    assert.equal(await child.stop(), 0);
  });

  test('reports what is wrong with a certificate', async () => {
    const [first, second] = [await makeCertificate(['a']), await makeCertificate(['b'])];
    const [certFile, keyFile] = [join(folder, 'a.pem'), join(folder, 'b.pem')];
    await writeFile(certFile, first.cert);
    await writeFile(keyFile, second.key);
    for (const [BRIGADE_TLS_KEY_FILE, told] of [
      [keyFile, /must be a certificate and its key, in PEM/],
      [join(folder, 'nothing.pem'), /BRIGADE_TLS_KEY_FILE: \S+nothing\.pem cannot be read/],
    ] as const) {
      const child = start({ BRIGADE_TLS_CERT_FILE: certFile, BRIGADE_TLS_KEY_FILE });
      assert.equal(await child.stopped(), 1);
      assert.match(child.errors(), told);
      assert.doesNotMatch(child.errors(), /PRIVATE KEY|at async/);
    }
  });
});
