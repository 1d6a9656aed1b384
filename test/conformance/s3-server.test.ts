import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { combineCrc, crc64Text, meter } from '../kit/s3-server/checksums.ts';
import { compareKeys } from '../kit/s3-server/key-index.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from '../kit/s3-server/server.ts';
import { testCertificate } from '../kit/s3-server/test-certificate.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** Starts a server that does not verify signatures, because these tests are not about authentication. */
function openServer(options: S3ServerOptions = {}): Promise<S3Server> {
  return startS3Server({ buckets: ['bucket'], verify: false, ...options });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request as it stands, headers and path untouched. */
function send(options: RequestOptions, body?: Buffer | string, tls = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    (tls ? tlsRequest : httpRequest)(options, (response) => {
      const { statusCode: status, headers } = response;
      response
        .toArray()
        .then((chunks) => resolve({ status, headers, text: chunks.join('') }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

describe(
  'signatures, by the examples of the S3 reference',
  series('s3-examples', { way: 'vector', clouds: ['AWS', 'S3'] }),
  () => {
    const accessKeys = [
      {
        accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      },
    ];
    const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
    const host = 'examplebucket.s3.amazonaws.com';
    const emptyHash = createHash('sha256').digest('hex');

    async function exampleServer(minutesLater = 0): Promise<S3Server> {
      const server = await startS3Server({
        accessKeys,
        virtualHost: 's3.amazonaws.com',
        buckets: ['examplebucket'],
        now: () => Date.UTC(2013, 4, 24) + minutesLater * 60_000,
      });
      server.bucket('examplebucket').put('test.txt', '0123456789abcdef');
      return server;
    }

    function authorization(signedHeaders: string, signature: string): string {
      return `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
    }

    const get = {
      path: '/test.txt',
      headers: {
        host,
        'range': 'bytes=0-9',
        'x-amz-date': '20130524T000000Z',
        'x-amz-content-sha256': emptyHash,
        'authorization': authorization(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
      },
    };

    // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    test('a GET signed in its headers', proves('signature'), async () => {
      await using server = await exampleServer();
      assert.equal((await send({ port: server.port, ...get })).text, '0123456789');
    });

    test('a clock that is off by more than a quarter of an hour', proves('signature'), async () => {
      await using late = await exampleServer(16);
      assert.match((await send({ port: late.port, ...get })).text, /RequestTimeTooSkewed/);
      await using nearly = await exampleServer(14);
      assert.equal((await send({ port: nearly.port, ...get })).status, 206);
    });

    test('a header that was changed on the way', proves('signature'), async () => {
      await using server = await exampleServer();
      const headers = { ...get.headers, range: 'bytes=0-8' };
      const { status, text } = await send({ port: server.port, ...get, headers });
      assert.equal(status, 403);
      assert.match(text, /SignatureDoesNotMatch/);
    });

    test('a PUT whose body is another', proves('signature'), async () => {
      await using server = await exampleServer();
      const body = 'Welcome to Amazon S3.';
      const put = {
        port: server.port,
        method: 'PUT',
        path: '/test%24file.text',
        headers: {
          host,
          'date': 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-date': '20130524T000000Z',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
          'authorization': authorization(
            'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
            '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
          ),
        },
      };
      assert.equal((await send(put, body)).status, 200);
      assert.match((await send(put, body.toUpperCase())).text, /XAmzContentSHA256Mismatch/);
      assert.equal(server.bucket('examplebucket').bytes('test$file.text')?.toString(), body);
    });

    // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    test('a presigned GET, and its end', proves('signature'), async () => {
      const path =
        `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}` +
        '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
      await using server = await exampleServer();
      assert.equal((await send({ port: server.port, path, headers: { host } })).status, 200);
      await using later = await exampleServer(24 * 60 + 1);
      const { text } = await send({ port: later.port, path, headers: { host } });
      assert.match(text, /Request has expired/);
    });

    // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    test('a body signed chunk by chunk', proves('signature'), async () => {
      const chunks: [number, string][] = [
        [65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
        [1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
        [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
      ];
      const body = chunks
        .map(
          ([size, mark]) =>
            `${size.toString(16)};chunk-signature=${mark}\r\n${'a'.repeat(size)}\r\n`,
        )
        .join('');
      await using server = await exampleServer();
      const put = {
        port: server.port,
        method: 'PUT',
        path: '/examplebucket/chunkObject.txt',
        headers: {
          'host': 's3.amazonaws.com',
          'x-amz-date': '20130524T000000Z',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
          'content-encoding': 'aws-chunked',
          'content-length': '66824',
          'x-amz-decoded-content-length': '66560',
          'authorization': authorization(
            'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;' +
              'x-amz-decoded-content-length;x-amz-storage-class',
            '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
          ),
        },
      };
      assert.equal((await send(put, body)).status, 200);
      const object = server.bucket('examplebucket').object('chunkObject.txt');
      assert.equal(object?.content.size, 66_560);
      assert.equal(object.contentHeaders['content-encoding'], undefined);
      assert.match((await send(put, body.replace('aaaa', 'abba'))).text, /SignatureDoesNotMatch/);
    });
  },
);

describe('checksums', () => {
  const digits = Buffer.from('123456789');
  const known = {
    crc32: 'cbf43926',
    crc32c: 'e3069283',
    crc64nvme: 'ae8b14860a799888',
    crc64: '995dc9bbdf1939fa',
  } as const;

  for (const name of ['crc32', 'crc32c', 'crc64nvme', 'crc64'] as const) {
    test(`${name} has its check value, in one piece and joined of two`, async () => {
      const whole = await meter(name);
      whole.update(digits);
      assert.equal(whole.digest().toString('hex'), known[name]);
      const [head, tail] = [await meter(name), await meter(name)];
      head.update(digits.subarray(0, 4));
      tail.update(digits.subarray(4));
      const [a, b] = [head, tail].map((each) => BigInt(`0x${each.digest().toString('hex')}`));
      assert.equal(combineCrc(name, a ?? 0n, b ?? 0n, 5), BigInt(`0x${known[name]}`));
    });
  }
});

test('keys are in the order of their UTF-8 bytes', () => {
  const keys = ['\uFF5E', '😀', 'a', 'ab', '', '\uE000', 'z', '日本', '\u{10FFFF}'];
  assert.deepEqual(
    keys.toSorted(compareKeys),
    keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
});

describe('what a test can do directly', () => {
  test('a test can add objects with chosen times, and read them', async () => {
    await using server = await openServer();
    const bucket = server.bucket('bucket');
    const lastModified = Date.UTC(2020, 1, 2);
    bucket.put('a/1', 'one', { userMetadata: { note: 'n' }, lastModified });
    const response = await fetch(`${server.url}/bucket/a/1`);
    assert.equal(response.headers.get('last-modified'), 'Sun, 02 Feb 2020 00:00:00 GMT');
    assert.equal(response.headers.get('x-amz-meta-note'), 'n');
    assert.equal(await response.text(), 'one');
    await fetch(`${server.url}/bucket/b`, { method: 'PUT', body: 'two' });
    assert.deepEqual(bucket.keys(), ['a/1', 'b']);
    assert.equal(bucket.bytes('b')?.toString(), 'two');
    assert.deepEqual(server.requests.all(), { GetObject: 1, PutObject: 1 });
  });

  test('it finishes a restore', async () => {
    await using server = await openServer();
    const bucket = server.bucket('bucket');
    bucket.put('cold', 'ice', { storageClass: 'GLACIER' });
    const url = `${server.url}/bucket/cold`;
    const restore = (): Promise<Response> =>
      fetch(`${url}?restore`, {
        method: 'POST',
        body: '<RestoreRequest><Days>1</Days></RestoreRequest>',
      });
    assert.equal((await fetch(url)).status, 403);
    assert.equal((await restore()).status, 202);
    assert.equal((await restore()).status, 409);
    assert.equal((await fetch(url)).status, 403);
    bucket.finishRestore('cold');
    assert.equal((await restore()).status, 200);
    const response = await fetch(url);
    assert.match(
      response.headers.get('x-amz-restore') ?? '',
      /ongoing-request="false", expiry-date=/,
    );
    assert.equal(await response.text(), 'ice');
  });

  test('its clock is the server’s', async () => {
    await using server = await openServer({ now: () => Date.UTC(2001, 0, 1) });
    const { headers } = await fetch(`${server.url}/bucket/k`, { method: 'PUT', body: 'x' });
    assert.equal(headers.get('date'), 'Mon, 01 Jan 2001 00:00:00 GMT');
    assert.equal(server.bucket('bucket').object('k')?.lastModified, Date.UTC(2001, 0, 1));
  });
});

describe('kinds of servers', () => {
  test('a sink keeps no bytes and serves sevens', async () => {
    await using server = await openServer({ sink: true });
    const url = `${server.url}/bucket/k`;
    const body = Buffer.alloc(600_000, 7);
    const put = await fetch(url, { method: 'PUT', body });
    assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), body);
    assert.equal(
      server.bucket('bucket').fill('f', 600_000).etag,
      put.headers.get('etag')?.slice(1, -1),
    );
  });

  test('obs gives CRC-64/XZ with every answer about an object', async () => {
    await using server = await openServer({ dialect: 'obs' });
    const url = `${server.url}/bucket/k`;
    const crc64 = 'x-amz-checksum-crc64ecma';
    const expected = BigInt('0x995dc9bbdf1939fa').toString();
    const put = (headers: Record<string, string> = {}): Promise<Response> =>
      fetch(url, { method: 'PUT', body: '123456789', headers });
    assert.equal((await put()).headers.get(crc64), expected);
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await fetch(url, { method })).headers.get(crc64), expected, method);
    }
    assert.equal((await put({ [crc64]: '1' })).status, 400);
    assert.equal((await fetch(`${server.url}/bucket?list-type=2`)).status, 501);
    assert.match(await (await fetch(`${server.url}/bucket`)).text(), /<Key>k<\/Key>/);
  });

  test('obs joins the CRCs of parts', async () => {
    await using server = await openServer({ dialect: 'obs' });
    const url = `${server.url}/bucket/k`;
    const begun = await (await fetch(`${url}?uploads`, { method: 'POST' })).text();
    const id = /<UploadId>(.*)<\/UploadId>/.exec(begun)?.[1] ?? '';
    const parts = [Buffer.alloc(100 * 1024, 'a'), Buffer.from('tail')];
    let list = '';
    for (const [i, body] of parts.entries()) {
      const part = await fetch(`${url}?partNumber=${i + 1}&uploadId=${id}`, {
        method: 'PUT',
        body,
      });
      const etag = part.headers.get('etag') ?? '';
      list += `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`;
    }
    const done = await fetch(`${url}?uploadId=${id}`, {
      method: 'POST',
      body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`,
    });
    const whole = await meter('crc64');
    for (const part of parts) whole.update(part);
    assert.equal(done.headers.get('x-amz-checksum-crc64ecma'), crc64Text(whole.digest()));
    const again = await fetch(`${url}?uploadId=${id}`, {
      method: 'POST',
      body: '<CompleteMultipartUpload/>',
    });
    assert.match(await again.text(), /NoSuchUpload/);
  });

  test('buckets in the host, over TLS', async () => {
    await using server = await openServer({ tls: testCertificate, virtualHost: 'localhost' });
    server.bucket('bucket').put('k', 'over TLS');
    const headers = { host: `bucket.localhost:${server.port}` };
    const { text } = await send(
      { port: server.port, path: '/k', headers, ca: testCertificate.cert },
      undefined,
      true,
    );
    assert.equal(text, 'over TLS');
  });

  test('a server in a separate process', async () => {
    const main = join(import.meta.dirname, '../kit/s3-server/main.ts');
    const child = spawn(process.execPath, [
      main,
      '--no-verify',
      '--fill',
      'full:3:10',
      '--bucket',
      'b',
    ]);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    assert.equal(await (await fetch(`${url}/full/object-00000002`)).text(), '\x07'.repeat(10));
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
