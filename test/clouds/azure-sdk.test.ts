import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { oddNames } from '../conformance/names.ts';
import { bodyOf, rejectsWith } from '../conformance/store.ts';
import { type Azurite, azuriteUnavailable, startAzurite } from './azurite.ts';
import { azureSdk, type SdkContainer } from './azure-sdk.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const { signal } = new AbortController();
const sdk = azureSdk();
const skip = azuriteUnavailable() ?? (sdk === undefined ? 'run npm ci in test/clouds' : undefined);

describe('Microsoft’s own client and ours, at one container', {
  ...series('sdk-azure', { way: 'SDK', clouds: ['Azure'] }),
  skip: skip ?? false,
}, () => {
  let server: Azurite;
  let store: Store;
  let theirs: SdkContainer;

  before(async () => {
    assert.ok(sdk !== undefined);
    server = await startAzurite();
    await server.createContainer('both');
    const { account, key } = server.accountKey;
    store = openAdapter({
      ...{ dialect: 'Azure', region: '', bucket: 'both', endpoint: server.url },
      credentials: { accessKeyId: account, secretAccessKey: key },
    });
    const credential = new sdk.StorageSharedKeyCredential(account, key.reveal());
    theirs = new sdk.ContainerClient(`${server.url}/${account}/both`, credential);
  });

  after(async () => {
    await store[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Those that Azure can be trusted with, and the listings of Azurite and of their client. */
  const names = oddNames.filter(
    (name) => !/\\|(?:^|\/)\.{1,2}(?:\/|$)|[\0-\x08\r-\x1f]/.test(name),
  );

  for (const name of [...names, '/leading', '//two', 'trailing/', '中'.repeat(300)]) {
    const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 20)}…` : name);
    test(`the name ${shown} is the same to both`, proves(['odd names', 'listing']), async () => {
      const [ours, others] = [`ours/${name}`, `theirs/${name}`];
      await store.put(ours, bodyOf(name), {}, signal);
      assert.equal((await theirs.getBlockBlobClient(ours).downloadToBuffer()).toString(), name);
      await theirs.getBlockBlobClient(others).upload(name, Buffer.byteLength(name));
      const { body } = await store.read(others, {}, signal);
      assert.equal(Buffer.from(await body.bytes()).toString(), name);
      const listed = await Array.fromAsync(theirs.listBlobsFlat({ prefix: ours }));
      const { entries } = await store.list({ prefix: ours }, signal);
      assert.deepEqual(
        entries.map(({ key }) => key),
        listed.map((blob) => blob.name),
      );
    });
  }

  test('Azurite lists in the order of UTF-16, which is noticed', async () => {
    await rejectsWith('out-of-order', store.list({ prefix: 'ours/' }, signal));
  });

  test('names that are left are removed together', proves('removal'), async () => {
    const listed = await Array.fromAsync(theirs.listBlobsFlat({ prefix: 'ours/' }));
    assert.ok(listed.length >= names.length);
    const keys = listed.map(({ name }) => ({ key: name }));
    await store.remove(keys, signal);
    assert.deepEqual((await store.list({ prefix: 'ours/' }, signal)).entries, []);
  });

  test('a range is of those bytes', proves('reads'), async () => {
    await theirs.getBlockBlobClient('range').upload('0123456789', 10);
    for (const [first, last, text] of [
      [0, 0, '0'],
      [3, 5, '345'],
      [8, 1000, '89'],
    ] as const) {
      const { head, body } = await store.read('range', { range: { first, last } }, signal);
      assert.equal(Buffer.from(await body.bytes()).toString(), text);
      assert.equal(head.size, 10);
    }
  });

  test(
    'they read what describes what we wrote',
    proves(['put', 'metadata', 'classes']),
    async () => {
      const options = {
        contentType: 'text/plain; charset=utf-8',
        contentHeaders: { 'content-language': 'de' },
        userMetadata: { plain: 'a, b', two_words: 'größer 🙈' },
        tier: 'IA',
      } as const;
      await store.put('described', bodyOf('described'), options, signal);
      const properties = await theirs.getBlockBlobClient('described').getProperties();
      assert.equal(properties.contentType, options.contentType);
      assert.equal(properties.contentLanguage, 'de');
      assert.equal(properties.accessTier, 'Cool');
      assert.equal(properties.blobType, 'BlockBlob');
      const { plain, two_words: encoded = '' } = properties.metadata ?? {};
      assert.equal(plain, 'a, b');
      assert.equal(decodeURIComponent(encoded), 'größer 🙈');
      assert.equal((await store.head('described', signal)).etag, properties.etag);
    },
  );

  test(
    'we read what describes what they wrote, in any case of names',
    proves(['metadata', 'classes']),
    async () => {
      const blob = theirs.getBlockBlobClient('by them');
      await blob.upload('by them', 7, {
        blobHTTPHeaders: { blobContentType: 'text/html', blobCacheControl: 'no-store' },
        metadata: { camelCase: 'kept', under_score: '100%' },
      });
      const head = await store.head('by them', signal);
      assert.equal(head.contentType, 'text/html');
      assert.deepEqual(head.contentHeaders, { 'cache-control': 'no-store' });
      assert.deepEqual(head.userMetadata, { camelcase: 'kept', under_score: '100%' });
      const { contentMD5 } = await blob.getProperties();
      assert.equal(head.md5, Buffer.from(contentMD5 ?? []).toString('hex'));
      await blob.setAccessTier('Archive');
      assert.equal((await store.head('by them', signal)).tier, 'ARCHIVE');
      await rejectsWith('archived', store.read('by them', {}, signal));
    },
  );

  test(
    'blocks of the SDK are not treated as those of the service, and stay when the service aborts an upload',
    proves('parts'),
    async () => {
      const blob = theirs.getBlockBlobClient('blocks');
      // Azure takes no two lengths of IDs under one name.
      const id = Buffer.from('t'.repeat(48)).toString('base64');
      await blob.stageBlock(id, 'theirs', 6);
      assert.deepEqual(await store.listUploads('blocks', signal), []);
      const upload = await store.startParts('blocks', {}, signal);
      await upload.putPart(1, bodyOf('ours'), signal);
      assert.equal((await store.listUploads('blocks', signal)).length, 1);
      await upload.abort(signal);
      assert.deepEqual(await store.listUploads('blocks', signal), []);
      await blob.commitBlockList([id]);
      assert.equal((await blob.downloadToBuffer()).toString(), 'theirs');
      assert.deepEqual((await blob.getBlockList('all')).uncommittedBlocks ?? [], []);
    },
  );

  test(
    'an upload leaves the blocks of its parts, and no mark',
    proves(['parts', 'classes']),
    async () => {
      const upload = await store.startParts('parts', { tier: 'IA' }, signal);
      const first = await upload.putPart(1, bodyOf('first, once more'), signal);
      const again = await upload.putPart(1, bodyOf('first'), signal);
      const second = await upload.putPart(2, bodyOf('second'), signal);
      assert.notEqual(first.etag, again.etag);
      await upload.complete([again, second], signal);
      const blob = theirs.getBlockBlobClient('parts');
      const { committedBlocks = [], uncommittedBlocks = [] } = await blob.getBlockList('all');
      assert.deepEqual(
        committedBlocks.map(({ name, size }) => [name, size]),
        [
          [again.etag, 5],
          [second.etag, 6],
        ],
      );
      assert.deepEqual(uncommittedBlocks, []);
      assert.equal((await blob.getProperties()).accessTier, 'Cool');
      assert.equal((await blob.downloadToBuffer()).toString(), 'firstsecond');
    },
  );

  test(
    'page and append blobs are read, replaced by puts, and say why not by parts',
    proves('reads'),
    async () => {
      const page = Buffer.alloc(512, 'p');
      await theirs.getPageBlobClient('page').create(512);
      await theirs.getPageBlobClient('page').uploadPages(page, 0, 512);
      await theirs.getAppendBlobClient('append').create();
      await theirs.getAppendBlobClient('append').appendBlock('appended', 8);
      const read = await store.read('page', {}, signal);
      assert.ok(page.equals(await read.body.bytes()));
      const { body } = await store.read('append', {}, signal);
      assert.equal(Buffer.from(await body.bytes()).toString(), 'appended');
      await store.put('append', bodyOf('put'), {}, signal);
      const properties = await theirs.getBlockBlobClient('append').getProperties();
      assert.equal(properties.blobType, 'BlockBlob');
    },
  );

  test('bytes that do not match their MD5 leave what was there', proves('put'), async () => {
    await store.put('md5', bodyOf('before'), {}, signal);
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
    await assert.rejects(store.put('md5', { ...bodyOf('after'), md5 }, {}, signal), /MD5/);
    const { body } = await store.read('md5', {}, signal);
    assert.equal(Buffer.from(await body.bytes()).toString(), 'before');
    const upload = await store.startParts('md5', {}, signal);
    await assert.rejects(upload.putPart(1, { ...bodyOf('after'), md5 }, signal), /MD5/);
    await upload.abort(signal);
  });
});
