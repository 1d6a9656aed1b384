import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { addressGuard } from '../http/guard.ts';
import { openAdapter, openStore, type StoreOptions } from './open-store.ts';

const { signal } = new AbortController();
const credentials = { accessKeyId: 'id', secretAccessKey: new Secret('secret') };

/** The request that a store sends to a server that refuses it. */
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
  await using store = openAdapter({
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
    [
      { dialect: 'Aliyun', endpoint: 'http://files.example', addressing: 'bucket-domain' },
      'files.example',
      '/key',
    ],
  ] as const) {
    test(`${JSON.stringify(changes)}: ${host}${path}`, async () => {
      const { headers, url } = await requestOf(changes);
      assert.equal(headers.host?.replace(/:\d+$/, ''), host);
      assert.equal(url, path);
    });
  }

  for (const [dialect, region, expected] of [
    ['AWS', 'eu-west-1', 'bucket.s3.eu-west-1.amazonaws.com'],
    ['AWS', 'EU', 'bucket.s3.eu-west-1.amazonaws.com'],
    ['AWS', 'cn-north-1', 'bucket.s3.cn-north-1.amazonaws.com.cn'],
    ['AWS', 'cn-northwest-1', 'bucket.s3.cn-northwest-1.amazonaws.com.cn'],
    ['AWS', 'eusc-de-east-1', 'bucket.s3.eusc-de-east-1.amazonaws.eu'],
    ['HuaweiCloud', 'cn-north-4', 'bucket.obs.cn-north-4.myhuaweicloud.com'],
    ['HuaweiCloud', 'eu-west-101', 'bucket.obs.eu-west-101.myhuaweicloud.eu'],
    ['HuaweiCloud', 'eu-de', 'bucket.obs.eu-de.otc.t-systems.com'],
    ['Aliyun', 'cn-hangzhou', 'bucket.oss-cn-hangzhou.aliyuncs.com'],
    ['Aliyun', 'oss-cn-hangzhou', 'bucket.oss-cn-hangzhou.aliyuncs.com'],
    ['Tencent', 'ap-beijing', 'bucket.cos.ap-beijing.myqcloud.com'],
    ['Baidu', 'bj', 'bucket.bj.bcebos.com'],
    ['KingsoftCloud', 'cn-beijing', 'bucket.ks3-cn-beijing.ksyuncs.com'],
    ['KingsoftCloud', 'BEIJING', 'bucket.ks3-cn-beijing.ksyuncs.com'],
    ['KingsoftCloud', 'HANGZHOU', 'bucket.kss.ksyuncs.com'],
    ['KingsoftCloud', 'us-west-1', 'bucket.ks3-us-west-1.ksyuncs.com'],
    ['QingCloud', 'pek3b', 's3.pek3b.qingstor.com'],
    ['Qiniu', 'cn-east-1', 's3.cn-east-1.qiniucs.com'],
    ['Qiniu', 'z1', 's3.cn-north-1.qiniucs.com'],
    ['UCloud', 'cn-bj', 's3-cn-bj.ufileos.com'],
    ['Google', 'auto', 'bucket.storage.googleapis.com'],
    ['Wasabi', 'eu-central-1', 's3.eu-central-1.wasabisys.com'],
  ] as const) {
    test(`without an endpoint, ${dialect} in ${region} is at ${expected}`, async () => {
      assert.deepEqual(await askedHosts({ dialect, region }), [expected]);
    });
  }

  for (const [dialect, bucket, appId, expected] of [
    ['Tencent', 'films', '1250000000', 'films-1250000000'],
    ['Tencent', 'films-1250000000', '1250000000', 'films-1250000000'],
    ['Tencent', 'films-1250000001', '1250000000', 'films-1250000001-1250000000'],
    ['Tencent', 'films', undefined, 'films'],
    // An APPID that is not a number would lead to another host.
    ['Tencent', 'films', '1.example.com/', 'films'],
    ['AWS', 'films', '1250000000', 'films'],
  ] as const) {
    test(`${bucket} of ${dialect} with the APPID ${appId ?? 'unknown'} is ${expected}`, async () => {
      const [host = ''] = await askedHosts({ dialect, bucket, appId });
      assert.equal(host.slice(0, host.indexOf('.')), expected);
    });
  }

  test('a name with dots goes into the path, for no certificate would fit it', async () => {
    const asked = await askedHosts({ dialect: 'AWS', bucket: 'dotted.bucket' });
    assert.deepEqual(asked, ['s3.eu-west-1.amazonaws.com']);
  });

  test('a dialect without hosts of its own requires an endpoint', () => {
    const options = { region: 'r', bucket: 'bucket', credentials };
    assert.throws(() => openAdapter({ dialect: 'MinIO', ...options }), /MinIO has no endpoint/);
  });
});

/** The names that a store without an endpoint looks up. */
async function askedHosts(
  changes: Pick<StoreOptions, 'dialect'> & Partial<StoreOptions>,
): Promise<string[]> {
  const asked: string[] = [];
  await using store = openAdapter({
    ...{ region: 'eu-west-1', bucket: 'bucket', credentials },
    ...changes,
    lookup: (hostname, _options, callback) => {
      asked.push(hostname);
      callback(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' }), '', 0);
    },
  });
  await assert.rejects(store.head('key', signal), { fault: 'unreachable' });
  return asked;
}

test('a bucket of OBS with dots in its name needs a domain of its own, and no request is sent', async () => {
  let looked = false;
  const address = {
    dialect: 'HuaweiCloud',
    region: 'cn-north-4',
    bucket: 'a.b',
    credentials,
  } as const;
  const lookup: StoreOptions['lookup'] = (_hostname, _options, callback) => {
    looked = true;
    callback(new Error('no such host'), '');
  };
  await using store = openAdapter({ ...address, lookup });
  await assert.rejects(store.head('key', signal), {
    fault: 'refused',
    message: /dots.*addressing bucket-domain/,
  });
  assert.equal(looked, false);
  await using own = openAdapter({
    ...{ ...address, lookup, endpoint: 'https://data.example.com' },
    addressing: 'bucket-domain',
  });
  await assert.rejects(own.head('key', signal), { message: /no such host/ });
  assert.equal(looked, true);
});

test('a bucket whose name cannot be part of a host name is refused where the host names the bucket', async () => {
  for (const changes of [
    { dialect: 'HuaweiCloud', endpoint: 'http://obs.lan' },
    { dialect: 'Aliyun', endpoint: 'http://oss-cn-hangzhou.aliyuncs.com' },
    { dialect: 'AWS', endpoint: 'http://minio.lan', addressing: 'virtual-host' },
  ] as const) {
    await using store = openAdapter({ region: 'r', bucket: 'MyBucket', credentials, ...changes });
    const mistake = { fault: 'refused', message: /cannot be part of a host name/ };
    await assert.rejects(store.head('key', signal), mistake);
  }
});

describe('what is signed is the region as the cloud calls it', () => {
  for (const [dialect, region, scope] of [
    ['AWS', 'eu-west-1', '/eu-west-1/s3/aws4_request'],
    ['Aliyun', 'oss-cn-hangzhou', '/cn-hangzhou/oss/aliyun_v4_request'],
    ['KingsoftCloud', 'cn-hk-1', '/HONGKONG/s3/aws4_request'],
    ['KingsoftCloud', 'us-west-1', '/AMERICA/s3/aws4_request'],
    ['KingsoftCloud', 'gov-beijing', '/GOV_BEIJING/s3/aws4_request'],
    ['Qiniu', 'z0', '/cn-east-1/s3/aws4_request'],
    ['R2', 'eu-west-1', '/auto/s3/aws4_request'],
    ['Google', 'europe-west1', '/auto/s3/aws4_request'],
  ] as const) {
    test(`${dialect}, ${region}: ${scope}`, async () => {
      const { headers } = await requestOf({ dialect, region, endpoint: 'http://127.0.0.1' });
      assert.ok(headers.authorization?.includes(scope), headers.authorization);
    });
  }
});

describe('where a container of Azure is', () => {
  const accessKeyId = 'account';
  const key = Buffer.from('key').toString('base64');
  const chinese = `AccountName=account;AccountKey=${key};EndpointSuffix=core.chinacloudapi.cn`;
  for (const [what, changes, expected] of [
    ['by the account', {}, 'account.blob.core.windows.net'],
    ['by the region', { region: 'usgovtexas' }, 'account.blob.core.usgovcloudapi.net'],
    [
      'by the connection string',
      { credentials: { accessKeyId, secretAccessKey: new Secret(chinese) } },
      'account.blob.core.chinacloudapi.cn',
    ],
    [
      'at the host of a region',
      { endpoint: 'https://blob.core.windows.net' },
      'account.blob.core.windows.net',
    ],
    [
      'at the host of an account',
      { endpoint: 'https://account.z12.blob.storage.azure.net' },
      'account.z12.blob.storage.azure.net',
    ],
    ['at a server of its own', { endpoint: 'http://azurite.lan' }, 'azurite.lan'],
  ] as const) {
    test(what, async () => {
      const asked: string[] = [];
      await using store = openStore({
        ...{ dialect: 'Azure', bucket: 'container', region: '', retries: { attempts: 1 } },
        credentials: { accessKeyId, secretAccessKey: new Secret(key) },
        lookup: (hostname, _options, callback) => {
          asked.push(hostname);
          callback(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' }), '', 0);
        },
        ...changes,
      });
      await assert.rejects(store.head('key', signal), { fault: 'unreachable' });
      assert.deepEqual(asked, [expected]);
    });
  }

  test('is nowhere else, whatever the connection string says', () => {
    const elsewhere = `AccountKey=${key};BlobEndpoint=https://intranet.example/account`;
    for (const [secret, fault, message] of [
      [elsewhere, 'refused', /leads to a server that is not Azure: name it as the endpoint/],
      ['no key', 'bad-credentials', /no account key/],
    ] as const) {
      const credentials = { accessKeyId, secretAccessKey: new Secret(secret) };
      assert.throws(
        () => openStore({ dialect: 'Azure', bucket: 'container', region: '', credentials }),
        { fault, message },
      );
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
  await assert.rejects(store.list({}, signal), {
    fault: 'refused',
    message: /Qiniu:b.*not lead to a public/,
  });
});
