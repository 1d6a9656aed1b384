import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { KiB } from '../../src/platform/base/bytes.ts';
import { oddNames } from '../conformance/names.ts';
import { textOf } from '../kit/header-text.ts';
import type { ListedObject } from '../kit/oms-client.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { until } from '../kit/until.ts';
import { type Azurite, azuriteUnavailable, containerSas, startAzurite } from './azurite.ts';
import { azureSdk, type SdkContainer } from './azure-sdk.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const sdk = azureSdk();
const skip = azuriteUnavailable() ?? (sdk === undefined ? 'run npm ci in test/clouds' : undefined);

/** One size for each way of copying: held whole, by one PUT where the MD5 is known, in parts. */
const sizes = { held: 5 * KiB, streamed: 60 * KiB, parts: 350 * KiB };
const greeting = 'Grüße, 世界 🪣';

/** With a segment that URLs fold, or a backslash, of which Azure makes a slash. */
const untrusted = oddNames.filter((name) => /\\|(?:^|\/)\.{1,2}(?:\/|$)/.test(name));
const names = [
  // Azurite's listings break on control characters.
  ...oddNames.filter((name) => !untrusted.includes(name) && !/[\0-\x08\r-\x1f]/.test(name)),
  ...['/leading', '//leading', 'slash/', 'film 🎬 + 100%//', '中'.repeat(341) + 'x'],
];

describe('a task between Azure and an S3 store', {
  ...series('tasks-azure', { way: 'server', clouds: ['Azure'] }),
  skip: skip ?? false,
}, () => {
  let azurite: Azurite;
  let s3: S3Server;
  let service: TestService;
  let container: SdkContainer;

  before(async () => {
    azurite = await startAzurite();
    s3 = await startS3Server({ buckets: ['bucket', 'from-azure', 'from-unordered'] });
    service = await startTestService({
      settings: {
        tasksMax: 100,
        attemptsMax: 4,
        checkBuckets: true,
        sizes: {
          bufferBytes: 10 * KiB,
          putBytes: 100 * KiB,
          partBytes: 100 * KiB,
          partConcurrency: 4,
        },
      },
    });
    for (const name of ['to-azure', 'container']) await azurite.createContainer(name);
    container = theirs('container');
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await s3.close();
    await azurite[Symbol.asyncDispose]();
  });

  /** A container to Microsoft's own client. */
  function theirs(name: string): SdkContainer {
    assert.ok(sdk !== undefined);
    const { account, key } = azurite.accountKey;
    const credential = new sdk.StorageSharedKeyCredential(account, key.reveal());
    return new sdk.ContainerClient(`${azurite.url}/${account}/${name}`, credential);
  }

  function azure(side: 'src' | 'dst', bucket: string): Record<string, unknown> {
    const { account, key } = azurite.accountKey;
    return {
      ...{ [`${side}_cloud_type`]: 'Azure', [`${side}_region`]: 'westeurope' },
      ...{ [`${side}_bucket`]: bucket, [`${side}_endpoint`]: azurite.url },
      ...{ [`${side}_ak`]: account, [`${side}_sk`]: key.reveal() },
    };
  }

  function plain(side: 'src' | 'dst', bucket: string): Record<string, unknown> {
    const { accessKeyId, secretAccessKey } = s3.accessKey;
    return {
      ...{ [`${side}_cloud_type`]: 'AWS', [`${side}_region`]: 'us-east-1' },
      ...{ [`${side}_bucket`]: bucket, [`${side}_endpoint`]: s3.url },
      ...{ [`${side}_ak`]: accessKeyId, [`${side}_sk`]: secretAccessKey },
    };
  }

  function createTask(fields: Readonly<Record<string, unknown>>): Promise<string> {
    return service.client.createTask({
      enable_metadata_migration: true,
      dst_storage_policy: 'SRC_STORAGE_MAPPING',
      consistency_check: 'crc64',
      object_overwrite_mode: 'FULL_OVERWRITE',
      ...fields,
    });
  }

  /** The newest scan of a task, once it has ended. */
  async function scanned(taskId: string): Promise<Readonly<Record<string, unknown>>> {
    let scan: Readonly<Record<string, unknown>> = {};
    await until('the scan has ended', async () => {
      const reply = await service.client.call('GET', `/sync-tasks/${taskId}/scans?limit=1`);
      [scan = {}] = (reply as { readonly scans: (typeof scan)[] }).scans;
      return typeof scan['end_time'] === 'number';
    });
    return scan;
  }

  async function sync(taskId: string, keys: readonly string[]) {
    await service.client.sendEvents(taskId, keys);
    await service.client.settled(taskId, keys.length);
    return recordsOf(taskId);
  }

  async function recordsOf(taskId: string): Promise<ReadonlyMap<string, ListedObject>> {
    const records = await service.client.objects(taskId);
    return new Map(records.map((record) => [record.object_key, record]));
  }

  /** 3,072 bytes that cannot be compressed: Azure counts characters. */
  const longest = Array.from({ length: 1_024 }, (_, at) =>
    String.fromCodePoint(0x4e00 + ((at * 7_919) % 0x5000)),
  ).join('');

  test('a name of 1,024 characters is copied to where it fits, and fails alone where it does not', async () => {
    for (const name of ['long-names', 'long-names-too']) await azurite.createContainer(name);
    const long = theirs('long-names');
    for (const key of [longest, 'b']) await long.getBlockBlobClient(key).upload('film', 4);
    const there = await createTask({
      ...azure('src', 'long-names'),
      ...azure('dst', 'long-names-too'),
    });
    assertCopied(await sync(there, [longest, 'b']), [longest, 'b']);
    const copy = await theirs('long-names-too').getBlockBlobClient(longest).downloadToBuffer();
    assert.equal(copy.toString(), 'film');
    await azurite.createContainer('long-names-scanned');
    const scanned = await createTask({
      ...azure('src', 'long-names'),
      ...azure('dst', 'long-names-scanned'),
      initial_scan: true,
    });
    await service.client.settled(scanned, 2);
    assertCopied(await recordsOf(scanned), [longest, 'b']);
    const here = await createTask({ ...azure('src', 'long-names'), ...plain('dst', 'from-azure') });
    const records = await sync(here, [longest, 'b']);
    assertCopied(records, ['b']);
    const failed = records.get(longest);
    assert.deepEqual([failed?.outcome, failed?.reason], ['failed', 'refused']);
    assert.match(
      failed?.message ?? '',
      /a key of more than 1024 bytes, which is the limit of this store/,
    );
  });

  test('a backfill from a container that lists in another order copies all, and says so', async () => {
    for (const name of ['unordered', 'unordered-too']) await azurite.createContainer(name);
    // In UTF-16, the last two are the other way round.
    const keys = [
      'a b',
      'a/b',
      'a/b.c',
      'Ünï/cödé',
      ...Array.from({ length: 20 }, (_, at) => `n${at}`),
    ];
    keys.push('\uffee', '🙈');
    const from = theirs('unordered');
    for (const key of keys) await from.getBlockBlobClient(key).upload(key, Buffer.byteLength(key));
    for (const [what, into] of [
      ['to S3', plain('dst', 'from-unordered')],
      ['to Azure', azure('dst', 'unordered-too')],
    ] as const) {
      const taskId = await createTask({
        ...azure('src', 'unordered'),
        ...into,
        object_overwrite_mode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
        initial_scan: true,
      });
      await service.client.settled(taskId, keys.length);
      assertCopied(await recordsOf(taskId), keys);
      for (const kind of ['reconcile', 'verify']) {
        await service.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind });
        const { state, equal, missing, source_unordered, ...scan } = await scanned(taskId);
        const found = [kind, state, equal, missing, source_unordered, scan['target_unordered']];
        const expected = [kind, 'complete', keys.length, 0, true, what === 'to Azure'];
        assert.deepEqual(found, expected, what);
      }
    }
  });

  test('an event for a source that counts bytes names the key that is too long', async () => {
    const taskId = await createTask({ ...plain('src', 'bucket'), ...azure('dst', 'to-azure') });
    await assert.rejects(service.client.sendEvents(taskId, ['b', '中'.repeat(342)]), {
      status: 400,
      message: /keys\[1\]\] has 1026 bytes after decoding; at most 1024 are possible/,
    });
  });

  function assertCopied(records: ReadonlyMap<string, ListedObject>, keys: readonly string[]): void {
    for (const key of keys) {
      const { outcome, message, check_passed } = records.get(key) ?? assert.fail(key);
      assert.deepEqual([outcome, check_passed], ['copied', true], `${key}: ${message ?? ''}`);
    }
  }

  test(
    'to Azure: any name, each way of copying, and a report of what could not be kept',
    proves('destination'),
    async () => {
      const from = s3.bucket('bucket');
      const at = theirs('to-azure');
      for (const name of [...names, ...untrusted]) from.put(name, `bytes of ${name}`);
      const big = Object.entries(sizes).map(([way, size]) => [`size/${way}`, size] as const);
      for (const [key, size] of big) {
        from.put(key, randomBytes(size), {
          contentHeaders: {
            'content-type': 'text/html',
            'expires': 'Thu, 01 Jan 2026 00:00:00 GMT',
          },
          userMetadata: { 'shot-on': Buffer.from(greeting).toString('latin1'), 'plain': 'a = b' },
          storageClass: 'STANDARD_IA',
        });
      }
      const taskId = await createTask({ ...plain('src', 'bucket'), ...azure('dst', 'to-azure') });
      const records = await sync(taskId, from.keys());
      assertCopied(records, [...names, ...big.map(([key]) => key)]);
      for (const name of names) {
        const copied = await at.getBlockBlobClient(name).downloadToBuffer();
        assert.equal(copied.toString(), `bytes of ${name}`);
      }
      for (const [key] of big) {
        const blob = at.getBlockBlobClient(key);
        assert.ok((await blob.downloadToBuffer()).equals(from.bytes(key) ?? assert.fail()));
        const { metadata = {}, accessTier, contentType } = await blob.getProperties();
        assert.deepEqual([accessTier, contentType], ['Cool', 'text/html']);
        const { shot_on = '', plain: other } = metadata;
        assert.deepEqual([decodeURIComponent(shot_on), other], [greeting, 'a = b']);
        assert.equal(
          records.get(key)?.message,
          'Expires was left out, the target keeps none; metadata shot-on is called shot_on there.',
        );
      }
      const blocks = await at.getBlockBlobClient('size/parts').getBlockList('all');
      assert.deepEqual(
        blocks.committedBlocks?.map(({ size }) => size),
        [100, 100, 100, 50].map((size) => size * KiB),
      );
      for (const name of untrusted) assert.equal(records.get(name)?.reason, 'refused', name);
      const task = await service.client.show(taskId);
      assert.equal(task.monthly_success_object, names.length + big.length);
      assert.equal(task.monthly_failure_object, untrusted.length);
    },
  );

  test(
    'to Azure: a type beyond ASCII is omitted, and the omission is reported',
    proves('destination'),
    async () => {
      const from = s3.bucket('bucket');
      const type = Buffer.from('text/plain; name="grün"').toString('latin1');
      const keys = Object.entries(sizes).map(([way, size]) => {
        from.put(`type/${way}`, randomBytes(size), { contentHeaders: { 'content-type': type } });
        return `type/${way}`;
      });
      for (const enable_metadata_migration of [true, false]) {
        const fields = { ...plain('src', 'bucket'), ...azure('dst', 'to-azure') };
        const taskId = await createTask({ ...fields, enable_metadata_migration });
        const records = await sync(taskId, keys);
        assertCopied(records, keys);
        for (const key of keys) {
          const { contentType } = await theirs('to-azure').getBlockBlobClient(key).getProperties();
          assert.equal(contentType, 'application/octet-stream');
          assert.equal(
            records.get(key)?.message,
            'Content-type was left out, the target keeps ASCII only.',
          );
        }
      }
    },
  );

  test(
    'from Azure: any name, each way of copying, with tiers and metadata',
    proves(['classes', 'source']),
    async () => {
      const contents = new Map(names.map((name) => [name, `bytes of ${name}`]));
      for (const [name, text] of contents) {
        await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
      }
      for (const [way, size] of Object.entries(sizes)) {
        const text = randomBytes(size).toString('hex').slice(0, size);
        const blob = container.getBlockBlobClient(`size/${way}`);
        const metadata = { shot_on: encodeURIComponent(greeting), plain: 'a = b' };
        const blobHTTPHeaders = { blobContentType: 'text/html', blobCacheControl: 'no-store' };
        await blob.upload(text, size, { metadata, blobHTTPHeaders, tier: 'Cool' });
        contents.set(`size/${way}`, text);
      }
      // In blocks, and so without an MD5.
      const inBlocks = container.getBlockBlobClient('blocks');
      const ids = ['b1', 'b2'].map((id) => Buffer.from(id).toString('base64'));
      for (const id of ids) await inBlocks.stageBlock(id, 'block '.repeat(5000), 30_000);
      await inBlocks.commitBlockList(ids);
      contents.set('blocks', 'block '.repeat(10_000));

      const taskId = await createTask({
        ...azure('src', 'container'),
        ...plain('dst', 'from-azure'),
      });
      const keys = [...contents.keys()];
      assertCopied(await sync(taskId, keys), keys);
      const to = s3.bucket('from-azure');
      for (const [key, text] of contents) assert.equal(to.bytes(key)?.toString(), text, key);
      for (const way of Object.keys(sizes)) {
        const found = to.object(`size/${way}`) ?? assert.fail(way);
        assert.equal(found.storageClass, 'STANDARD_IA');
        assert.equal(found.contentHeaders['content-type'], 'text/html');
        assert.equal(found.contentHeaders['cache-control'], 'no-store');
        assert.equal(textOf(found.userMetadata['shot_on']), greeting);
        assert.equal(found.userMetadata['plain'], 'a = b');
      }
      assert.equal(to.object('plain')?.storageClass, 'STANDARD');
    },
  );

  test(
    'from Azure’s archive: it is thawed where the task restores',
    proves('restore'),
    async () => {
      const blob = container.getBlockBlobClient('archived');
      await blob.upload('cold', 4);
      await blob.setAccessTier('Archive');
      const fields = { ...azure('src', 'container'), ...plain('dst', 'from-azure') };
      const failing = await createTask(fields);
      assert.equal((await sync(failing, ['archived'])).get('archived')?.reason, 'archived');
      const taskId = await createTask({ ...fields, enable_restore: true });
      await service.client.sendEvents(taskId, ['archived']);
      const asked = new URLSearchParams({ outcome: 'retrying' });
      await until('it is asked to be restored', async () => {
        const { objects } = await service.client.objectPage(taskId, asked);
        return objects[0]?.reason === 'archived';
      });
      // Azurite thaws at once.
      await service.database.query(`update changes set due_at = now()`);
      await service.database.query(`select pg_notify('changes', '')`);
      await service.client.settled(taskId, 1);
      assertCopied(await recordsOf(taskId), ['archived']);
      assert.equal(s3.bucket('from-azure').bytes('archived')?.toString(), 'cold');
    },
  );

  for (const [what, secret] of [
    ['the account’s key', () => azurite.accountKey.key.reveal()],
    ['a token of the task itself', () => `?${containerSas(azurite.accountKey, 'container')}`],
  ] as const) {
    test(`through a CDN, authorized by ${what}`, proves('CDN'), async () => {
      // Azure judges the token itself: the domain is one that leads to its account.
      await using cdn = await startDomain(azurite);
      const blob = container.getBlockBlobClient('through the CDN');
      await blob.upload('x'.repeat(sizes.parts), sizes.parts);
      const domain = { domain: cdn.domain, protocol: 'http' };
      const taskId = await createTask({
        ...{ ...azure('src', 'container'), ...plain('dst', 'from-azure'), src_sk: secret() },
        source_cdn: { ...domain, authentication_type: 'AZURE_SAS_TOKEN' },
      });
      assert.equal(cdn.statuses[0], 200, 'it was tried when the task was created');
      assertCopied(await sync(taskId, ['through the CDN']), ['through the CDN']);
      assert.equal(s3.bucket('from-azure').object('through the CDN')?.content.size, sizes.parts);
      // One part that is the whole object is read without a range.
      assert.deepEqual(new Set(cdn.statuses), new Set([200]));
    });
  }
});

/** A custom domain of the account: it stands before the containers, and passes on what comes. */
async function startDomain({ url, accountKey }: Azurite) {
  const statuses: number[] = [];
  const server = createServer((asked, answer) => {
    const { method, headers } = asked;
    const target = `${url}/${accountKey.account}${asked.url ?? ''}`;
    const passed = httpRequest(target, { method, headers }, (reply) => {
      statuses.push(reply.statusCode ?? 0);
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    domain: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
