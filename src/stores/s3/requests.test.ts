import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Secret } from '../../base/seal.ts';
import { openAdapter } from '../open-store.ts';
import type { Store } from '../store.ts';
import type { S3DialectName } from './dialects.ts';

const { signal } = new AbortController();

interface Sent {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** Runs a call on a store of a dialect, against given answers, and tells what was sent. */
async function sentBy<T>(
  dialect: S3DialectName,
  replies: readonly Reply[],
  call: (store: Store) => Promise<T>,
): Promise<{ readonly sent: readonly Sent[]; readonly result: T }> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    const pieces: Uint8Array[] = [];
    request.on('data', (piece: Uint8Array) => pieces.push(piece));
    request.on('end', () => {
      const { status = 200, headers, text = '' } = replies[sent.length] ?? {};
      const { method = '', url = '' } = request;
      const body = Buffer.concat(pieces).toString();
      sent.push({ line: `${method} ${url}`, headers: request.headers, body });
      const usual = { 'etag': '"e"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' };
      response.writeHead(status, {
        'content-length': Buffer.byteLength(text),
        ...usual,
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  try {
    await using store = openAdapter({
      dialect,
      region: 'r',
      bucket: 'bucket',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'id', secretAccessKey: new Secret('secret') },
    });
    return { sent, result: await call(store) };
  } finally {
    server.close();
  }
}

describe('a restore', () => {
  const ask = (store: Store) => store.restore('key', { days: 10 }, signal);
  const s3 = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  const minute = 60_000;
  for (const [dialect, header, storageClass, body, checkAfterMs] of [
    [
      'AWS',
      'x-amz-storage-class',
      'GLACIER',
      `<RestoreRequest ${s3}><Days>10</Days><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>`,
      30 * minute,
    ],
    [
      'AWS',
      'x-amz-storage-class',
      'INTELLIGENT_TIERING',
      `<RestoreRequest ${s3}><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>`,
      30 * minute,
    ],
    [
      'Aliyun',
      'x-oss-storage-class',
      'Archive',
      '<RestoreRequest><Days>7</Days></RestoreRequest>',
      minute,
    ],
    [
      'Aliyun',
      'x-oss-storage-class',
      'DeepColdArchive',
      '<RestoreRequest><Days>10</Days><JobParameters><Tier>Standard</Tier></JobParameters></RestoreRequest>',
      120 * minute,
    ],
    [
      'Tencent',
      'x-cos-storage-class',
      'DEEP_ARCHIVE',
      '<RestoreRequest><Days>10</Days><CASJobParameters><Tier>Standard</Tier></CASJobParameters></RestoreRequest>',
      120 * minute,
    ],
    [
      'KingsoftCloud',
      'x-kss-storage-class',
      'COLD_ARCHIVE',
      `<RestoreRequest ${s3}><Days>10</Days><JobParameters><Tier>Standard</Tier></JobParameters></RestoreRequest>`,
      30 * minute,
    ],
  ] as const) {
    test(`${dialect}, ${storageClass}: ${body}`, async () => {
      const replies = [{ headers: { [header]: storageClass } }, { status: 202 }];
      const { sent, result } = await sentBy(dialect, replies, ask);
      assert.deepEqual(
        sent.map(({ line }) => line),
        ['HEAD /bucket/key', 'POST /bucket/key?restore='],
      );
      assert.equal(sent[1]?.body, body);
      assert.equal(result.checkAfterMs, checkAfterMs);
    });
  }

  test('Baidu: in headers, without a look', async () => {
    const { sent } = await sentBy('Baidu', [{}], ask);
    const [only] = sent;
    assert.equal(sent.length, 1);
    assert.equal(only?.body, '');
    assert.equal(only.headers['x-bce-restore-days'], '10');
    assert.equal(only.headers['x-bce-restore-tier'], 'Standard');
  });

  test('Google: nothing is to be restored', async () => {
    await assert.rejects(sentBy('Google', [], ask), { fault: 'unsupported' });
  });
});

describe('JSON documents', () => {
  test('list objects', async () => {
    const contents = [
      { key: 'p/a\u0001 "', size: 3, eTag: 'abc', lastModified: '2023-11-14T22:13:20Z' },
      {
        key: 'p/b',
        size: 0,
        eTag: 'd',
        lastModified: '2023-11-14T22:13:21Z',
        storageClass: 'COLD',
      },
    ];
    const text = JSON.stringify({ name: 'bucket', isTruncated: true, nextMarker: 'p/b', contents });
    const list = (store: Store) => store.list({ prefix: 'p/', after: 'p/', limit: 2 }, signal);
    const { sent, result } = await sentBy('Baidu', [{ text }], list);
    assert.equal(sent[0]?.line, 'GET /bucket/?marker=p%2F&maxKeys=2&prefix=p%2F');
    assert.deepEqual(
      result.entries.map(({ key, size, storageClass }) => [key, size, storageClass]),
      [
        ['p/a\u0001 "', 3, undefined],
        ['p/b', 0, 'COLD'],
      ],
    );
    assert.equal(result.next, 'p/b');
  });

  test('upload in parts', async () => {
    const replies = [
      { text: JSON.stringify({ bucket: 'bucket', key: 'key', uploadId: 'u' }) },
      { headers: { etag: '"p1"' } },
      {
        text: JSON.stringify({
          isTruncated: false,
          parts: [{ partNumber: 1, eTag: 'p1', size: 1, lastModified: '2023-11-14T22:13:20Z' }],
        }),
      },
      {
        text: JSON.stringify({ location: 'l', bucket: 'bucket', key: 'key', eTag: '-whole' }),
        headers: { 'x-bce-content-crc64ecma': '18446744073709551615' },
      },
    ];
    const { sent, result } = await sentBy('Baidu', replies, async (store) => {
      const upload = await store.startParts('key', {}, signal);
      const part = await upload.putPart(1, { content: Buffer.from('x'), size: 1 }, signal);
      assert.deepEqual(await upload.listParts(signal), [{ number: 1, size: 1, etag: 'p1' }]);
      return upload.complete([part], signal);
    });
    assert.deepEqual(
      sent.map(({ line }) => line),
      [
        'POST /bucket/key?uploads=',
        'PUT /bucket/key?partNumber=1&uploadId=u',
        'GET /bucket/key?maxParts=1000&uploadId=u',
        'POST /bucket/key?uploadId=u',
      ],
    );
    assert.equal(sent[3]?.body, '{"parts":[{"partNumber":1,"eTag":"p1"}]}');
    assert.equal(result.etag, '-whole');
    assert.equal(result.crc64, '18446744073709551615');
  });

  test('find uploads', async () => {
    const upload = { key: 'key', uploadId: 'u', initiated: '2023-11-14T22:13:20Z' };
    const text = JSON.stringify({
      isTruncated: false,
      uploads: [upload, { ...upload, key: 'k2' }],
    });
    const { sent, result } = await sentBy('Baidu', [{ text }], (store) =>
      store.listUploads('key', signal),
    );
    assert.equal(sent[0]?.line, 'GET /bucket/?maxUploads=1000&prefix=key&uploads=');
    assert.deepEqual(result, [{ key: 'key', id: 'u', startedAt: 1_700_000_000_000 }]);
  });

  test('remove keys, and an empty answer means all of them', async () => {
    const { sent } = await sentBy('Baidu', [{}], (store) => store.remove(['a', 'b'], signal));
    assert.equal(sent[0]?.line, 'POST /bucket/?delete=');
    assert.equal(sent[0].body, '{"objects":[{"key":"a"},{"key":"b"}]}');
    const text = JSON.stringify({ errors: [{ key: 'b', code: 'AccessDenied', message: 'm' }] });
    await assert.rejects(
      sentBy('Baidu', [{ text }], (store) => store.remove(['a', 'b'], signal)),
      { fault: 'denied', message: /bucket\/b/ },
    );
  });

  test('refuse', async () => {
    const text = JSON.stringify({ code: 'NoSuchBucket', message: 'm', requestId: 'r' });
    const headers = { 'x-bce-request-id': 'r' };
    await assert.rejects(
      sentBy('Baidu', [{ status: 404, text, headers }], (store) => store.list({}, signal)),
      { fault: 'no-bucket', message: /NoSuchBucket m/ },
    );
  });

  for (const text of ['', '[', '"x"', 'null', '7', '<Error/>']) {
    test(`are not ${JSON.stringify(text)}`, async () => {
      await assert.rejects(
        sentBy('Baidu', [{ text }], (store) => store.list({}, signal)),
        { fault: 'bad-reply' },
      );
    });
  }
});

describe('a put', () => {
  const body = { content: Buffer.from('x'), size: 1 };

  test('says classes, encryption and metadata in the words of the cloud', async () => {
    const options = {
      tier: 'DEEP_ARCHIVE',
      kms: true,
      userMetadata: { 'a-b': 'é' },
      contentType: 'text/plain',
    } as const;
    const put = (store: Store) => store.put('key', body, options, signal);
    const oss = await sentBy('Aliyun', [{}], put);
    assert.equal(oss.sent[0]?.headers['x-oss-storage-class'], 'ColdArchive');
    assert.equal(oss.sent[0].headers['x-oss-server-side-encryption'], 'KMS');
    assert.equal(oss.sent[0].headers['x-oss-meta-a-b'], '%C3%A9');
    const cos = await sentBy('Tencent', [{}], put);
    assert.equal(cos.sent[0]?.headers['x-cos-storage-class'], 'DEEP_ARCHIVE');
    assert.equal(cos.sent[0].headers['x-cos-server-side-encryption'], 'cos/kms');
    await assert.rejects(sentBy('Google', [{}], put), { fault: 'unsupported' });
  });

  test('with more metadata than are kept is refused, with both numbers', async () => {
    const userMetadata = { name: 'v'.repeat(2045) };
    for (const [dialect, fits] of [
      ['AWS', false],
      ['Tencent', false],
      ['Aliyun', true],
      ['S3', true],
    ] as const) {
      const put = () =>
        sentBy(dialect, [{}], (store) => store.put('key', body, { userMetadata }, signal));
      if (fits) await put();
      else await assert.rejects(put(), { fault: 'refused', message: /2049 bytes, where 2048/ });
    }
  });

  test('reads answers in either family of headers', async () => {
    const headers = {
      'x-goog-meta-a': '1',
      'x-amz-meta-b': '2',
      'x-goog-storage-class': 'NEARLINE',
    };
    const { result } = await sentBy('Google', [{ headers }], (store) => store.head('key', signal));
    assert.deepEqual(result.userMetadata, { a: '1', b: '2' });
    assert.equal(result.tier, 'IA');
  });
});

describe('an ETag that looks like an MD5', () => {
  const md5 = '0123456789abcdef0123456789abcdef';
  const other = 'f'.repeat(32);
  const etag = `"${md5}"`;

  for (const [dialect, headers, known] of [
    ['AWS', {}, true],
    ['AWS', { 'x-amz-server-side-encryption': 'AES256' }, true],
    ['AWS', { 'x-amz-server-side-encryption': 'aws:kms' }, false],
    ['AWS', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, false],
    ['HuaweiCloud', {}, true],
    ['HuaweiCloud', { 'x-amz-server-side-encryption': 'AES256' }, false],
    ['HuaweiCloud', { 'x-obs-server-side-encryption': 'AES256' }, false],
    ['HuaweiCloud', { 'x-obs-object-type': 'Appendable' }, false],
    ['HuaweiCloud', { 'x-amz-object-type': 'Appendable' }, false],
    ['Aliyun', { 'x-oss-object-type': 'Normal' }, true],
    ['Aliyun', { 'x-oss-object-type': 'Appendable' }, false],
    ['Aliyun', { 'x-oss-server-side-encryption': 'AES256' }, true],
    ['Tencent', { 'x-cos-object-type': 'normal' }, true],
    ['Tencent', { 'x-cos-object-type': 'appendable' }, false],
    ['QingCloud', {}, false],
    ['Qiniu', {}, false],
    ['UCloud', {}, false],
  ] as const) {
    test(`${dialect}, a head with ${JSON.stringify(headers)}: ${known ? 'is one' : 'is none'}`, async () => {
      const replies = [{ headers: { ...headers, etag } }];
      const { result } = await sentBy(dialect, replies, (store) => store.head('key', signal));
      assert.equal(result.md5, known ? md5 : undefined);
    });
  }

  for (const [dialect, sent, known] of [
    ['AWS', undefined, true],
    ['AWS', other, true],
    ['QingCloud', undefined, true],
    // A bucket may encrypt by itself, and then it is another sum of the same bytes.
    ['HuaweiCloud', md5, true],
    ['HuaweiCloud', other, false],
    ['HuaweiCloud', undefined, false],
    ['Qiniu', md5, false],
  ] as const) {
    test(`${dialect}, a receipt for ${sent ?? 'bytes without a sum'}: ${known ? 'is one' : 'is none'}`, async () => {
      const body = { content: Buffer.from('x'), size: 1, md5: sent };
      const replies = [{ headers: { etag } }];
      const put = await sentBy(dialect, replies, (store) => store.put('key', body, {}, signal));
      assert.equal(put.result.md5, known ? md5 : undefined);
      const part = await sentBy(dialect, replies, (store) =>
        store.resumeParts('key', 'u').putPart(1, body, signal),
      );
      assert.equal(part.result.md5, known ? md5 : undefined);
    });
  }

  test('of an object in parts, or of a copy, is none', async () => {
    const completed = `<CompleteMultipartUploadResult><ETag>${md5}</ETag></CompleteMultipartUploadResult>`;
    const whole = await sentBy('QingCloud', [{ text: completed }], (store) =>
      store.resumeParts('key', 'u').complete([{ number: 1, etag }], signal),
    );
    assert.equal(whole.result.md5, undefined);
    const copied = `<CopyObjectResult><ETag>${md5}</ETag></CopyObjectResult>`;
    const copy = await sentBy('AWS', [{ text: copied }], (store) =>
      store.copy({ bucket: 'other', key: 'key' }, 'key', signal),
    );
    assert.equal(copy.result.md5, undefined);
  });
});

describe('a copy names its source', () => {
  const from = { bucket: 'other-1250000000', key: 'a b' };
  const text = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>';
  for (const [dialect, header, source] of [
    ['AWS', 'x-amz-copy-source', /^\/other-1250000000\/a%20b$/],
    ['Aliyun', 'x-oss-copy-source', /^\/other-1250000000\/a%20b$/],
    ['Tencent', 'x-cos-copy-source', /^other-1250000000\.127\.0\.0\.1:\d+\/a%20b$/],
  ] as const) {
    test(dialect, async () => {
      const { sent } = await sentBy(dialect, [{ text }], (store) =>
        store.copy(from, 'key', signal),
      );
      assert.match(String(sent[0]?.headers[header]), source);
    });
  }
});

test('statuses and codes of the clouds are understood', async () => {
  for (const [dialect, reply, fault] of [
    ['Qiniu', { status: 573 }, 'throttled'],
    ['Qiniu', { status: 612 }, 'not-found'],
    ['Aliyun', { status: 503, text: '<Error><Code>ServiceBusy</Code></Error>' }, 'throttled'],
    ['Baidu', { status: 403, text: '{"code":"InvalidObjectState","message":""}' }, 'archived'],
    [
      'QingCloud',
      { status: 404, text: '<Error><Code>object_not_exists</Code></Error>' },
      'not-found',
    ],
  ] as const) {
    const read = (store: Store) => store.read('key', {}, signal);
    await assert.rejects(sentBy(dialect, [reply], read), { fault }, `${dialect} ${fault}`);
  }
});

test('COS tells a wrong clock by its date', async () => {
  const text = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const replies = [{ status: 403, text, headers: { date } }];
  const read = (store: Store) => store.read('key', {}, signal);
  await assert.rejects(sentBy('Tencent', replies, read), { fault: 'clock-skew' });
});
