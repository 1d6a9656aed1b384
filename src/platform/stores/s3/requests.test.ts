import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorOf } from '../../../../test/kit/error-of.ts';
import { sentBy } from '../../../../test/kit/recorded-requests.ts';
import type { Store } from '../store.ts';

const { signal } = new AbortController();

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
    const { sent } = await sentBy('Baidu', [{}], (store) =>
      store.remove([{ key: 'a' }, { key: 'b' }], signal),
    );
    assert.equal(sent[0]?.line, 'POST /bucket/?delete=');
    assert.equal(sent[0].body, '{"objects":[{"key":"a"},{"key":"b"}]}');
    const text = JSON.stringify({ errors: [{ key: 'b', code: 'AccessDenied', message: 'm' }] });
    await assert.rejects(
      sentBy('Baidu', [{ text }], (store) => store.remove([{ key: 'a' }, { key: 'b' }], signal)),
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
    for (const [dialect, message] of [
      ['AWS', /2049 bytes, where 2048 are the most of all/],
      // With the prefix, x-cos-meta- or x-amz-meta-.
      ['Tencent', /2060 bytes, where 2048 are the most of one/],
      ['MinIO', /2060 bytes, where 2048 are the most of all/],
      ['Aliyun', undefined],
      ['HuaweiCloud', undefined],
      ['S3', undefined],
    ] as const) {
      const put = () =>
        sentBy(dialect, [{}], (store) => store.put('key', body, { userMetadata }, signal));
      if (message === undefined) await put();
      else await assert.rejects(put(), { fault: 'refused', message });
    }
  });

  describe('that is refused names the metadata that may be why,', () => {
    const refusal = (code: string, status = 400) => ({
      ...{ status, headers: { 'content-type': 'application/xml' } },
      text: `<Error><Code>${code}</Code><Message>No.</Message></Error>`,
    });
    const without = 'without {metadata} they stay behind';
    const suspect = `if other objects are copied, it may be the metadata a_b: ${without}`;
    for (const [reply, words] of [
      [refusal('MetadataTooLarge'), `No; it may be the metadata a_b, c-d: ${without}`],
      [refusal('InvalidArgument'), `No; it may be the metadata a_b, c-d: ${without}`],
      [{ status: 431 }, `it may be the metadata a_b, c-d: ${without}`],
      [refusal('SignatureDoesNotMatch', 403), `the secret key is wrong; ${suspect}`],
      [refusal('AccessDenied', 403), `No; ${suspect}`],
      [refusal('NoSuchBucket', 404), 'No.'],
      [refusal('InvalidStorageClass'), 'No.'],
    ] as const) {
      test(words, async () => {
        const userMetadata = { 'a_b': '1', 'c-d': '2' };
        for (const put of [
          async (store: Store) => {
            await store.put('key', body, { userMetadata }, signal);
          },
          async (store: Store) => {
            await store.startParts('key', { userMetadata }, signal);
          },
        ]) {
          const error = await errorOf(sentBy('S3', [reply], put));
          assert.equal(error.details.cloudMessage, words);
        }
      });
    }

    test('and none where there are none, or none that is unusual', async () => {
      for (const [reply, userMetadata, words] of [
        [refusal('InvalidArgument'), {}, 'No.'],
        [refusal('AccessDenied', 403), { plain: 'x', 'two-words': 'ü' }, 'No.'],
      ] as const) {
        const put = (store: Store) => store.put('key', body, { userMetadata }, signal);
        const error = await errorOf(sentBy('S3', [reply], put));
        assert.equal(error.details.cloudMessage, words);
      }
    });

    test('the first of them, where they are many', async () => {
      const names = Array.from({ length: 8 }, (_, at) => `n${at}`);
      const userMetadata = Object.fromEntries(names.map((name) => [name, '']));
      const put = (store: Store) => store.put('key', body, { userMetadata }, signal);
      const error = await errorOf(sentBy('S3', [refusal('InvalidArgument')], put));
      assert.match(error.message, /metadata n0, n1, n2, n3, n4 and 3 more: /);
    });
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

describe('a look at an object of AWS', () => {
  const headers = { 'content-length': '5', 'x-amz-checksum-crc64nvme': 'Ij6EhcgoyXg=' };
  const look = (store: Store) => store.head('key', signal);

  test('requests its CRC', async () => {
    const { sent, result } = await sentBy('AWS', [{ headers }], look);
    assert.equal(sent[0]?.headers['x-amz-checksum-mode'], 'ENABLED');
    assert.equal(result.crc64nvme, 'Ij6EhcgoyXg=');
  });

  test('does without, where the right to decrypt is missing', async () => {
    const { sent, result } = await sentBy('AWS', [{ status: 403 }, {}], look);
    assert.deepEqual(
      sent.map((request) => request.headers['x-amz-checksum-mode']),
      ['ENABLED', undefined],
    );
    assert.equal(result.crc64nvme, undefined);
  });

  test('is denied where that does not help', async () => {
    const denied = { status: 403 };
    await assert.rejects(sentBy('AWS', [denied, denied], look), { fault: 'denied' });
  });
});

test('a HEAD of MinIO has the code of a refusal in a header, whatever the server is called', async () => {
  const head = (store: Store) => store.head('key', signal);
  for (const [dialect, status, code, fault] of [
    ['MinIO', 403, 'SignatureDoesNotMatch', 'bad-credentials'],
    ['S3', 403, 'InvalidTokenId', 'bad-credentials'],
    ['S3', 404, 'NoSuchBucket', 'no-bucket'],
    ['S3', 404, 'NoSuchKey', 'not-found'],
    ['AWS', 404, 'NoSuchBucket', 'not-found'],
  ] as const) {
    const reply = { status, headers: { 'x-minio-error-code': code } };
    await assert.rejects(sentBy(dialect, [reply], head), { fault }, `${dialect} ${code}`);
  }
});

test('the Versity gateway says 404 of an access key that it does not know', async () => {
  const reply = { status: 404, text: '<Error><Code>XAdminUserNotFound</Code></Error>' };
  const read = (store: Store) => store.read('key', {}, signal);
  await assert.rejects(sentBy('S3', [reply], read), { fault: 'bad-credentials' });
});

test('a wrong clock is detected by the date of an answer of COS', async () => {
  const text = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const replies = [{ status: 403, text, headers: { date } }];
  const read = (store: Store) => store.read('key', {}, signal);
  await assert.rejects(sentBy('Tencent', replies, read), { fault: 'clock-skew' });
});
