import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { bodyOf, rejectsWith } from '../conformance/store.ts';
import { errorOf } from '../kit/error-of.ts';
import { head as good, SAS, ScriptedAzure } from '../kit/scripted-azure.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const { signal } = new AbortController();
const azure = new ScriptedAzure();

describe('a listing', () => {
  function entry(name: string, properties = ''): string {
    const date = '<Last-Modified>Mon, 01 Jan 2024 00:00:00 GMT</Last-Modified>';
    return `<Blob>${name}<Properties>${date}<Etag>0x8D</Etag><Content-Length>1</Content-Length>${properties}</Properties></Blob>`;
  }

  function listing(blobs: string, marker = ''): string {
    return `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://a/" ContainerName="c"><Blobs>${blobs}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
  }

  test('reads names that XML cannot carry, and all others as they are', async () => {
    const encoded = '<Name Encoded="true">a%01%2B+%EF%BF%BE</Name>';
    azure.says(
      listing(entry(encoded) + entry('<Name>b%01&amp; </Name>', '<AccessTier>Cool</AccessTier>')),
    );
    const { entries, next } = await azure.store.list({}, signal);
    assert.deepEqual(
      entries.map(({ key, etag, storageClass }) => [key, etag, storageClass]),
      [
        ['a\u0001++\ufffe', '"0x8D"', undefined],
        ['b%01& ', '"0x8D"', 'Cool'],
      ],
    );
    assert.equal(next, undefined);
  });

  test('goes over pages without entries, and on from a marker', async () => {
    azure.says(listing(entry('<Name>k"1</Name>'), 'before'));
    azure.says(listing('', 'm 1'));
    azure.says(listing(entry('<Name>k2</Name>'), '2!m'));
    const { next: after } = await azure.store.list({ prefix: 'k', limit: 9 }, signal);
    await azure.store.list({ prefix: 'k', after, limit: 9 }, signal);
    const queries = azure.asked.map(({ url = '' }) => new URL(url, 'http://x').searchParams);
    assert.deepEqual(
      queries.map((query) => query.get('marker')),
      [null, 'before', 'm 1'],
    );
  });

  test('that never gets on is a bad reply', async () => {
    for (let page = 0; page < 2; page++) azure.says(listing('', 'm'));
    await rejectsWith('bad-reply', azure.store.list({}, signal));
    assert.equal(azure.asked.length, 2);
  });

  test('continues only from the end of a page', async () => {
    await rejectsWith('refused', azure.store.list({ after: 'a key' }, signal));
    assert.equal(azure.asked.length, 0);
  });

  for (const [what, ...names] of [
    ['that is not sorted', 'b', 'a'],
    ['that repeats a key', 'a', 'a'],
    ['in the order of UTF-16', '🙈', '\uffee'],
  ] as const) {
    const entries = names.map((name) => entry(`<Name>${name}</Name>`));
    test(`${what} is out of order, within a page and from one to the next`, async () => {
      azure.says(listing(entries.join('')));
      await rejectsWith('out-of-order', azure.store.list({}, signal));
      azure.says(listing(entries[0] ?? '', 'm'));
      const { next: after } = await azure.store.list({}, signal);
      azure.says(listing(entries[1] ?? ''));
      await rejectsWith('out-of-order', azure.store.list({ after }, signal));
    });
  }

  for (const [what, text, options] of [
    ['of other keys', listing(entry('<Name>other</Name>')), { prefix: 'p/' }],
    ['that is ill encoded', listing(entry('<Name Encoded="true">%E4%B8</Name>')), {}],
    ['without keys', listing(entry('<Name></Name>')), {}],
    ['without a size', listing('<Blob><Name>a</Name><Properties/></Blob>'), {}],
    ['that is cut short', listing(entry('<Name>a</Name>')).slice(0, -9), {}],
    ['that is a page for people', '<html><body>Log in</body></html>', {}],
    ['that is empty', '', {}],
  ] as const) {
    test(`${what} is a bad reply`, async () => {
      azure.says(text);
      await rejectsWith('bad-reply', azure.store.list(options, signal));
    });
  }
});

describe('a head', () => {
  const md5 = 'AQIDBAUGBwgJCgsMDQ4PEA==';

  test('reports the storage class and the owner of the key', async () => {
    for (const [headers, expected] of [
      [{}, [undefined, undefined, undefined]],
      [{ 'x-ms-access-tier': 'Cold' }, ['Cold', 'IA', undefined]],
      [{ 'x-ms-access-tier': 'Archive' }, ['Archive', 'ARCHIVE', undefined]],
      [{ 'x-ms-access-tier': 'P10' }, ['P10', undefined, undefined]],
      [{ 'x-ms-server-encrypted': 'true' }, [undefined, undefined, 'store']],
      [{ 'x-ms-encryption-scope': 'scope' }, [undefined, undefined, 'store']],
      [
        { 'x-ms-server-encrypted': 'true', 'x-ms-encryption-key-sha256': 'x' },
        [undefined, undefined, 'customer'],
      ],
    ] as const) {
      azure.says('', { ...good, ...headers });
      const { storageClass, tier, encryption } = await azure.store.head('key', signal);
      assert.deepEqual([storageClass, tier, encryption], expected);
    }
  });

  test('reports an MD5 only of the whole object', async () => {
    const block = { ...good, 'x-ms-blob-type': 'BlockBlob' };
    azure.says('12', { ...block, 'content-md5': md5 });
    const whole = await azure.store.read('key', {}, signal);
    whole.body.discard();
    assert.equal(whole.head.md5, '0102030405060708090a0b0c0d0e0f10');
    const range = { 'content-range': 'bytes 0-1/9', 'content-md5': md5 };
    azure.says('12', { ...block, ...range }, 206);
    const first = await azure.store.read('key', { range: { first: 0, last: 1 } }, signal);
    first.body.discard();
    assert.deepEqual([first.head.md5, first.head.size], [undefined, 9]);
    azure.says('', { ...block, 'content-md5': 'of another program' });
    assert.equal((await azure.store.head('key', signal)).md5, undefined);
  });

  for (const type of ['PageBlob', 'AppendBlob', undefined]) {
    test(`reports no MD5 of a blob of the type ${type ?? 'unknown'}`, async () => {
      const typed = type === undefined ? {} : { 'x-ms-blob-type': type };
      azure.says('', { ...good, ...typed, 'content-md5': md5 });
      assert.equal((await azure.store.head('key', signal)).md5, undefined);
    });
  }

  test('of a page blob is read like any other', async () => {
    azure.says('0123', { ...good, 'x-ms-blob-type': 'PageBlob', 'x-ms-version-id': 'v 1' });
    const { body } = await azure.store.read('key', { versionId: 'v 1' }, signal);
    assert.equal(Buffer.from(await body.bytes()).toString(), '0123');
    assert.equal(azure.asked[0]?.url, '/account/container/key?versionid=v%201');
  });

  test('with no time of the last change is a bad reply', async () => {
    azure.says('12345', { etag: '"e"' });
    await rejectsWith('bad-reply', azure.store.read('key', {}, signal));
  });
});

describe('a restore', series('azure-replies', { way: 'own', clouds: ['Azure'] }), () => {
  const archived = { ...good, 'x-ms-access-tier': 'Archive' };

  test('moves what is archived to another tier', proves('restore'), async () => {
    azure.says('', archived);
    azure.says('', {}, 202);
    const { checkAfterMs } = await azure.store.restore('key', { days: 3 }, signal);
    assert.ok(checkAfterMs >= 60_000);
    const [, set] = azure.asked;
    assert.deepEqual([set?.method, set?.url], ['PUT', '/account/container/key?comp=tier']);
    assert.equal(set?.headers['x-ms-access-tier'], 'Hot');
    assert.equal(set.headers['x-ms-rehydrate-priority'], 'Standard');
  });

  test('leaves alone what is on its way, and what is not archived', proves('restore'), async () => {
    azure.says('', { ...archived, 'x-ms-archive-status': 'rehydrate-pending-to-cool' });
    assert.ok((await azure.store.restore('key', { days: 3 }, signal)).checkAfterMs > 0);
    azure.says('', { ...good, 'x-ms-access-tier': 'Cool' });
    assert.equal((await azure.store.restore('key', { days: 3 }, signal)).checkAfterMs, 60_000);
    assert.deepEqual(
      azure.asked.map(({ method }) => method),
      ['HEAD', 'HEAD'],
    );
  });

  test('that another client has requested is no error', proves('restore'), async () => {
    azure.says('', archived);
    azure.refuses(409, 'BlobBeingRehydrated');
    await azure.store.restore('key', { days: 3 }, signal);
  });
});

describe('a put', () => {
  test('names the tier, and the MD5 for the way and to be kept', async () => {
    azure.says('', { ...good, 'content-md5': 'AQIDBAUGBwgJCgsMDQ4PEA==' }, 201);
    const body = { ...bodyOf('x'), md5: '0102030405060708090a0b0c0d0e0f10' };
    const receipt = await azure.store.put('key', body, { tier: 'DEEP_ARCHIVE' }, signal);
    assert.equal(receipt.md5, body.md5);
    const { headers } = azure.asked[0] ?? {};
    assert.equal(headers?.['x-ms-access-tier'], 'Archive');
    assert.equal(headers['content-md5'], 'AQIDBAUGBwgJCgsMDQ4PEA==');
    assert.equal(headers['x-ms-blob-content-md5'], 'AQIDBAUGBwgJCgsMDQ4PEA==');
  });

  test('of more metadata than Azure takes is refused before it is sent', async () => {
    const userMetadata = { a: 'x'.repeat(5000), b: '中'.repeat(400) };
    const error = await errorOf(azure.store.put('key', bodyOf('x'), { userMetadata }, signal));
    assert.equal(error.fault, 'refused');
    assert.match(error.message, /user metadata: 8602 bytes, where 8192 are the most of all/);
    await rejectsWith('refused', azure.store.startParts('key', { userMetadata }, signal));
    const contentHeaders = { 'content-disposition': 'attachment; filename="ä"' };
    await rejectsWith('refused', azure.store.put('key', bodyOf('x'), { contentHeaders }, signal));
    assert.equal(azure.asked.length, 0);
  });
});

describe('an upload', () => {
  test('that another program disturbs says how', async () => {
    azure.refuses(400, 'InvalidBlobOrBlock');
    assert.match(
      (await errorOf(azure.store.startParts('key', {}, signal))).message,
      /blocks of another program/,
    );
  });

  test('is not completed where nothing says what became of it', async () => {
    azure.says('', {}, 201);
    azure.says('', {}, 201);
    azure.says('', {}, 201);
    const upload = await azure.store.startParts('key', {}, signal);
    const part = await upload.putPart(1, bodyOf('part'), signal);
    await rejectsWith('bad-reply', upload.complete([part], signal));
    await rejectsWith('corrupt', upload.complete([{ number: 1, etag: 'e' }], signal));
    await rejectsWith('refused', upload.complete([], signal));
  });

  test('with an ID that the service did not create is not found', async () => {
    const blocks = '<Block><Name>Zm9yZWlnbg==</Name><Size>1</Size></Block>';
    azure.says(`<BlockList><UncommittedBlocks>${blocks}</UncommittedBlocks></BlockList>`);
    const upload = azure.store.resumeParts('key', 'foreign');
    await rejectsWith('not-found', upload.listParts(signal));
    await rejectsWith('not-found', upload.putPart(1, bodyOf('x'), signal));
  });
});

describe(
  'a copy within the account',
  series('azure-replies', { way: 'own', clouds: ['Azure'] }),
  () => {
    const from = { bucket: 'other', key: 'a b/中' };

    test('of a large blob goes in blocks, pinned', proves('copy'), async () => {
      const size = 600 * MiB + 1;
      const beside = { 'content-type': 'text/plain', 'x-ms-meta-mark': 'kept' };
      azure.next((response) => {
        response.writeHead(200, { 'content-length': size, ...good, ...beside }).end();
      });
      for (let block = 0; block < 3; block++) azure.says('', {}, 201);
      azure.says('', { etag: '"0x9"' }, 201);
      assert.equal((await azure.store.copy(from, 'key', signal)).etag, '"0x9"');
      const [head, ...rest] = azure.asked;
      assert.equal(head?.url, '/account/other/a%20b/%E4%B8%AD');
      assert.deepEqual(
        rest
          .slice(0, 3)
          .map(({ headers }) => headers['x-ms-source-range'])
          .sort(),
        [
          `bytes=0-${256 * MiB - 1}`,
          `bytes=${256 * MiB}-${512 * MiB - 1}`,
          `bytes=${512 * MiB}-${size - 1}`,
        ],
      );
      for (const { headers } of rest.slice(0, 3)) {
        assert.equal(headers['x-ms-source-if-match'], good.etag);
        assert.match(
          String(headers['x-ms-copy-source']),
          /\/other\/a%20b\/%E4%B8%AD\?sv=.*&sp=r&sig=/,
        );
      }
      assert.equal(rest[3]?.headers['x-ms-blob-content-type'], 'text/plain');
      assert.equal(rest[3].headers['x-ms-meta-mark'], 'kept');
      assert.equal(azure.bodies.at(-1)?.match(/<Uncommitted>/g)?.length, 3);
    });

    test('that is not done at once, or of another source, has failed', proves('copy'), async () => {
      azure.says('1', good);
      azure.says('', { ...good, 'x-ms-copy-status': 'pending' }, 202);
      await rejectsWith('bad-reply', azure.store.copy(from, 'key', signal));
      azure.says('1', good);
      azure.refuses(412, 'SourceConditionNotMet');
      await rejectsWith('changed', azure.store.copy(from, 'key', signal));
    });

    test('by a token reads the source with the same token', proves('copy'), async () => {
      azure.says('1', good);
      azure.says('', { ...good, 'x-ms-copy-status': 'success' }, 202);
      await azure.withSas.copy(from, 'key', signal);
      assert.ok(String(azure.asked[1]?.headers['x-ms-copy-source']).endsWith(`?${SAS}`));
      assert.equal(azure.asked[1]?.headers.authorization, undefined);
    });
  },
);

describe('a pinned read', () => {
  const pin = { etag: good.etag, size: 9, lastModified: Date.parse(good['last-modified']) };
  const range = { first: 0, last: 1 };

  function part(headers: Readonly<Record<string, string>> = {}): void {
    azure.says('12', { ...good, 'content-range': 'bytes 0-1/9', ...headers }, 206);
  }

  test('is compared by its answer, whatever the service made of the condition', async () => {
    part();
    const { body } = await azure.store.read('key', { range, pin }, signal);
    body.discard();
    assert.equal(azure.asked[0]?.headers['if-match'], good.etag);
    part({ etag: '"0x8E"' });
    await rejectsWith('changed', azure.store.read('key', { range, pin }, signal));
    part({ 'content-range': 'bytes 0-1/10' });
    await rejectsWith('changed', azure.store.read('key', { range, pin }, signal));
    azure.refuses(416, 'InvalidRange');
    await rejectsWith('changed', azure.store.read('key', { range, pin }, signal));
  });

  test('of a version is of the version that the answer names', async () => {
    azure.says('12', { ...good, 'x-ms-version-id': 'v2' });
    await rejectsWith('changed', azure.store.read('key', { versionId: 'v1' }, signal));
  });

  test('sends no condition for a weak ETag', async () => {
    const before = 'Sun, 31 Dec 2023 00:00:00 GMT';
    part({ 'etag': `W/${good.etag}`, 'last-modified': before });
    const weak = { ...pin, etag: `W/${good.etag}`, lastModified: Date.parse(before) };
    const { body } = await azure.store.read('key', { range, pin: weak }, signal);
    body.discard();
    assert.equal(azure.asked[0]?.headers['if-match'], undefined);
  });
});
