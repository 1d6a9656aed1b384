import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { oddNames } from '../conformance/names.ts';
import { type Certificate, makeCertificate } from '../kit/certificate.ts';
import { type CdnServer, startCdnServer } from '../kit/cdn-server.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** Of each type: the cloud whose own it is, and whether a sync task may bring a key. */
const kinds = [
  ['NONE', 'AWS', ['without']],
  ['QINIU_PRIVATE_AUTHENTICATION', 'Qiniu', ['without']],
  ['ALIYUN_OSS_A', 'Aliyun', ['with', 'without']],
  ['ALIYUN_OSS_B', 'Aliyun', ['with', 'without']],
  ['ALIYUN_OSS_C', 'Aliyun', ['with', 'without']],
  ['KSYUN_PRIVATE_AUTHENTICATION', 'KingsoftCloud', ['without']],
  ['AZURE_SAS_TOKEN', 'Azure', ['with', 'without']],
  ['TENCENT_COS_A', 'Tencent', ['with', 'without']],
  ['TENCENT_COS_B', 'Tencent', ['with', 'without']],
  ['TENCENT_COS_C', 'Tencent', ['with', 'without']],
  ['TENCENT_COS_D', 'Tencent', ['with', 'without']],
] as const;

const key = 'sv=2020-12-06&sr=c&sig=a%2Bb%3D';
const appId = '1250000000';
const sessionToken = 'STS+token/of=somebody';

const keys = [
  ...oddNames.filter((name) => name !== 'x'.repeat(900)),
  '中'.repeat(341) + 'x',
  'trailing/slash/',
];

let world: World;
let certificate: Certificate;
/** What Azure takes for an account and its key; the other clouds do not mind. */
const accessKey = {
  accessKeyId: 'filmarchive',
  secretAccessKey: Buffer.from('the key of the account').toString('base64'),
};

before(async () => {
  certificate = await makeCertificate(['127.0.0.1']);
  world = await startWorld({
    settings: { checkBuckets: true },
    source: { accessKeys: [accessKey] },
    // The settings of the bucket's place name a private certificate authority. The service only sends heads to
    // the bucket, because these tests are about the CDN, so one server is enough for all clouds. The test for
    // Azure is in test/clouds/azure-task.test.ts, where Azurite is available.
    settingsOf: ({ source }) => ({
      endpoints: kinds.map(([, cloud]) => ({
        ...({ cloud, region: 'mapped', dialect: 'AWS', addressing: 'path' } as const),
        ...{ endpoint: source.url, ca: certificate.cert },
      })),
    }),
  });
  for (const name of keys) world.from.put(name, `bytes of ${name}`);
  world.from.put('empty', '');
  world.from.put('medium', randomBytes(sizes.medium));
  world.from.put('large', randomBytes(sizes.large));
  world.from.put('packed', 'pretend this is gzip', {
    contentHeaders: { 'content-encoding': 'gzip' },
  });
});
after(() => world[Symbol.asyncDispose]());

function fieldsOf(
  cdn: CdnServer,
  type: string,
  cloud: string,
  { protocol = 'http', key: authentication_key }: { protocol?: string; key?: string | undefined },
) {
  return {
    ...{ src_cloud_type: cloud, src_region: 'mapped', src_endpoint: undefined, app_id: appId },
    // Temporary credentials sign for their own type only; the others take lasting ones too.
    ...(type === 'ALIYUN_OSS_C' && { src_security_token: sessionToken }),
    object_overwrite_mode: 'FULL_OVERWRITE',
    source_cdn: {
      ...{ domain: cdn.domain, protocol, authentication_type: type },
      ...(authentication_key !== undefined && { authentication_key }),
    },
  };
}

function startCdn(check: string, tls?: Certificate): Promise<CdnServer> {
  const { accessKeyId, secretAccessKey } = world.source.accessKey;
  const who = { accessKeyId, secretAccessKey, bucket: 'source', appId, key, sessionToken };
  return startCdnServer({ ...who, check, content: world.from, tls });
}

describe(
  'a task through a CDN moves objects of any name and size',
  series('cdn-tasks', { way: 'own' }),
  () => {
    for (const [type, cloud, ways] of kinds) {
      for (const way of ways) {
        const protocol = way === 'with' ? 'http' : 'https';
        test(
          `${type} ${way} a key, by ${protocol}`,
          type === 'NONE' ? {} : proves('CDN', cloud),
          async () => {
            const check = way === 'with' ? `${type} with a key` : type;
            await using cdn = await startCdn(check, protocol === 'https' ? certificate : undefined);
            const given = { protocol, key: way === 'with' ? key : undefined };
            const taskId = await world.createTask(fieldsOf(cdn, type, cloud, given));
            const all = world.from.keys();
            const task = await world.sync(taskId, all);
            const failed = await world.client.objects(taskId, 'failed');
            assert.deepEqual(
              failed.map(({ message }) => message),
              [],
            );
            assert.equal(task.monthly_success_object, all.length);
            for (const name of all) {
              assert.ok(
                world.to.bytes(name)?.equals(world.from.bytes(name) ?? assert.fail()),
                name,
              );
              world.to.delete(name);
            }
            assert.deepEqual(cdn.refused, []);
            // More reads than objects: the large one comes in parts.
            assert.ok(cdn.served.length > all.length);
            await world.client.stop(taskId);
            await world.client.remove(taskId);
          },
        );
      }
    }
  },
);

describe('an ETag that looks like an MD5 but is not one does not prevent a copy through a CDN', () => {
  for (const size of [sizes.small, sizes.medium]) {
    test(`of ${size} bytes`, async () => {
      await using cdn = await startCdn('NONE', certificate);
      const taskId = await world.createTask(fieldsOf(cdn, 'NONE', 'AWS', { protocol: 'https' }));
      const name = `opaque/${size}`;
      const bytes = randomBytes(size);
      world.from.put(name, bytes, { etag: '0'.repeat(32) });
      await world.sync(taskId, [name]);
      const { outcome, message } = await world.outcome(taskId, name);
      assert.deepEqual(
        [outcome, world.to.bytes(name)?.equals(bytes)],
        ['copied', true],
        message ?? '',
      );
      assert.match(message ?? '', /^The ETag of the source, 0{32}, is not the MD5 of its bytes/);
    });
  }
});
