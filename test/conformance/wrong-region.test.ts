import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { endpointOf, scopeOf } from '../../src/platform/stores/s3/region.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { playedClouds } from '../kit/played-clouds.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { bodyOf, rejectsWith } from './store.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/*
 * A bucket is requested at the cloud's own address of another region, which answers as that cloud does.
 * One server plays all regions: every name resolves to it.
 */

const { signal } = new AbortController();

interface Region {
  readonly server: S3Server;
  /** A store that looks in the wrong region. */
  readonly open: () => Store;
}

async function startRegions(name: S3DialectName, wrong: string): Promise<Region> {
  const { server: dialect, region, bucket } = playedClouds[name];
  const row = s3Dialects[name];
  const [from, to] = [wrong, region].map((each) => new URL(endpointOf(row, each) ?? '').hostname);
  assert.ok(from !== undefined && to !== undefined);
  const server = await startS3Server({
    ...{ dialect, buckets: [bucket], virtualHost: [from, to] },
    region: scopeOf(row, region),
    elsewhere: { [bucket]: { region, endpoint: to } },
  });
  const { accessKeyId, secretAccessKey } = server.accessKey;
  const open = (): Store =>
    openAdapter({
      ...{ dialect: name, region: wrong, bucket, endpoint: `http://${from}:${server.port}` },
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      lookup: (_hostname, options, callback) => {
        if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      },
    });
  return { server, open };
}

/** The operations that may be the first ones of a store. */
const asks: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'a list': (store) => store.list({ prefix: 'there' }, signal),
  'a head': (store) => store.head('there', signal),
  'a read': async (store) => (await store.read('there', {}, signal)).body.bytes(),
  'a put': (store) => store.put('new', bodyOf('x'), {}, signal),
  'an upload': async (store) =>
    (await store.startParts('parts', {}, signal))[Symbol.asyncDispose](),
};

/** Regions that do not have the bucket. */
const tell: readonly (readonly [S3DialectName, string])[] = [
  ['AWS', 'us-east-1'],
  ['Aliyun', 'cn-beijing'],
  ['Tencent', 'ap-shanghai'],
  ['HuaweiCloud', 'cn-south-1'],
  ['KingsoftCloud', 'cn-shanghai'],
  ['Wasabi', 'eu-central-1'],
];

for (const [name, wrong] of tell) {
  describe(
    `${name}, when a bucket of another region is requested`,
    series('wrong-region', { way: 'own', clouds: [name] }),
    () => {
      let region: Region;
      before(async () => {
        region = await startRegions(name, wrong);
        region.server.bucket(playedClouds[name].bucket).put('there', 'text');
      });
      after(() => region.server.close());

      for (const [what, ask] of Object.entries(asks)) {
        test(
          `names the region, which the store uses and remembers: ${what}`,
          proves('wrong region'),
          async () => {
            const { server, open } = region;
            await using store = open();
            server.requests.clear();
            await ask(store);
            await store.head('there', signal);
            const heads = server.requests.of('HeadObject');
            assert.equal(heads, what === 'a head' ? 3 : 1, 'the way is asked for once');
          },
        );
      }
    },
  );
}

/** Clouds whose answers do not name the region. */
const silent: readonly (readonly [S3DialectName, string])[] = [
  ['QingCloud', 'sh1a'],
  ['Baidu', 'gz'],
  ['Qiniu', 'cn-north-1'],
  ['UCloud', 'cn-sh2'],
];

for (const [name, wrong] of silent) {
  test(`${name}, when a bucket of another region is requested, answers no-bucket, which is reported`, async () => {
    const { server, open } = await startRegions(name, wrong);
    await using store = open();
    await rejectsWith('no-bucket', store.list({}, signal));
    await rejectsWith('no-bucket', store.put('key', bodyOf('x'), {}, signal));
    assert.equal(server.requests.of('PutObject'), 1, 'it is asked nowhere else');
    await server.close();
  });
}
