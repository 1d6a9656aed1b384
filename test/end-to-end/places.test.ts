import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { CloudType } from '../../src/platform/model/cloud.ts';
import type { MappedEndpoint } from '../../src/domain/tasks/endpoints.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { asHeader, textOf } from '../kit/header-text.ts';
import { forgetLocalhost, resolveLocalhost } from '../kit/resolve-localhost.ts';
import { putWithCrc64, sizes, startWorld, type World } from '../kit/service-between-buckets.ts';

const ways = [
  { name: 'virtual-host', addressing: 'virtual-host', trusted: true },
  { name: 'path', addressing: 'path', trusted: true },
  { name: 'distrusted', addressing: 'path', trusted: false },
] as const;

describe('the body of an OMS client, without a field that only Bucket Brigade has', () => {
  let world: World;
  before(async () => {
    world = await startWorld({
      source: { dialect: 's3' },
      target: { dialect: 'obs' },
      settingsOf: ({ source, target }) => ({
        allowEndpoints: [],
        endpoints: [
          { cloud: 'Aliyun', region: 'cn-hangzhou', endpoint: source.url },
          { cloud: 'Tencent', region: '*', endpoint: source.url },
          {
            ...{ cloud: 'HuaweiCloud', region: 'cn-north-4', endpoint: target.url },
            ...{ dialect: 'HuaweiCloud', addressing: 'path' },
          } as const,
        ],
      }),
    });
  });
  after(() => world[Symbol.asyncDispose]());

  function bodyOf(cloud: CloudType, region: string): Record<string, unknown> {
    const { source, target } = world;
    return {
      src_cloud_type: cloud,
      src_region: region,
      src_bucket: 'source',
      src_ak: source.accessKey.accessKeyId,
      src_sk: source.accessKey.secretAccessKey,
      dst_region: 'cn-north-4',
      dst_bucket: 'target',
      dst_ak: target.accessKey.accessKeyId,
      dst_sk: target.accessKey.secretAccessKey,
      description: 'every field that OMS documents',
      enable_kms: false,
      enable_metadata_migration: true,
      enable_restore: false,
      app_id: cloud === 'Tencent' ? '1250000000' : null,
      source_cdn: null,
      dst_storage_policy: 'STANDARD',
      consistency_check: 'crc64',
    };
  }

  test('finds both clouds in the operator’s file, and copies', async () => {
    const { client, from, to } = world;
    const taskId = await client.createTask(bodyOf('Aliyun', 'cn-hangzhou'));
    for (const size of [sizes.small, sizes.large]) {
      const bytes = randomBytes(size);
      from.put(`oms/${size}`, bytes, { userMetadata: { owner: 'me' } });
      await world.sync(taskId, [`oms/${size}`]);
      assert.ok(to.bytes(`oms/${size}`)?.equals(bytes));
      assert.equal(to.object(`oms/${size}`)?.userMetadata['owner'], 'me');
      const { check_method, check_passed } = await world.outcome(taskId, `oms/${size}`);
      // The source reports no checksum: that of the target is compared with that of the bytes that were copied.
      assert.deepEqual([check_method, check_passed], ['crc64', true]);
    }
    const shown = await client.call('GET', `/sync-tasks/${taskId}?query_time=${Date.now()}`);
    assert.ok(shown !== null && typeof shown === 'object');
    assert.deepEqual(
      Object.keys(shown).filter((name) => /endpoint|dst_cloud|_(ak|sk)$/.test(name)),
      [],
    );
  });

  test('finds a cloud that is mapped for all its regions', async () => {
    const taskId = await world.client.createTask(bodyOf('Tencent', 'anywhere'));
    world.from.put('tencent', 'text');
    await world.sync(taskId, ['tencent']);
    assert.equal(world.to.bytes('tencent')?.toString(), 'text');
  });

  test('is refused for a region that is not mapped and that cannot be one of the cloud’s own', async () => {
    const created = world.client.createTask(bodyOf('Aliyun', 'cn.elsewhere'));
    await assert.rejects(created, { status: 400, code: 'OMS.0064' });
  });

  test('may not name an address where the operator allows none', async () => {
    await assert.rejects(world.createTask(), { status: 400, code: 'OMS.0064' });
  });
});

for (const scheme of ['http', 'https'] as const) {
  describe(`over ${scheme}`, () => {
    let world: World;
    before(async () => {
      resolveLocalhost();
      const names = ['127.0.0.1', 'localhost', 'source.localhost', 'target.localhost'];
      const tls = scheme === 'https' ? await makeCertificate(names) : undefined;
      const server = { virtualHost: 'localhost', ...(tls !== undefined && { tls }) };
      world = await startWorld({
        source: server,
        target: server,
        settingsOf: ({ source, target }) => ({
          endpoints: [source, target].flatMap(({ port }, index) =>
            ways.map(
              ({ name, addressing, trusted }): MappedEndpoint => ({
                cloud: 'AWS',
                region: `${name}-${index}`,
                endpoint: `${scheme}://localhost:${port}`,
                addressing,
                ca: trusted ? tls?.cert : undefined,
              }),
            ),
          ),
          attemptsMax: 1,
        }),
      });
    });
    after(async () => {
      await world[Symbol.asyncDispose]();
      forgetLocalhost();
    });

    const mapped = (way: string) => ({
      src_region: `${way}-0`,
      src_endpoint: undefined,
      dst_region: `${way}-1`,
      dst_endpoint: undefined,
    });

    for (const way of ['virtual-host', 'path']) {
      test(`objects are copied in ${way} style, whatever their names`, async () => {
        const { from, to } = world;
        const taskId = await world.createTask(mapped(way));
        const names = ['plain', 'a b+c%20', '中文/🪣', 'quote\'"<&>', 'slash//', '.', '~*()!'];
        const keys = names.map((name) => `${way}/${name}`);
        for (const key of keys) from.put(key, randomBytes(100));
        from.put(`${way}/large`, randomBytes(sizes.large));
        const all = [...keys, `${way}/large`];
        const task = await world.sync(taskId, all);
        assert.equal(task.monthly_success_object, all.length);
        for (const key of all) assert.deepEqual(to.bytes(key), from.bytes(key));
      });
    }

    if (scheme === 'https') {
      test('a certificate that no authority vouches for is not trusted', async () => {
        const taskId = await world.createTask(mapped('distrusted'));
        world.from.put('distrusted', 'text');
        await world.sync(taskId, ['distrusted']);
        const { reason, message } = await world.outcome(taskId, 'distrusted');
        assert.equal(reason, 'unreachable');
        assert.match(message ?? '', /self-signed certificate/);
        assert.equal(world.to.object('distrusted'), undefined);
      });
    }
  });
}

describe('what travels beside the bytes', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  const contentHeaders = {
    'content-type': 'text/html; charset=utf-8',
    'content-language': 'de',
    'content-disposition': 'attachment; filename="a b.html"',
    'cache-control': 'max-age=60',
    'content-encoding': 'gzip',
  };
  const userMetadata = {
    plain: 'ASCII, with = and ;',
    greeting: asHeader('Grüße, 世界 🪣'),
    long: asHeader('ü'.repeat(200)),
  };

  for (const size of [sizes.small, sizes.medium, sizes.large]) {
    test(`metadata is copied with ${size} bytes if the task enables it`, async () => {
      const { from, to } = world;
      const taskId = await world.createTask({ enable_metadata_migration: true });
      const key = `with/${size}`;
      from.put(key, randomBytes(size), { contentHeaders, userMetadata });
      await world.sync(taskId, [key]);
      const copied = to.object(key);
      assert.ok(copied);
      assert.deepEqual(copied.contentHeaders, contentHeaders);
      assert.equal(copied.userMetadata['plain'], userMetadata.plain);
      assert.equal(textOf(copied.userMetadata['greeting']), 'Grüße, 世界 🪣');
      assert.equal(textOf(copied.userMetadata['long']), 'ü'.repeat(200));
    });

    test(`of ${size} bytes only the type travels where it does not`, async () => {
      const { from, to } = world;
      const taskId = await world.createTask({ enable_metadata_migration: false });
      const key = `without/${size}`;
      from.put(key, randomBytes(size), { contentHeaders, userMetadata });
      await world.sync(taskId, [key]);
      const copied = to.object(key);
      assert.ok(copied);
      assert.deepEqual(copied.userMetadata, {});
      assert.deepEqual(copied.contentHeaders, {
        'content-type': contentHeaders['content-type'],
      });
    });
  }

  for (const [policy, sourceClass, targetClass] of [
    ['STANDARD', 'STANDARD_IA', 'STANDARD'],
    ['IA', 'STANDARD', 'STANDARD_IA'],
    ['ARCHIVE', 'STANDARD', 'GLACIER'],
    ['DEEP_ARCHIVE', 'STANDARD', 'DEEP_ARCHIVE'],
    ['SRC_STORAGE_MAPPING', 'STANDARD_IA', 'STANDARD_IA'],
    ['SRC_STORAGE_MAPPING', 'INTELLIGENT_TIERING', 'STANDARD'],
    [undefined, 'STANDARD_IA', 'STANDARD'],
  ] as const) {
    test(`storage policy ${policy ?? 'absent'} makes ${targetClass} of ${sourceClass}`, async () => {
      const { from, to } = world;
      const taskId = await world.createTask({ dst_storage_policy: policy });
      for (const size of [sizes.small, sizes.large]) {
        const key = `class/${policy ?? 'none'}/${sourceClass}/${size}`;
        from.put(key, randomBytes(size), { storageClass: sourceClass });
        await world.sync(taskId, [key]);
        assert.equal(to.object(key)?.storageClass, targetClass);
      }
    });
  }

  test('an object in an archive class is copied there again only when it has changed', async () => {
    const { from, to } = world;
    const taskId = await world.createTask({ dst_storage_policy: 'DEEP_ARCHIVE' });
    await putWithCrc64(from, 'archived', Buffer.from('text'));
    await world.sync(taskId, ['archived']);
    const task = await world.sync(taskId, ['archived']);
    assert.deepEqual([task.monthly_success_object, task.monthly_skip_object], [1, 1]);
    assert.equal(to.versions('archived').length, 1);
  });
});
