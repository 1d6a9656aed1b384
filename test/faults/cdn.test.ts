import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type CdnManners, type CdnServer, startCdnServer } from '../kit/cdn-server.ts';
import { OmsError } from '../kit/oms-client.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

const secret = 'the-secret-of-the-cdn';

/** A way in which a CDN goes wrong, and what a person reads of it. */
interface Failure {
  readonly what: string;
  readonly size?: number;
  /** Of the task; the CDN's own unless given. */
  readonly key?: string;
  readonly prepare?: (cdn: CdnServer, key: string) => void;
  readonly reason: string;
  readonly message: RegExp;
}

const other = (size: number, fields: { etag?: string; lastModified?: number } = {}) => ({
  ...{ content: heldContent([Buffer.alloc(size, 1)]), etag: '0'.repeat(32) },
  ...{ lastModified: Date.now(), ...fields },
});

/** Cuts the body, and continues it with another object's bytes; only the bytes show the change. */
function breakInto(manners: CdnManners, key: string, object: ReturnType<typeof other>): void {
  manners.hidesVersions = true;
  manners.cuts = { bytes: 500, times: 1, then: () => void manners.cached.set(key, object) };
}

const failures: readonly Failure[] = [
  {
    what: 'a wrong key',
    key: 'another-secret-altogether',
    reason: 'denied',
    message:
      /read Aliyun:source\/.*denied \(403 the CDN 127\.0\.0\.1:\d+ rejected a request with the authentication type ALIYUN_OSS_A: check the type, its key and the validity of signatures at the CDN, and that no hotlink protection requires a Referer or an address \(denied by req auth: invalid md5hash\)/,
  },
  {
    what: 'hotlink protection',
    prepare: ({ manners }) => (manners.referer = 'https://shop.example.com/'),
    reason: 'denied',
    message: /no hotlink protection requires a Referer/,
  },
  {
    what: 'a redirect, to a URL that is signed',
    prepare: ({ manners }) => (manners.redirectsTo = 'https://cdn.example.com/x?auth_key=hidden'),
    reason: 'refused',
    message:
      /refused \(302 the CDN 127\.0\.0\.1:\d+ redirects to https:\/\/cdn\.example\.com, and redirects are not followed: disable them at the CDN, or name the protocol and domain/,
  },
  {
    what: 'compression',
    prepare: ({ manners }) => (manners.compresses = true),
    reason: 'stale-cdn',
    message:
      /the CDN 127\.0\.0\.1:\d+: it answers with Content-Encoding gzip, which the bucket's object does not have: it compresses\).*Refresh its cache, switch off whatever changes its answers/,
  },
  {
    what: 'an older object of another size in its cache',
    prepare: ({ manners }, key) => manners.cached.set(key, other(9)),
    reason: 'stale-cdn',
    message: /it sends 9 bytes, the bucket's object has 1000\).*Refresh its cache/,
  },
  {
    what: 'an older object of the same size in its cache',
    prepare: ({ manners }, key) => manners.cached.set(key, other(1000)),
    reason: 'stale-cdn',
    message: /its object has the ETag 0{32}, the bucket's has [\da-f]{32}\)/,
  },
  {
    what: 'an older object, with an ETag of its own making',
    prepare: ({ manners }, key) =>
      manners.cached.set(key, other(1000, { etag: 'lk3', lastModified: 0 })),
    reason: 'stale-cdn',
    message: /its object is of 1970-01-01T00:00:00\.000Z, the bucket's of 20/,
  },
  {
    what: 'another object that differs only in its bytes',
    prepare({ manners }, key) {
      manners.hidesVersions = true;
      manners.cached.set(key, other(1000));
    },
    reason: 'stale-cdn',
    message: /the bucket's object has the MD5 [\da-f]{32}, the CDN's has [\da-f]{32}\)/,
  },
  {
    what: 'another object that differs only in its bytes, in a streamed copy',
    size: sizes.medium,
    prepare({ manners }, key) {
      manners.hidesVersions = true;
      manners.cached.set(key, other(sizes.medium));
    },
    reason: 'stale-cdn',
    message: /the bucket's object has the MD5/,
  },
  {
    what: 'another object after a break',
    prepare: ({ manners }, key) => breakInto(manners, key, other(1000)),
    reason: 'stale-cdn',
    message: /the bucket's object has the MD5/,
  },
  {
    what: 'another object after a break, on its way',
    size: sizes.medium,
    prepare: ({ manners }, key) => breakInto(manners, key, other(sizes.medium)),
    reason: 'stale-cdn',
    message: /the bucket's object has the MD5/,
  },
  {
    what: 'another object, read in parts',
    size: sizes.large,
    prepare({ manners }, key) {
      manners.cached.set(key, other(sizes.large));
    },
    reason: 'stale-cdn',
    message: /its object has the ETag 0{32}/,
  },
  {
    what: 'no object where the bucket has one',
    prepare: ({ manners }, key) => manners.cached.set(key, undefined),
    reason: 'stale-cdn',
    message:
      /404 the CDN 127\.0\.0\.1:\d+ does not have the object, and the bucket has it: check that the domain serves this bucket/,
  },
  {
    what: 'connections that break each time',
    prepare: ({ manners }) => (manners.cuts = { bytes: 1000, times: Infinity }),
    reason: 'interrupted',
    message:
      /read Aliyun:source\/.*interrupted.*Connections to the store were interrupted, or too slow, too often/,
  },
];

describe('a CDN that goes wrong', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { attemptsMax: 2 } });
  });
  after(() => world[Symbol.asyncDispose]());

  async function start(check = 'ALIYUN_OSS_A with a key', ttl?: number, now?: () => number) {
    return startCdnServer({
      ...{ bucket: 'source', content: world.from, key: secret, check },
      ...(ttl !== undefined && { ttl }),
      ...(now !== undefined && { now }),
    });
  }

  function taskThrough(cdn: CdnServer, key = secret, fields = {}): Promise<string> {
    return world.createTask({
      src_cloud_type: 'Aliyun',
      source_cdn: {
        ...{ domain: cdn.domain, protocol: 'http', authentication_type: 'ALIYUN_OSS_A' },
        ...{ authentication_key: key, ...fields },
      },
    });
  }

  for (const { what, size = sizes.small, key, prepare, reason, message } of failures) {
    test(`${what} fails as ${reason}, and nothing is published`, async () => {
      await using cdn = await start();
      const name = `odd name/${what}`;
      world.from.put(name, randomBytes(size));
      prepare?.(cdn, name);
      const taskId = await taskThrough(cdn, key);
      await world.sync(taskId, [name]);
      const listed = await world.outcome(taskId, name);
      assert.equal(listed.reason, reason, listed.message ?? '');
      assert.match(listed.message ?? '', message);
      assert.doesNotMatch(listed.message ?? '', /the-secret|auth_key|another-secret/);
      assert.deepEqual(world.to.versions(name), []);
      assert.deepEqual(world.to.openUploads(), []);
    });
  }

  test('a signature that is too old for the CDN is denied', async () => {
    const anHourAhead = () => Math.floor(Date.now() / 1000) + 3600;
    await using cdn = await start('ALIYUN_OSS_A with a key', 60, anHourAhead);
    world.from.put('expired', 'x');
    const taskId = await taskThrough(cdn);
    await world.sync(taskId, ['expired']);
    assert.match(
      (await world.outcome(taskId, 'expired')).message ?? '',
      /the validity of signatures/,
    );
  });

  test('a body that breaks off in the middle is continued with a newly signed request', async () => {
    await using cdn = await start();
    const bytes = randomBytes(sizes.medium);
    world.from.put('cut', bytes);
    cdn.manners.cuts = { bytes: 1000, times: 1 };
    const taskId = await taskThrough(cdn);
    await world.sync(taskId, ['cut']);
    assert.ok(world.to.bytes('cut')?.equals(bytes));
    assert.equal(new Set(cdn.served).size, 2);
  });

  test('a cache that is refreshed is read again, without anybody asking', async () => {
    await using cdn = await start();
    world.from.put('stale', 'the newest');
    cdn.manners.cached.set('stale', other(10));
    const taskId = await taskThrough(cdn);
    await world.client.sendEvents(taskId, ['stale']);
    await until('the CDN was asked', () => cdn.served.length > 0);
    cdn.manners.cached.clear();
    await world.client.settled(taskId, 1);
    assert.equal(world.to.bytes('stale')?.toString(), 'the newest');
  });

  test('another key of the CDN comes with a start, beside the keys that are there', async () => {
    await using cdn = await start();
    world.from.put('rekeyed', 'x');
    const taskId = await taskThrough(cdn, 'a-key-of-before');
    await world.sync(taskId, ['rekeyed']);
    assert.equal((await world.outcome(taskId, 'rekeyed')).reason, 'denied');
    await world.client.stop(taskId);
    await world.client.start(taskId, { source_cdn_authentication_key: secret });
    await world.sync(taskId, ['rekeyed']);
    assert.equal((await world.outcome(taskId, 'rekeyed')).outcome, 'copied');
    // New keys of the buckets leave the CDN's as it is.
    const { accessKeyId: ak, secretAccessKey: sk } = world.source.accessKey;
    const to = world.target.accessKey;
    await world.client.stop(taskId);
    const keys = { src_ak: ak, src_sk: sk, dst_ak: to.accessKeyId, dst_sk: to.secretAccessKey };
    await world.client.start(taskId, keys);
    world.from.put('rekeyed', 'xx');
    await world.sync(taskId, ['rekeyed']);
    assert.equal(world.to.bytes('rekeyed')?.toString(), 'xx');
  });

  test('a key for a CDN is refused at the start of a task without one', async () => {
    const taskId = await world.createTask();
    await world.client.stop(taskId);
    await assert.rejects(
      world.client.start(taskId, { source_cdn_authentication_key: 'x' }),
      /OMS\.0064 .*\[source_cdn_authentication_key\] invalid\. Leave it out/,
    );
  });

  for (const [what, fields, code, message] of [
    [
      'a type of another cloud',
      { authentication_type: 'TENCENT_COS_A' },
      'OMS.0064',
      /\[source_cdn\.authentication_type\] invalid\. TENCENT_COS_A is for buckets of Tencent, and the source is Aliyun/,
    ],
    [
      'no key where one is needed',
      { authentication_type: 'ALIYUN_OSS_C', authentication_key: '' },
      'OMS.1032',
      /\[source_cdn\.authentication_key\] is missing/,
    ],
    [
      'a domain with a path',
      { domain: 'cdn.example.com/path' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid\. A domain is a host/,
    ],
    [
      'a domain with a user',
      { domain: 'me@cdn.example.com' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid/,
    ],
    [
      'a domain with a query',
      { domain: 'cdn.example.com?a' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid/,
    ],
    [
      'a domain with a scheme',
      { domain: 'http://cdn.example.com' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid/,
    ],
    [
      'a domain with a NUL',
      { domain: 'cdn\0.example.com' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid/,
    ],
    [
      'the address of metadata',
      { domain: '169.254.169.254' },
      'OMS.0081',
      /\[source_cdn\.domain\] invalid\. Requests may not name 169\.254\.169\.254; .*BRIGADE_ALLOW_ENDPOINTS/,
    ],
    [
      'a private address',
      { domain: '10.0.0.1:8080' },
      'OMS.0081',
      /may not name 10\.0\.0\.1:8080; /,
    ],
    [
      'a loopback address in hexadecimal digits',
      { domain: '0x7f.2' },
      'OMS.0081',
      /may not name 127\.0\.0\.2; /,
    ],
    ['an address of IPv6', { domain: '[::1]' }, 'OMS.0081', /may not name \[::1\]; /],
  ] as const) {
    test(`${what} is refused when the task is created, by its field`, async () => {
      await using cdn = await start();
      await assert.rejects(taskThrough(cdn, secret, fields), (error) => {
        assert.ok(error instanceof OmsError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

test('a domain whose name leads into the network of the service is not connected to', async () => {
  await using world = await startWorld({
    settingsOf: ({ source, target }) => ({
      allowEndpoints: [],
      attemptsMax: 2,
      endpoints: [
        { cloud: 'AWS', region: 'here', endpoint: source.url },
        { cloud: 'AWS', region: 'there', endpoint: target.url },
      ],
    }),
  });
  await using cdn = await startCdnServer({ bucket: 'source', content: world.from });
  world.from.put('k', 'x');
  const taskId = await world.createTask({
    ...{
      src_region: 'here',
      src_endpoint: undefined,
      dst_region: 'there',
      dst_endpoint: undefined,
    },
    source_cdn: {
      ...{ domain: cdn.domain.replace('127.0.0.1', 'localhost'), protocol: 'http' },
      authentication_type: 'NONE',
    },
  });
  await world.sync(taskId, ['k']);
  const { reason, message } = await world.outcome(taskId, 'k');
  assert.equal(reason, 'refused');
  assert.match(
    message ?? '',
    /localhost does not lead to a public address; .*BRIGADE_ALLOW_ENDPOINTS/,
  );
  assert.deepEqual([cdn.served, cdn.refused], [[], []]);
});
