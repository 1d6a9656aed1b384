import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { addressGuard } from './guard.ts';
import { openS3, openStore, type StoreOptions } from './open-store.ts';

const { signal } = new AbortController();
const credentials = { accessKeyId: 'id', secretAccessKey: new Secret('secret') };

/** What a store asks of a server that refuses it. */
async function requestOf(
  changes: Pick<StoreOptions, 'dialect'> & Partial<StoreOptions>,
): Promise<IncomingMessage> {
  let seen: IncomingMessage | undefined;
  const server = createServer((request, response) => {
    seen = request;
    response.writeHead(403, { 'content-length': 0 }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const { endpoint } = changes;
  await using store = openS3({
    region: 'eu-west-1',
    bucket: 'bucket',
    credentials,
    lookup: (_hostname, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]),
    ...changes,
    endpoint: endpoint === undefined ? undefined : `${endpoint}:${port}`,
  });
  await assert.rejects(store.head('key', signal), { fault: 'denied' });
  server.close();
  assert.ok(seen !== undefined);
  return seen;
}

describe('where the name of the bucket goes', () => {
  for (const [changes, host, path] of [
    [
      { dialect: 'AWS', endpoint: 'http://s3.eu-west-1.amazonaws.com' },
      'bucket.s3.eu-west-1.amazonaws.com',
      '/key',
    ],
    [
      { dialect: 'AWS', endpoint: 'http://s3.cn-north-1.amazonaws.com.cn' },
      'bucket.s3.cn-north-1.amazonaws.com.cn',
      '/key',
    ],
    [{ dialect: 'AWS', endpoint: 'http://minio.lan' }, 'minio.lan', '/bucket/key'],
    [{ dialect: 'AWS', endpoint: 'http://127.0.0.1' }, '127.0.0.1', '/bucket/key'],
    [{ dialect: 'HuaweiCloud', endpoint: 'http://127.0.0.1' }, '127.0.0.1', '/bucket/key'],
    [{ dialect: 'HuaweiCloud', endpoint: 'http://obs.lan' }, 'bucket.obs.lan', '/key'],
    [
      { dialect: 'HuaweiCloud', endpoint: 'http://obs.lan', addressing: 'path' },
      'obs.lan',
      '/bucket/key',
    ],
    [
      { dialect: 'AWS', endpoint: 'http://minio.lan', addressing: 'virtual-host' },
      'bucket.minio.lan',
      '/key',
    ],
  ] as const) {
    test(`${JSON.stringify(changes)}: ${host}${path}`, async () => {
      const { headers, url } = await requestOf(changes);
      assert.equal(headers.host?.replace(/:\d+$/, ''), host);
      assert.equal(url, path);
    });
  }

  test('the cloud itself is asked where no endpoint is given', async () => {
    for (const [dialect, bucket, expected] of [
      ['AWS', 'bucket', 'bucket.s3.eu-west-1.amazonaws.com'],
      ['AWS', 'dotted.bucket', 's3.eu-west-1.amazonaws.com'],
      ['HuaweiCloud', 'bucket', 'bucket.obs.eu-west-1.myhuaweicloud.com'],
    ] as const) {
      const asked: string[] = [];
      await using store = openS3({
        ...{ dialect, bucket, region: 'eu-west-1', credentials },
        lookup: (hostname, _options, callback) => {
          asked.push(hostname);
          callback(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' }), '', 0);
        },
      });
      await assert.rejects(store.head('key', signal), { fault: 'unreachable' });
      assert.deepEqual(asked, [expected]);
    }
  });
});

test('temporary credentials bring their token, and sign it', async () => {
  const { headers } = await requestOf({
    dialect: 'AWS',
    endpoint: 'http://minio.lan',
    credentials: { ...credentials, sessionToken: new Secret('token') },
  });
  assert.equal(headers['x-amz-security-token'], 'token');
  assert.match(headers.authorization ?? '', /x-amz-date;x-amz-security-token,/);
});

test('a store says who it is, and nothing that is secret', async () => {
  const endpoint = 'http://127.0.0.1:1';
  const guard = addressGuard([]);
  await using store = openStore({
    dialect: 'AWS',
    cloud: 'Qiniu',
    region: 'r',
    bucket: 'b',
    endpoint,
    credentials,
    guard,
  });
  assert.equal(store.name, 'Qiniu:b');
  assert.equal(store.traits.cloud, 'Qiniu');
  await assert.rejects(store.list({}, signal), { fault: 'refused', message: /Qiniu:b.*loopback/ });
});
