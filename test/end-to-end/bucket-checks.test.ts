import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CdnServer, startCdnServer } from '../kit/cdn-server.ts';
import type { FaultPlan } from '../kit/s3-server/faults.ts';
import type { Operation } from '../kit/s3-server/operations.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { NOBODY_LISTENS } from '../kit/ports.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

interface Check {
  readonly what: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The operation of a server that is refused, and how. */
  readonly refused?: readonly [
    side: 'source' | 'target',
    operation: Operation,
    plan: { readonly status: number; readonly code: string; readonly nth?: number },
  ];
  readonly says: RegExp;
}

const denied = { status: 403, code: 'AccessDenied' };

const checks: readonly Check[] = [
  {
    what: 'an access key that the source does not know',
    fields: { src_ak: 'UNKNOWN' },
    says: /^400 OMS\.1014 The source bucket.*\[src_ak\] or \[src_sk\] invalid/,
  },
  {
    what: 'a wrong secret key of the destination',
    fields: { dst_sk: 'wrong-secret' },
    says: /^400 OMS\.1020 The destination bucket.*\[dst_ak\] or \[dst_sk\] invalid/,
  },
  {
    what: 'a source bucket that is not there',
    fields: { src_bucket: 'elsewhere' },
    says: /^400 OMS\.1014 .*\[src_bucket\] or \[src_endpoint\] invalid: there is no such bucket in this place\./,
  },
  {
    what: 'a destination bucket that is not there',
    fields: { dst_bucket: 'elsewhere' },
    says: /^400 OMS\.1020 .*\[dst_bucket\] or \[dst_endpoint\] invalid: there is no such bucket/,
  },
  {
    what: 'a source that may not be listed',
    refused: ['source', 'ListObjectsV2', denied],
    says: /^400 OMS\.1014 .*\[src_ak\] invalid: it lacks the right to list the objects/,
  },
  {
    what: 'a source that may not be read',
    refused: ['source', 'GetObject', denied],
    says: /^400 OMS\.1014 .*\[src_ak\] invalid: it lacks the right to read objects/,
  },
  {
    what: 'a destination that may not be looked at',
    refused: ['target', 'GetObject', denied],
    says: /^400 OMS\.1020 .*\[dst_ak\] invalid: it lacks the right to read objects/,
  },
  {
    what: 'a destination that may not be written',
    refused: ['target', 'CreateMultipartUpload', denied],
    says: /^400 OMS\.1020 .*\[dst_ak\] invalid: it lacks the right to write objects in parts/,
  },
  {
    what: 'a destination where an upload may begin and take no part',
    refused: ['target', 'UploadPart', denied],
    says: /^400 OMS\.1020 .*it lacks the right to write objects in parts/,
  },
  {
    what: 'a destination whose uploads may not be aborted',
    refused: ['target', 'AbortMultipartUpload', denied],
    says: /^400 OMS\.1020 .*it lacks the right to abort multipart uploads/,
  },
  {
    what: 'a source that does not take the request',
    refused: ['source', 'ListObjectsV2', { status: 400, code: 'AuthorizationHeaderMalformed' }],
    says: /^400 OMS\.1014 .*\[src_cloud_type\] or \[src_endpoint\] may be wrong: the store rejected the request to list the objects of the bucket\. The store said: 400 AuthorizationHeaderMalformed/,
  },
  {
    what: 'a destination without the class',
    fields: { dst_storage_policy: 'IA' },
    refused: [
      'target',
      'CreateMultipartUpload',
      { status: 400, code: 'InvalidStorageClass', nth: 2 },
    ],
    says: /^400 OMS\.1020 .*\[dst_storage_policy\] may be wrong: the store rejected the request to write objects of the class that.*400 InvalidStorageClass/,
  },
];

describe('a task is refused for', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { checkBuckets: true } });
    world.from.put('there', 'already');
  });
  after(() => world[Symbol.asyncDispose]());

  for (const { what, fields, refused, says } of checks) {
    test(`${what}, and says so`, async () => {
      if (refused !== undefined) {
        const [side, operation, plan] = refused;
        const fault: FaultPlan = { kind: 'status', times: Infinity, match: { operation }, ...plan };
        world[side].faults.add(fault);
      }
      await assert.rejects(world.createTask(fields), (error: Error) => {
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /test-secret|wrong-secret/);
        return true;
      });
      world.source.faults.clear();
      world.target.faults.clear();
      // Nothing was published, and nothing is left but what may not be removed.
      assert.deepEqual(world.to.versions('there'), []);
      if (refused?.[1] !== 'AbortMultipartUpload') assert.deepEqual(world.to.openUploads(), []);
      for (const upload of world.to.openUploads()) world.to.uploads.delete(upload.uploadId);
    });
  }

  test('an address without a listener, and the message says what to check', async () => {
    await assert.rejects(
      world.createTask({ src_endpoint: NOBODY_LISTENS }),
      /400 OMS\.1014 .*\[src_endpoint\] invalid: check region, endpoint, DNS, proxy and firewall\. Details: .*ECONNREFUSED/s,
    );
  });

  test('an address without TLS, with an understandable message', async () => {
    const src_endpoint = world.source.url.replace('http:', 'https:');
    await assert.rejects(world.createTask({ src_endpoint }), ({ message }: Error) => {
      assert.match(message, /\[src_endpoint\] invalid: .*wrong version number: it speaks no TLS/);
      assert.doesNotMatch(message, /openssl|\n/);
      return true;
    });
  });

  test('an address where a web server answers that is no store', async () => {
    const { url } = world.service;
    await assert.rejects(
      world.createTask({ src_endpoint: url }),
      /\[src_endpoint\] invalid: the server at this address does not answer as this cloud does\. The store said: 404/,
    );
  });
});

interface CdnFailure {
  readonly what: string;
  readonly prepare?: (cdn: CdnServer) => void;
  /** Of `source_cdn`, where they are not right. */
  readonly wrong?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const cdnFailures: readonly CdnFailure[] = [
  {
    what: 'a key that the CDN does not know',
    wrong: { authentication_key: 'another-secret-altogether' },
    says: /\[source_cdn\.authentication_type\] or \[source_cdn\.authentication_key\] invalid: the CDN rejected the signed request\. The CDN said: 403 the CDN 127\.0\.0\.1:\d+ rejected a request with the authentication type TENCENT_COS_D: check the type, its key and the validity/,
  },
  {
    what: 'hotlink protection',
    prepare: ({ manners }) => (manners.referer = 'https://shop.example.com/'),
    says: /authentication_key\] invalid.*no hotlink protection requires a Referer or an address/,
  },
  {
    what: 'a domain where nobody listens',
    wrong: { domain: '127.0.0.1:9' },
    says: /\[source_cdn\.domain\] invalid: check the domain, its DNS, .*ECONNREFUSED 127\.0\.0\.1:9/,
  },
  {
    what: 'a redirect',
    prepare: ({ manners }) => (manners.redirectsTo = 'https://cdn.example.com/x?sign=hidden'),
    says: /\[source_cdn\.protocol\] or \[source_cdn\.domain\] invalid\. The CDN said: 302 the CDN 127\.0\.0\.1:\d+ redirects to https:\/\/cdn\.example\.com, and redirects are not followed/,
  },
  {
    what: 'an object that is not the one of the bucket',
    prepare: ({ manners }) => manners.cached.set('film', staleFilm),
    says: /the cache of the CDN is outdated: it delivers other bytes than the bucket has\. Details: the CDN 127\.0\.0\.1:\d+: it sends 9 bytes, the bucket's object has 13/,
  },
  {
    what: 'an object that the CDN does not have',
    prepare: ({ manners }) => manners.cached.set('film', undefined),
    says: /the CDN 127\.0\.0\.1:\d+ does not have the object, and the bucket has it/,
  },
];

const staleFilm = {
  ...{ content: heldContent([Buffer.alloc(9)]), etag: '0'.repeat(32), lastModified: 0 },
};

describe('a task through a CDN is refused for', () => {
  let world: World;
  before(async () => {
    world = await startWorld({
      settings: { checkBuckets: true },
      settingsOf: ({ source }) => ({
        endpoints: [{ cloud: 'Tencent', region: 'mapped', endpoint: source.url }],
      }),
    });
    world.from.put('film', 'bytes of film');
  });
  after(() => world[Symbol.asyncDispose]());

  const key = 'the-secret-of-the-cdn';
  const createTask = (cdn: CdnServer, wrong: CdnFailure['wrong'] = {}) =>
    world.createTask({
      ...{ src_cloud_type: 'Tencent', src_region: 'mapped', src_endpoint: undefined },
      app_id: '1250000000',
      source_cdn: {
        ...{ domain: cdn.domain, protocol: 'http', authentication_key: key },
        ...{ authentication_type: 'TENCENT_COS_D', ...wrong },
      },
    });
  const startCdn = () =>
    startCdnServer({
      bucket: 'source',
      key,
      check: 'TENCENT_COS_D with a key',
      content: world.from,
    });

  for (const { what, prepare, wrong, says } of cdnFailures) {
    test(`${what}, and says so`, async () => {
      await using cdn = await startCdn();
      prepare?.(cdn);
      await assert.rejects(createTask(cdn, wrong), (error: Error) => {
        assert.match(error.message, /^400 OMS\.0081 The CDN before the source cannot be used\. /);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /the-secret|another-secret|hidden/);
        return true;
      });
    });
  }

  test('the refusal of the bucket itself, without mention of the CDN', async () => {
    await using cdn = await startCdn();
    const match = { operation: 'HeadObject' } as const;
    world.source.faults.add({ kind: 'status', match, times: Infinity, ...denied });
    const created = createTask(cdn);
    await assert.rejects(
      created,
      /^OmsError: 400 OMS\.1014 .*\[src_ak\] invalid: it lacks the right/,
    );
    world.source.faults.clear();
    assert.deepEqual(cdn.served, []);
    await createTask(cdn);
    assert.equal(cdn.served.length, 1);
  });
});

test('credentials that cannot be understood are refused by their field', async () => {
  await using world = await startWorld();
  const azure = { src_cloud_type: 'Azure', src_region: 'westeurope', src_endpoint: undefined };
  await assert.rejects(
    world.createTask({ ...azure, src_ak: 'filmarchive', src_sk: 'no key at all' }),
    /400 OMS\.1014 .*\[src_ak\] or \[src_sk\] invalid.*no account key \(base64\), no SAS token/,
  );
});

test('a start looks again, with the credentials that it brings or those that are there', async () => {
  await using world = await startWorld({ settings: { checkBuckets: true } });
  const taskId = await world.createTask();
  await world.client.stop(taskId);
  const { accessKeyId, secretAccessKey } = world.source.accessKey;
  const keys = { src_ak: accessKeyId, dst_ak: accessKeyId, dst_sk: secretAccessKey };
  const wrong = world.client.start(taskId, { ...keys, src_sk: 'wrong' });
  await assert.rejects(wrong, /OMS\.1014 .*\[src_ak\] or \[src_sk\]/s);
  assert.equal((await world.client.show(taskId)).status, 'STOPPED');
  await world.client.start(taskId);
  assert.equal((await world.client.show(taskId)).status, 'SYNCHRONIZING');
});

test('an operator can let tasks be created unchecked', async () => {
  await using world = await startWorld({ settings: { checkBuckets: false } });
  await world.createTask({ src_bucket: 'to-be-made' });
  assert.equal(world.source.requests.total, 0);
});

const inAzure = { src_cloud_type: 'Azure', src_region: 'eastus', src_ak: 'account' };

describe('errors that the credentials themselves show are refused, with or without checks of the buckets', () => {
  let world: World;
  before(async () => {
    world = await startWorld({
      settingsOf: ({ source }) => ({
        endpoints: (['Aliyun', 'Qiniu', 'KingsoftCloud', 'Tencent'] as const).map((cloud) => {
          return { cloud, region: 'here', endpoint: source.url, dialect: 'S3' };
        }),
      }),
    });
  });
  after(() => world[Symbol.asyncDispose]());

  test('a secret that is not one of Azure', async () => {
    const azure = { ...inAzure, src_endpoint: undefined };
    await assert.rejects(world.createTask({ ...azure, src_sk: 'no key' }), (error: Error) => {
      assert.match(
        error.message,
        /^400 OMS\.1014 .*\[src_ak\] or \[src_sk\] invalid: .*no account key/,
      );
      return true;
    });
  });

  test('a connection string that leads to a server that is not Azure', async () => {
    const src_sk = `AccountKey=${Buffer.alloc(32).toString('base64')};BlobEndpoint=https://intranet.example/a`;
    const azure = { ...inAzure, src_endpoint: undefined };
    await assert.rejects(world.createTask({ ...azure, src_sk }), /OMS\.1014 .*not Azure/s);
  });

  for (const side of ['src', 'dst'] as const) {
    test(`a token beside a key of Azure, as ${side}_security_token`, async () => {
      const azure = {
        ...{ [`${side}_cloud_type`]: 'Azure', [`${side}_region`]: 'eastus' },
        ...{ [`${side}_endpoint`]: undefined, [`${side}_ak`]: 'account' },
        [`${side}_sk`]: Buffer.alloc(32).toString('base64'),
      };
      const field = `${side}_security_token`;
      await assert.rejects(world.createTask({ ...azure, [field]: 'a token' }), (error: Error) => {
        const says = `400 OMS.0064 .*\\[${field}\\] invalid\\. .*SAS token.* as ${side}_sk`;
        assert.match(error.message, new RegExp(says, 's'));
        assert.doesNotMatch(error.message, /a token/);
        return true;
      });
      const taskId = await world.createTask({ ...azure, [field]: '' });
      await world.client.stop(taskId);
      const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
      const own = { [`${side}_ak`]: 'account', [`${side}_sk`]: azure[`${side}_sk`] };
      const start = world.client.start(taskId, { ...keys, ...own, [field]: 'a token' });
      await assert.rejects(start, new RegExp(`OMS.0064 .*\\[${field}\\]`, 's'));
      await world.client.start(taskId, { ...keys, ...own });
      await world.client.stop(taskId);
    });
  }

  test('a start that takes away the token that a CDN is signed with', async () => {
    const taskId = await world.createTask({
      ...{ src_cloud_type: 'Aliyun', src_region: 'here', src_endpoint: undefined },
      src_security_token: 'token',
      source_cdn: {
        ...{ domain: 'localhost', protocol: 'http', authentication_type: 'ALIYUN_OSS_C' },
      },
    });
    await world.client.stop(taskId);
    const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
    await assert.rejects(world.client.start(taskId, keys), /OMS\.1032 .*src_security_token/s);
    await assert.rejects(
      world.client.start(taskId, { src_security_token: 't' }),
      /OMS\.1004 .*src_ak/s,
    );
  });

  test('a token for which the signature of a CDN has no place', async () => {
    const of = (cloud: string, authentication_type: string, authentication_key?: string) => ({
      ...{ src_cloud_type: cloud, src_region: 'here', src_endpoint: undefined, app_id: '1' },
      src_security_token: 'token',
      source_cdn: {
        domain: 'localhost',
        protocol: 'http',
        authentication_type,
        authentication_key,
      },
    });
    for (const [cloud, type, advice] of [
      ['Qiniu', 'QINIU_PRIVATE_AUTHENTICATION', 'needs none, or leave out source_cdn'],
      ['KingsoftCloud', 'KSYUN_PRIVATE_AUTHENTICATION', 'needs none, or leave out source_cdn'],
      ['Tencent', 'TENCENT_COS_A', 'needs none, give source_cdn.authentication_key, or leave'],
    ] as const) {
      await assert.rejects(world.createTask(of(cloud, type)), ({ message }: Error) => {
        assert.match(message, /^400 OMS\.0064 .*\[src_security_token\] invalid/s);
        assert.ok(message.includes(type) && message.includes(advice), message);
        return true;
      });
    }
    // There the access key signs nothing.
    await world.createTask(of('Tencent', 'TENCENT_COS_A', 'the key of the CDN'));
    await world.createTask(of('Qiniu', 'NONE'));
    const lasting = of('Qiniu', 'QINIU_PRIVATE_AUTHENTICATION');
    const taskId = await world.createTask({ ...lasting, src_security_token: undefined });
    await world.client.stop(taskId);
    const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd', src_security_token: 't' };
    await assert.rejects(world.client.start(taskId, keys), /OMS\.0064 .*src_security_token/s);
  });

  test('a region with a name that every object has', async () => {
    for (const dst_region of ['constructor', '__proto__', 'toString']) {
      const fields = { dst_cloud_type: 'Tencent', dst_region, dst_endpoint: undefined };
      const taskId = await world.createTask(fields);
      await world.client.stop(taskId);
    }
  });
});

test('a clock that is wrong, here or there, is no reason to refuse a task', async () => {
  const now = () => Date.now() + 1_200_000;
  const both = { source: { now }, target: { now } };
  await using world = await startWorld({ ...both, settings: { checkBuckets: true } });
  world.from.put('film', 'frames');
  assert.equal((await world.sync(await world.createTask(), ['film'])).monthly_success_object, 1);
});
