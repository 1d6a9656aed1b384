import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import qiniu from 'qiniu';
import { patterned } from '../conformance/store.ts';
import type { KodoServer } from '../kit/kodo-server/server.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { qetag, qetagOfParts } from '../kit/s3-server/etags.ts';
import type { S3Server } from '../kit/s3-server/server.ts';
import { startCloud } from './kit/route-to-localhost.ts';
import { accepted, bucket, download, type Kodo, openKodo, startKodo } from './kit/kodo-sdk.ts';

const MiB = 1024 ** 2;

let cloud: S3Server;
let server: KodoServer;
let kodo: Kodo;

before(async () => {
  cloud = await startCloud(bucket, { dialect: 'qiniu' });
  server = await startKodo(cloud);
  kodo = openKodo(cloud, cloud.accessKey.secretAccessKey, server.port);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await cloud.close();
});

const inBucket = (key: string): string | undefined => cloud.bucket(bucket).bytes(key)?.toString();

/** An answer to what the SDK has no call for; the connection is made as its own are. */
async function sent(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<{ status: number; data: unknown }> {
  const at = new URL(url);
  const port = `http://${at.host}:${server.port}`;
  const response = await fetch(port + at.pathname + at.search, {
    ...{ method, headers },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const data: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, data };
}

const refused = (status: number, words: string) => ({ name: 'KodoRefusal', status, words });

describe('the etag of Kodo is made as its SDKs make it', () => {
  // https://github.com/qiniu/rust-sdk/blob/master/etag/src/etag.rs: its tests.
  const page = Buffer.alloc(4096, 'b');
  page.write('A', 0);
  page.write('\r\n', 4094);
  const of = (size: number) => heldContent(Array<Buffer>(size / 4096).fill(page));
  const texts = ['hello', 'world'].map((text) => heldContent([Buffer.from(text)]));

  for (const [what, found, expected] of [
    ['nothing', qetag(heldContent([])), 'Fto5o-5ea0sNMlW_75VgGJCv2AcJ'],
    ['a few bytes', qetag(heldContent([Buffer.from('etag')])), 'FpLiADEaVoALPkdb8tJEJyRTXoe_'],
    ['one block', qetag(of(4 * MiB)), 'FicHOveBNs5Kn9d74M3b9tI4D-8r'],
    ['two blocks', qetag(of(5 * MiB)), 'lg-Eb5KFCuZn-cUfj_oS2PPOU9xy'],
    ['three blocks', qetag(of(9 * MiB)), 'ljgVjMtyMsOgIySv79U8Qz4TrUO4'],
    [
      'parts that are blocks',
      qetagOfParts([4 * MiB, 4 * MiB, MiB].map(of)),
      'ljgVjMtyMsOgIySv79U8Qz4TrUO4',
    ],
    ['small parts', qetagOfParts(texts), 'ns56DcSIfBFUENXjdhsJTIvl3Rcu'],
    ['equal parts', qetagOfParts([MiB / 2, MiB / 2].map(of)), 'nlF4JinKEDBChmFGYbEIsZt6Gxnw'],
    [
      'a part of many blocks',
      qetagOfParts([MiB / 2, 8 * MiB].map(of)),
      'nt82yvMNHlNgZ4H8_A_4de84mr2f',
    ],
  ] as const) {
    test(what, () => assert.equal(found, expected));
  }
});

describe('an upload to Kodo needs a token', () => {
  test('of the right key, untouched', async () => {
    const wrong = openKodo(cloud, 'another-secret', server.port);
    await assert.rejects(wrong.put('wrong', Buffer.from('x')), refused(401, 'bad token'));
    await assert.rejects(wrong.putParts('wrong', Buffer.from('x'), {}), refused(401, 'bad token'));
    const [ak, signature] = kodo.token({ scope: `${bucket}:mine` }).split(':');
    const policy = JSON.stringify({ scope: bucket, deadline: 2 ** 32 });
    const forged = `${ak}:${signature}:${Buffer.from(policy).toString('base64url')}`;
    const path = `${kodo.at('up')}/buckets/${bucket}/objects/~/uploads`;
    assert.deepEqual(await sent('POST', path, { authorization: `UpToken ${forged}` }), {
      status: 401,
      data: { error: 'bad token' },
    });
    assert.deepEqual(await sent('POST', path), { status: 401, data: { error: 'bad token' } });
    assert.equal(inBucket('wrong'), undefined);
  });

  test('that is not over', async () => {
    const late = { policy: { expires: -60 } };
    await assert.rejects(kodo.put('late', Buffer.from('x'), late), refused(401, 'expired token'));
  });

  test('for the name, or for what it begins with', async () => {
    const other = { policy: { scope: `${bucket}:another` } };
    const words = "key doesn't match with scope";
    await assert.rejects(kodo.put('one', Buffer.from('x'), other), refused(403, words));
    await assert.rejects(kodo.putParts('one', Buffer.from('x'), other), refused(403, words));
    const begun = { policy: { scope: `${bucket}:on`, isPrefixalScope: 1 } };
    await kodo.put('one', Buffer.from('x'), begun);
    assert.equal(inBucket('one'), 'x');
  });

  test('that lets it replace what is there', async () => {
    await kodo.put('taken', Buffer.from('first'));
    for (const policy of [{ insertOnly: 1 }, { scope: bucket }]) {
      const put = kodo.put('taken', Buffer.from('second'), { policy });
      await assert.rejects(put, refused(614, 'file exists'));
      const parts = kodo.putParts('taken', Buffer.from('second'), { policy });
      await assert.rejects(parts, refused(614, 'file exists'));
      // It is no other object.
      await kodo.put('taken', Buffer.from('first'), { policy });
    }
    assert.equal(inBucket('taken'), 'first');
    await kodo.put('taken', Buffer.from('third'));
    assert.equal(inBucket('taken'), 'third');
  });

  test('for a bucket that is there', async () => {
    const token = kodo.token({ scope: 'no-such-bucket' });
    const path = `${kodo.at('up')}/buckets/no-such-bucket/objects/~/uploads`;
    const nowhere = { status: 631, data: { error: 'no such bucket' } };
    assert.deepEqual(await sent('POST', path, { authorization: `UpToken ${token}` }), nowhere);
    const where = `${kodo.at('uc')}/v4/query?ak=${kodo.mac.accessKey}&bucket=no-such-bucket`;
    assert.deepEqual(await sent('GET', where), nowhere);
  });

  test('with a function that this server does not have is refused', async () => {
    const policy = { callbackUrl: 'http://127.0.0.1/' };
    await assert.rejects(
      kodo.put('x', Buffer.from('x'), { policy }),
      refused(501, 'not played here'),
    );
  });
});

describe('an object in parts at Kodo', () => {
  const up = (key: string): string =>
    `${kodo.at('up')}/buckets/${bucket}/objects/${Buffer.from(key).toString('base64url')}/uploads`;
  const bearer = (key: string) => ({
    authorization: `UpToken ${kodo.token({ scope: `${bucket}:${key}` })}`,
  });

  test('has the etag of its blocks where the parts are blocks', async () => {
    const bytes = patterned(9 * MiB);
    const { hash } = await kodo.putParts('blocks', bytes, { partSize: 4 * MiB });
    assert.equal(hash, qetag(heldContent([bytes])));
    assert.match(hash, /^l/);
    const whole = await kodo.put('whole', bytes);
    assert.equal(whole.hash, hash);
  });

  test('has type and metadata', async () => {
    const metadata = { 'x-qn-meta-colour': 'blue', 'x-qn-meta-!Cache-Control': 'no-cache' };
    await kodo.putParts('told', Buffer.from('x'), { mimeType: 'image/png', metadata });
    const { headers } = await download(kodo.downloadUrl('told'));
    assert.equal(headers['content-type'], 'image/png');
    assert.equal(headers['x-qn-meta-colour'], 'blue');
    assert.equal(headers['cache-control'], 'no-cache');
  });

  test('may be empty', async () => {
    await kodo.putParts('nothing', Buffer.of(), {});
    assert.equal(inBucket('nothing'), '');
  });

  test('is given up, and is not begun by another’s ID', async () => {
    const { data } = await sent('POST', up('given up'), bearer('given up'));
    const { uploadId } = data as { uploadId: string };
    const part = `${up('given up')}/${uploadId}/1`;
    const wrong = { ...bearer('given up'), 'content-md5': createHash('md5').digest('hex') };
    assert.equal((await sent('PUT', part, wrong, 'bytes')).status, 406);
    assert.equal((await sent('PUT', part, bearer('given up'), 'bytes')).status, 200);
    const end = `${up('given up')}/${uploadId}`;
    const parts = JSON.stringify({ parts: [{ partNumber: 1, etag: 'another' }] });
    assert.equal((await sent('POST', end, bearer('given up'), parts)).status, 400);
    const other = `${up('other')}/${uploadId}/1`;
    assert.equal((await sent('PUT', other, bearer('other'), 'bytes')).status, 612);
    assert.equal((await sent('DELETE', end, bearer('given up'))).status, 200);
    assert.deepEqual(await sent('PUT', part, bearer('given up'), 'bytes'), {
      status: 612,
      data: { error: 'no such uploadId' },
    });
    assert.equal(inBucket('given up'), undefined);
  });

  test('has no small part but the last', async () => {
    const small = kodo.putParts('small', patterned(MiB), { partSize: MiB / 2 });
    await assert.rejects(small, refused(400, 'the part is too small'));
  });
});

describe('objects of Kodo are managed', () => {
  test('under names of any form', async () => {
    const { manager } = kodo;
    for (const key of [
      '/',
      '//',
      '/slash',
      '//slashes',
      '.',
      './x',
      '../x',
      '/../x',
      'x/',
      'a:b',
    ]) {
      await kodo.put(key, Buffer.from(key), { metadata: { 'x-qn-meta-name': key } });
      assert.equal(inBucket(key), key);
      assert.equal((await download(kodo.downloadUrl(key))).bytes.toString(), key);
      const stat = await accepted(manager.stat(bucket, key));
      assert.equal(stat['x-qn-meta']?.['name'], key);
      const { items } = await accepted(manager.listPrefix(bucket, { prefix: key }));
      assert.ok(items.some((item) => item.key === key));
      await accepted(manager.delete(bucket, key));
      assert.equal(inBucket(key), undefined);
    }
  });

  test('by the former token too, and by no other', async () => {
    await kodo.put('former', Buffer.from('x'));
    const path = `/stat/${Buffer.from(`${bucket}:former`).toString('base64url')}`;
    const authorization = qiniu.util.generateAccessToken(kodo.mac, kodo.at('rs') + path);
    assert.equal((await sent('GET', kodo.at('rs') + path, { authorization })).status, 200);
    const bad = { status: 401, data: { error: 'bad token' } };
    assert.deepEqual(await sent('GET', `${kodo.at('rs')}${path}?x`, { authorization }), bad);
    assert.deepEqual(await sent('GET', kodo.at('rs') + path), bad);
    const { manager } = openKodo(cloud, 'another-secret', server.port);
    const unknown = refused(401, 'bad token');
    await assert.rejects(accepted(manager.stat(bucket, 'former')), unknown);
    await assert.rejects(accepted(manager.delete(bucket, 'former')), unknown);
    await assert.rejects(accepted(manager.listPrefix(bucket, {})), unknown);
    assert.equal(inBucket('former'), 'x');
  });

  test('what is not there is refused in Kodo’s words', async () => {
    const { manager } = kodo;
    await kodo.put('there', Buffer.from('there'));
    await kodo.put('other', Buffer.from('other'));
    const gone = refused(612, 'no such file or directory');
    await assert.rejects(accepted(manager.stat(bucket, 'gone')), gone);
    await assert.rejects(accepted(manager.delete(bucket, 'gone')), gone);
    await assert.rejects(accepted(manager.copy(bucket, 'gone', bucket, 'x', {})), gone);
    const taken = refused(614, 'file exists');
    await assert.rejects(accepted(manager.copy(bucket, 'there', bucket, 'other', {})), taken);
    await assert.rejects(accepted(manager.move(bucket, 'there', bucket, 'other', {})), taken);
    const nowhere = refused(631, 'no such bucket');
    await assert.rejects(accepted(manager.copy(bucket, 'there', 'none', 'x', {})), nowhere);
    const { resp, data } = await manager.batch([
      qiniu.rs.deleteOp(bucket, 'gone'),
      qiniu.rs.deleteOp(bucket, 'other'),
    ]);
    assert.equal(resp.statusCode, 298);
    assert.deepEqual(
      data.map(({ code }) => code),
      [612, 200],
    );
  });

  test('a move keeps what describes the object', async () => {
    const { manager } = kodo;
    await kodo.put('from', Buffer.from('x'), { metadata: { 'x-qn-meta-a': '1' } });
    await kodo.put('to', Buffer.from('y'));
    await accepted(manager.move(bucket, 'from', bucket, 'to', { force: true }));
    assert.equal(inBucket('from'), undefined);
    assert.deepEqual((await accepted(manager.stat(bucket, 'to')))['x-qn-meta'], { a: '1' });
  });

  test('an archived object, restored', async () => {
    const { manager } = kodo;
    const url = (): string => kodo.downloadUrl('frozen');
    const told = async () => {
      const { type, restoreStatus } = await accepted(manager.stat(bucket, 'frozen'));
      return [type, restoreStatus];
    };
    await kodo.put('frozen', Buffer.from('ice'));
    const entry = `${bucket}:frozen`;
    await assert.rejects(accepted(manager.restoreAr(entry, 1)), { status: 400 });
    await accepted(manager.changeType(bucket, 'frozen', 2));
    assert.deepEqual(await told(), [2, undefined]);
    assert.equal((await download(url())).status, 403);
    await assert.rejects(accepted(manager.restoreAr(entry, 8)), { status: 400 });
    await accepted(manager.restoreAr(entry, 7));
    assert.deepEqual(await told(), [2, 1]);
    assert.equal((await download(url())).status, 403);
    cloud.bucket(bucket).finishRestore('frozen');
    assert.deepEqual(await told(), [2, 2]);
    assert.equal((await download(url())).bytes.toString(), 'ice');
    await assert.rejects(accepted(manager.changeType(bucket, 'frozen', 9)), { status: 400 });
  });

  test('a listing is in the order of bytes, rolled up, and continues from its own marker', async () => {
    const { manager } = kodo;
    const keys = ['a', 'b/1', 'b/2', 'c', '\uffee', '🙈'].map((key) => `list/${key}`);
    for (const key of keys.toReversed()) await kodo.put(key, Buffer.from(key));
    const asked = { prefix: 'list/', delimiter: '/', limit: 2 };
    const found: string[] = [];
    let marker: string | undefined = '';
    while (marker !== undefined) {
      const page: Awaited<ReturnType<typeof manager.listPrefix>>['data'] = await accepted(
        manager.listPrefix(bucket, { ...asked, marker }),
      );
      found.push(...page.items.map(({ key }) => key), ...(page.commonPrefixes ?? []));
      marker = page.marker;
      assert.ok(marker === undefined || !keys.includes(marker));
    }
    assert.deepEqual(found, ['list/a', 'list/b/', 'list/c', 'list/\uffee', 'list/🙈']);
    const odd = accepted(manager.listPrefix(bucket, { marker: 'list/b' }));
    await assert.rejects(odd, refused(400, 'invalid argument'));
    server.manners.throttles = 1;
    const often = accepted(manager.listPrefix(bucket, asked));
    await assert.rejects(often, refused(573, 'too many requests'));
  });
});

describe('a download of a private bucket of Kodo', () => {
  const time = Math.floor(Date.now() / 1000);
  const answered = async (url: string, headers?: Record<string, string>) => {
    const { status, bytes } = await download(url, headers);
    return [status, bytes.toString()];
  };
  const refusal = (words: string) => [401, JSON.stringify({ error: words })];

  before(() => kodo.put('film', Buffer.from('0123456789'), { mimeType: 'video/mp4' }));

  test('needs a token, for this very URL, that is not over', async () => {
    const url = kodo.downloadUrl('film');
    assert.deepEqual(await answered(url), [200, '0123456789']);
    const late = kodo.downloadUrl('film', time - 1);
    assert.deepEqual(await answered(late), refusal('token out of date'));
    const bad = refusal('bad token');
    assert.deepEqual(await answered(late.replace(/e=\d+/, `e=${time + 600}`)), bad);
    assert.deepEqual(await answered(url.replace('/film', '/told')), bad);
    assert.deepEqual(await answered(url.replace('files.', 'other.')), bad);
    assert.deepEqual(await answered(url.replace(/token=[^:]+/, 'token=nobody')), bad);
    const [plain = ''] = url.split('?');
    assert.deepEqual(await answered(plain), refusal('download token not specified'));
    assert.equal((await answered(kodo.downloadUrl('gone')))[0], 404);
  });

  test('answers ranges, and sends no body if the client has the object already', async () => {
    const url = kodo.downloadUrl('film');
    assert.deepEqual(await answered(url, { range: 'bytes=2-4' }), [206, '234']);
    assert.deepEqual(await answered(url, { range: 'bytes=-3' }), [206, '789']);
    assert.equal((await answered(url, { range: 'bytes=10-' }))[0], 416);
    const { headers } = await download(url);
    const { etag = '', 'last-modified': modified = '' } = headers;
    assert.equal(headers['content-type'], 'video/mp4');
    assert.deepEqual(await answered(url, { 'if-none-match': etag }), [304, '']);
    assert.deepEqual(await answered(url, { 'if-modified-since': modified }), [304, '']);
    assert.equal((await answered(url, { 'if-match': '"another"' }))[0], 412);
  });
});
