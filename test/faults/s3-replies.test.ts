import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { layered, openAdapter } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { rejectsWith } from '../conformance/store.ts';

const { signal } = new AbortController();

/** A server that says what the test says, one answer a request. */
let answers: ((response: ServerResponse) => void)[] = [];
let asked: string[] = [];
let server: Server;
let store: Store;

before(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    request.resume();
    const answer = answers.shift();
    if (answer === undefined) response.destroy();
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  store = openAdapter({
    dialect: 'AWS',
    region: 'us-east-1',
    bucket: 'bucket',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'id', secretAccessKey: new Secret('secret') },
  });
});

after(async () => {
  await store[Symbol.asyncDispose]();
  server.close();
});

beforeEach(() => {
  answers = [];
  asked = [];
});

function says(text: string, headers: Record<string, string> = {}, status = 200): void {
  answers.push((response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers });
    response.end(text);
  });
}

function entry(key: string, size = '1', date = '2024-01-01T00:00:00.000Z'): string {
  return `<Contents><Key>${key}</Key><LastModified>${date}</LastModified><ETag>&quot;e&quot;</ETag><Size>${size}</Size></Contents>`;
}

function listing(inner: string): string {
  return `<?xml version="1.0"?><ListBucketResult>${inner}</ListBucketResult>`;
}

const url = '<EncodingType>url</EncodingType>';
const truncated = '<IsTruncated>true</IsTruncated>';

describe('a listing', () => {
  test('is read as it says it is written', async () => {
    says(listing(url + entry('a+b%2B%E4%B8%AD%0A')));
    assert.equal((await store.list({}, signal)).entries[0]?.key, 'a b+中\n');
    says(listing(entry('a+b%2B&#x1;')));
    assert.equal((await store.list({}, signal)).entries[0]?.key, 'a+b%2B\u0001');
  });

  test('goes over pages without entries by their tokens', async () => {
    const empty = `${truncated}<NextContinuationToken>t+1</NextContinuationToken>`;
    says(listing(empty));
    says(listing(`${truncated}${entry('k1')}`));
    const page = await store.list({ after: 'a', limit: 5 }, signal);
    assert.equal(page.next, 'k1');
    assert.deepEqual(asked, [
      '/bucket/?encoding-type=url&list-type=2&max-keys=5&prefix=&start-after=a',
      '/bucket/?continuation-token=t%2B1&encoding-type=url&list-type=2&max-keys=5&prefix=',
    ]);
  });

  for (const [what, text, options] of [
    ['of other keys', listing(entry('other')), { prefix: 'p/' }],
    ['that does not end and does not go on', listing(truncated), {}],
    ['that goes on from no token', listing(truncated + entry('a')), { anyOrder: true }],
    ['without a size', listing(entry('a', '')), {}],
    ['with a size that is none', listing(entry('a', '1e99')), {}],
    ['with a date that is none', listing(entry('a', '1', 'yesterday')), {}],
    ['without keys', listing(entry('')), {}],
    ['that is ill encoded', listing(url + entry('%E4%B8')), {}],
    ['that is cut short', listing(entry('a')).slice(0, -5), {}],
    ['that is a page for people', '<html><body>Log in</body></html>', {}],
    ['that is empty', '', {}],
    ['that is JSON', '{"keys":[]}', {}],
  ] as const) {
    test(`${what} is a bad reply`, async () => {
      says(text);
      await rejectsWith('bad-reply', store.list(options, signal));
    });
  }

  for (const [what, text, after] of [
    ['that is not sorted', entry('b') + entry('a'), undefined],
    ['that repeats a key', entry('a') + entry('a'), undefined],
    ['that begins again', entry('a') + entry('b'), 'a'],
    ['in the order of UTF-16', entry('🙈') + entry('\uffee'), undefined],
  ] as const) {
    test(`${what} is out of order`, async () => {
      says(listing(text));
      await rejectsWith('out-of-order', store.list({ after }, signal));
    });
  }

  test('whose empty pages lead in a circle is a bad reply', async () => {
    const leadsTo = (token: string) =>
      listing(`${truncated}<NextContinuationToken>${token}</NextContinuationToken>`);
    for (let page = 0; page < 12; page++) says(leadsTo(`t${page % 3}`));
    await rejectsWith('bad-reply', store.list({}, signal));
  });

  test('that never gets on is a bad reply', async () => {
    const empty = `${truncated}<NextContinuationToken>t</NextContinuationToken>`;
    for (let page = 0; page < 3; page++) says(listing(empty));
    await rejectsWith('bad-reply', store.list({}, signal));
    assert.equal(asked.length, 2);
  });
});

describe('the head of a read', () => {
  const good = { 'etag': '"e"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };

  test('reports an MD5 only if the ETag is one', async () => {
    const md5 = '0123456789abcdef0123456789abcdef';
    for (const [headers, expected] of [
      [{ etag: `"${md5}"` }, md5],
      [{ etag: md5.toUpperCase() }, md5],
      [{ etag: `"${md5}-2"` }, undefined],
      [{ 'etag': `"${md5}"`, 'x-amz-server-side-encryption': 'AES256' }, md5],
      [{ 'etag': `"${md5}"`, 'x-amz-server-side-encryption': 'aws:kms' }, undefined],
      [{ 'etag': `"${md5}"`, 'x-amz-server-side-encryption': 'aws:kms:dsse' }, undefined],
      [
        { 'etag': `"${md5}"`, 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
        undefined,
      ],
    ] as const) {
      says('', { ...good, ...headers });
      assert.equal((await store.head('key', signal)).md5, expected);
    }
  });

  test('forgets how the bytes were once sent', async () => {
    says('', { ...good, 'content-encoding': 'aws-chunked' });
    assert.deepEqual((await store.head('key', signal)).contentHeaders, {});
    says('', { ...good, 'content-encoding': 'aws-chunked, gzip' });
    const { contentHeaders } = await store.head('key', signal);
    assert.deepEqual(contentHeaders, { 'content-encoding': 'gzip' });
  });

  test('with no time of the last change is a bad reply', async () => {
    says('12345', { etag: '"e"' });
    await rejectsWith('bad-reply', store.read('key', {}, signal));
  });

  for (const etag of [undefined, 'W/"e"']) {
    test(`with the ETag ${etag ?? 'missing'} is read, unless it could change unseen`, async () => {
      const tag = etag === undefined ? {} : { etag };
      const lastModified = Date.parse('Mon, 01 Jan 2024 00:00:00 GMT');
      const at = (ms: number) => new Date(lastModified + ms).toUTCString();
      const headers = { ...tag, 'last-modified': at(0) };
      says('12345', { ...headers, date: at(2000) });
      assert.equal((await store.read('key', {}, signal)).head.size, 5);
      says('12345', { ...headers, date: at(1000) });
      await rejectsWith('changed', store.read('key', {}, signal));
      says('12345', { ...headers, date: at(1000) });
      const pin = { etag: etag ?? '', size: 5, lastModified };
      await rejectsWith('changed', store.read('key', { pin }, signal));
    });
  }

  for (const [what, contentRange, text] of [
    ['another range', 'bytes 0-1/5', '12'],
    ['a range that begins too early', 'bytes 0-2/5', '123'],
    ['a length that is not that of the range', 'bytes 1-2/5', '123'],
    ['a range beyond the total', 'bytes 1-2/2', '23'],
    ['a range that ends before it begins', 'bytes 2-1/5', ''],
    ['no range', undefined, '23'],
  ] as const) {
    test(`with ${what} is a bad reply`, async () => {
      says(text, { ...good, ...(contentRange && { 'content-range': contentRange }) }, 206);
      const range = { first: 1, last: 2 };
      await rejectsWith('bad-reply', store.read('key', { range }, signal));
    });
  }

  test('with a status that means something else is a bad reply', async () => {
    for (const status of [201, 203, 226]) {
      says('12345', good, status);
      await rejectsWith('bad-reply', store.read('key', {}, signal));
    }
  });
});

describe('an answer that HTTP allows is accepted', () => {
  const good = { 'etag': '"e"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };
  const pin = { etag: '"e"', size: 5, lastModified: Date.parse(good['last-modified']) };

  /** Without a Content-Length. */
  function chunks(text: string, headers: Record<string, string> = {}, status = 200): void {
    answers.push((response) => {
      response.writeHead(status, { ...good, ...headers });
      response.write(text.slice(0, 1));
      response.end(text.slice(1));
    });
  }

  for (const [what, answer, options, text] of [
    ['200 to a range that is the whole', () => says('12345', good), { first: 0, last: 4 }, '12345'],
    ['200 to a range beyond the whole', () => says('12345', good), { first: 0, last: 99 }, '12345'],
    [
      '200 with the range that was requested',
      () => says('23', { ...good, 'content-range': 'bytes 1-2/5' }),
      { first: 1, last: 2 },
      '23',
    ],
    [
      '206 to a read without a range, if it is the whole',
      () => says('12345', { ...good, 'content-range': 'bytes 0-4/5' }, 206),
      undefined,
      '12345',
    ],
    [
      'another spelling of the unit',
      () => says('23', { ...good, 'content-range': 'Bytes 1-2/5' }, 206),
      { first: 1, last: 2 },
      '23',
    ],
    [
      'a range without a Content-Length',
      () => chunks('23', { 'content-range': 'bytes 1-2/5' }, 206),
      { first: 1, last: 2 },
      '23',
    ],
  ] as const) {
    test(what, async () => {
      answer();
      const { head, body } = await store.read('key', { range: options }, signal);
      assert.equal(head.size, 5);
      assert.equal(Buffer.from(await body.bytes()).toString(), text);
    });
  }

  test('a range whose total is left open, of an object whose size is known', async () => {
    says('23', { ...good, 'content-range': 'bytes 1-2/*' }, 206);
    const { head, body } = await store.read('key', { range: { first: 1, last: 2 }, pin }, signal);
    assert.equal(head.size, 5);
    assert.equal(Buffer.from(await body.bytes()).toString(), '23');
  });

  test('a body without a length: a HEAD provides it', async () => {
    chunks('12345');
    says('', { ...good, 'content-length': '5' });
    chunks('12345');
    const { head, body } = await store.read('key', {}, signal);
    assert.equal(head.size, 5);
    assert.equal(Buffer.from(await body.bytes()).toString(), '12345');
  });

  test('a HEAD without a length: a read of one byte provides it', async () => {
    const silent = () => answers.push((response) => response.writeHead(200, good).end());
    silent();
    says('1', { ...good, 'content-range': 'bytes 0-0/5' }, 206);
    assert.equal((await store.head('key', signal)).size, 5);
    silent();
    says('', {}, 416);
    assert.equal((await store.head('key', signal)).size, 0);
    silent();
    chunks('12345');
    await rejectsWith('bad-reply', store.head('key', signal));
    silent();
    says('', {}, 404);
    await rejectsWith('not-found', store.head('key', signal));
  });

  for (const text of ['1234', '123456']) {
    test(`but a body without a length that has ${text.length} bytes of 5 is interrupted`, async () => {
      chunks(text);
      const { body } = await store.read('key', { pin }, signal);
      await rejectsWith('interrupted', body.bytes());
      chunks(text);
      const streamed = await store.read('key', { pin }, signal);
      await rejectsWith('interrupted', Array.fromAsync(streamed.body));
    });
  }

  test('fewer bytes than requested: the rest is read by another request', async () => {
    says('23', { ...good, 'content-range': 'bytes 1-2/5' }, 206);
    const { body } = await store.read('key', { range: { first: 1, last: 4 } }, signal);
    await rejectsWith('interrupted', body.bytes());
    says('23', { ...good, 'content-range': 'bytes 1-2/5' }, 206);
    says('4', { ...good, 'content-range': 'bytes 3-3/5' }, 206);
    says('5', { ...good, 'content-range': 'bytes 4-4/5' }, 206);
    const whole = await layered(store, {}).read('key', { range: { first: 1, last: 4 } }, signal);
    assert.equal(Buffer.concat(await Array.fromAsync(whole.body)).toString(), '2345');
  });

  test('204 for an object that is empty by its HEAD', async () => {
    const empty = () => answers.push((response) => response.writeHead(204, good).end());
    empty();
    says('', { ...good, 'content-length': '0' });
    empty();
    const { head, body } = await store.read('key', {}, signal);
    assert.deepEqual([head.size, (await body.bytes()).length], [0, 0]);
    empty();
    says('', { ...good, 'content-length': '5' });
    empty();
    await rejectsWith('bad-reply', store.read('key', {}, signal));
  });

  test('but the whole where a part was requested is unsupported', async () => {
    says('12345', good);
    await rejectsWith('unsupported', store.read('key', { range: { first: 1, last: 2 } }, signal));
  });
});

describe('a read of a version', () => {
  const good = { 'etag': '"e"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };

  test('is compared with the version that the answer names', async () => {
    says('12345', { ...good, 'x-amz-version-id': 'v1' });
    const { body } = await store.read('key', { versionId: 'v1' }, signal);
    body.discard();
    says('12345', { ...good, 'x-amz-version-id': 'v2' });
    await rejectsWith('changed', store.read('key', { versionId: 'v1' }, signal));
    says('12345', good);
    await rejectsWith('changed', store.read('key', { versionId: 'v1' }, signal));
  });
});

describe('a removal', () => {
  function deleted(inner: string): string {
    return `<DeleteResult>${inner}</DeleteResult>`;
  }

  test('fails with the first key that is kept', async () => {
    const missing = '<Error><Key>a</Key><Code>NoSuchKey</Code></Error>';
    const kept = '<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>';
    says(deleted(missing + kept));
    await assert.rejects(store.remove([{ key: 'a' }, { key: 'b' }], signal), {
      fault: 'denied',
      message: /AWS:bucket\/b: denied/,
    });
    says(deleted(missing));
    await store.remove([{ key: 'a' }, { key: 'b' }], signal);
  });
});

describe('an upload', () => {
  test('without an ID, or parts without an order, is a bad reply', async () => {
    says('<InitiateMultipartUploadResult></InitiateMultipartUploadResult>');
    await rejectsWith('bad-reply', store.startParts('key', {}, signal));
    const part = (number: number): string =>
      `<Part><PartNumber>${number}</PartNumber><Size>1</Size><ETag>e</ETag></Part>`;
    says(`<ListPartsResult>${part(2)}${part(1)}</ListPartsResult>`);
    await rejectsWith('bad-reply', store.resumeParts('key', 'id').listParts(signal));
    for (let page = 0; page < 2; page++) says(`<ListPartsResult>${truncated}</ListPartsResult>`);
    await rejectsWith('bad-reply', store.resumeParts('key', 'id').listParts(signal));
  });

  test('that is completed slowly, behind white space, is completed', async () => {
    says('\n\n <CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>');
    const upload = store.resumeParts('key', 'id');
    assert.equal((await upload.complete([{ number: 1, etag: '"e"' }], signal)).etag, '"e-1"');
  });
});

test('a bucket of another region is refused, and the message says where it is', async () => {
  const error = '<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message>';
  says(`${error}<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint></Error>`, {}, 301);
  await assert.rejects(store.list({}, signal), {
    fault: 'refused',
    message: /s3\.eu-west-1\.amazonaws\.com/,
  });
});
