import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { S3Code } from '../kit/s3-server/s3-error.ts';
import { dialectNames, type DialectName } from '../kit/s3-server/dialects.ts';
import { schemes } from '../kit/s3-server/schemes.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from '../kit/s3-server/server.ts';
import type { Gate, Signed } from '../kit/s3-server/signed.ts';
import type { SchemeName } from '../kit/s3-server/dialect.ts';

/* What the server's rows do where no client of a vendor's shows it. */

const MiB = 1024 ** 2;

/** A server that takes everybody's word, in path style; for OSS and COS the host has the bucket. */
function openServer(dialect: DialectName, options: S3ServerOptions = {}): Promise<S3Server> {
  return startS3Server({
    ...{ buckets: ['bucket'], verify: false, virtualHost: 'cloud.test', dialect },
    ...options,
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface Asking {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly host?: string;
}

/** Sends a request without `fetch`, because `fetch` does not allow to set the host. */
async function send(server: S3Server, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', body, headers = {}, host = `127.0.0.1:${server.port}` } = asking;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(server.url + path, { method, headers: { host, ...headers } }, resolve)
    .on('error', reject)
    .end(body);
  const response = await promise;
  return {
    status: response.statusCode ?? 0,
    headers: new Headers(Object.entries(response.headersDistinct).map(([n, v]) => [n, String(v)])),
    text: await text(response),
  };
}

function codeOf(answer: Answer): string | undefined {
  return /<Code>(\w+)<\/Code>/.exec(answer.text)?.[1];
}

const now = Date.UTC(2023, 10, 14, 22, 13, 20);

/** As published, or as the vendors' SDKs made them with the clock at that moment. */
const vectors: readonly {
  readonly scheme: SchemeName;
  readonly secret: readonly [id: string, secret: string];
  readonly key: string;
  readonly rawPath?: string;
  readonly method?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}[] = [
  {
    scheme: 'oss-v1',
    secret: ['LTAItestAK', 'testSK'],
    key: 'dir/a b+c 中.txt',
    query: {
      OSSAccessKeyId: 'LTAItestAK',
      Expires: '1700003600',
      Signature: 'FeuAZ3Qyta0I4SnTAg3abM/YUu8=',
    },
  },
  {
    scheme: 'oss-v1',
    secret: ['LTAItestAK', 'testSK'],
    key: 'dir/test.txt',
    headers: {
      date: 'Tue, 14 Nov 2023 22:13:20 GMT',
      authorization: 'OSS LTAItestAK:Iy/FJK2cBI1T8GJTN2glg/9tQvU=',
    },
  },
  {
    scheme: 'oss-v4',
    secret: ['LTAItestAK', 'testSK'],
    key: 'dir/test.txt',
    headers: {
      'x-oss-date': '20231114T221320Z',
      'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
      'authorization':
        'OSS4-HMAC-SHA256 Credential=LTAItestAK/20231114/cn-hangzhou/oss/aliyun_v4_request,' +
        'Signature=1bba95a2ebf1ea9d2100c3683a8494fc22bacce94ebefe380d6f103e02c224ce',
    },
  },
  {
    scheme: 'cos',
    secret: ['AKIDtest', 'SKtest'],
    key: 'dir/test.txt',
    headers: {
      authorization:
        'q-sign-algorithm=sha1&q-ak=AKIDtest&q-sign-time=1700000000;1700003600' +
        '&q-key-time=1700000000;1700003600&q-header-list=&q-url-param-list=' +
        '&q-signature=3b3c913da1b540628daf2e1cdf1169322e0efae9',
    },
  },
  {
    scheme: 'bce',
    secret: ['AKtest', 'SKtest'],
    key: 'dir/test.txt',
    rawPath: '/v1/examplebucket/dir/test.txt',
    headers: {
      host: 'bj.bcebos.com',
      authorization:
        'bce-auth-v1/AKtest/2023-11-14T22:13:20Z/1800/host/' +
        '870ff868ecb90e7e6fe8aa2d8b2243f72167e72ce0c86809b20279d9f5983b51',
    },
  },
  {
    scheme: 'obs',
    secret: ['AKtest', 'SKtest'],
    key: 'dir/test.txt',
    query: {
      AccessKeyId: 'AKtest',
      Expires: '1700003600',
      Signature: 'VMwTzH7+Vs5+wOVErMHDjAhU+Bo=',
    },
  },
  {
    scheme: 'kss',
    secret: ['AKtest', 'SKtest'],
    key: 'dir/test.txt',
    headers: {
      date: 'Tue, 14 Nov 2023 22:13:20 GMT',
      authorization: 'KSS AKtest:fAatTJ9Pz+QuIIjJAXw6GGtDCjw=',
    },
  },
];

describe('signatures of the clouds, by vectors', () => {
  for (const {
    scheme,
    secret,
    key,
    rawPath,
    method = 'GET',
    query = {},
    headers = {},
  } of vectors) {
    test(`${scheme}, ${key}, in ${'authorization' in headers ? 'headers' : 'a URL'}`, () => {
      const path = encodeURIComponent(key).replaceAll('%2F', '/');
      const signed: Signed = {
        ...{ method, headers, bucketName: 'examplebucket', key, inHost: rawPath === undefined },
        rawPath: rawPath ?? `/${path}`,
        rawQuery: new URLSearchParams(query).toString(),
        query: new Map(Object.entries(query)),
      };
      const gate: Gate = { secrets: new Map([secret]), region: undefined, now: () => now };
      assert.ok(schemes[scheme].claims(signed));
      schemes[scheme].verify(signed, gate);
      const wrong: Gate = { ...gate, secrets: new Map([[secret[0], 'another']]) };
      const mismatch = { code: 'SignatureDoesNotMatch' satisfies S3Code };
      assert.throws(() => schemes[scheme].verify(signed, wrong), mismatch);
      const late: Gate = { ...gate, now: () => now + 2 * 3_600_000 };
      assert.throws(() => schemes[scheme].verify(signed, late));
    });
  }
});

describe('a restore', () => {
  const ask = (server: S3Server, days: number): Promise<Answer> => {
    const body = `<RestoreRequest><Days>${days}</Days></RestoreRequest>`;
    return send(server, '/ice?restore', { method: 'POST', body, host: 'bucket.cloud.test' });
  };

  for (const [row, storageClass, daysMax] of [
    ['oss', 'GLACIER', 7],
    ['oss', 'COLD_ARCHIVE', 365],
    ['ks3', 'GLACIER', 7],
    ['obs', 'GLACIER', 30],
    ['cos', 'GLACIER', 365],
    ['qiniu', 'GLACIER', 7],
  ] as const) {
    test(`of ${storageClass} at ${row} is for ${daysMax} days at most`, async () => {
      await using server = await openServer(row);
      server.bucket('bucket').put('ice', 'ice', { storageClass });
      for (const days of [0, daysMax + 1]) {
        const answer = await ask(server, days);
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'InvalidArgument']);
      }
      assert.equal((await ask(server, daysMax)).status, 202);
    });
  }

  test('at COS is reported with its tier and its time while it lasts', async () => {
    await using server = await openServer('cos');
    const head = () => send(server, '/ice', { method: 'HEAD', host: 'bucket.cloud.test' });
    server.bucket('bucket').put('ice', 'ice', { storageClass: 'GLACIER' });
    assert.equal((await head()).headers.get('x-cos-restore-status'), null);
    await ask(server, 1);
    const ongoing = (await head()).headers;
    assert.equal(ongoing.get('x-cos-restore'), 'ongoing-request="true"');
    assert.match(
      ongoing.get('x-cos-restore-status') ?? '',
      /^tier="standard"; request-date="\w+, \d+ \w+ \d+ [\d:]+ GMT"$/,
    );
    server.bucket('bucket').finishRestore('ice');
    const done = (await head()).headers;
    assert.match(done.get('x-cos-restore') ?? '', /^ongoing-request="false"/);
    assert.equal(done.get('x-cos-restore-status'), null);
  });
});

describe('the wrong place', () => {
  const elsewhere = { bucket: { region: 'eu-west-1', endpoint: 's3.eu-west-1.cloud.test' } };

  test('S3 refuses a request for a bucket of another region with the region and the endpoint', async () => {
    await using server = await openServer('s3', { elsewhere });
    const answer = await send(server, '/bucket/key');
    assert.equal(answer.status, 301);
    assert.equal(codeOf(answer), 'PermanentRedirect');
    assert.equal(answer.headers.get('x-amz-bucket-region'), 'eu-west-1');
    assert.match(answer.text, /<Endpoint>s3\.eu-west-1\.cloud\.test<\/Endpoint>/);
  });

  test('OSS denies, and names the endpoint; it takes no path style', async () => {
    await using server = await openServer('oss', { elsewhere });
    assert.equal(codeOf(await send(server, '/bucket/key')), 'SecondLevelDomainForbidden');
    const answer = await send(server, '/key', { host: 'bucket.cloud.test' });
    assert.equal(answer.status, 403);
    assert.equal(codeOf(answer), 'AccessDenied');
    assert.match(answer.text, /<Endpoint>s3\.eu-west-1\.cloud\.test<\/Endpoint>/);
  });

  test('a signature for another region is refused with the right region', async () => {
    await using server = await openServer('s3', { region: 'eu-west-1', verify: true });
    const scope = '20231114/us-east-1/s3/aws4_request';
    const answer = await send(server, '/bucket/key', {
      headers: {
        'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
        'authorization':
          `AWS4-HMAC-SHA256 Credential=TESTACCESSKEY/${scope}, ` +
          `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${'0'.repeat(64)}`,
      },
    });
    assert.equal(answer.status, 400);
    assert.equal(codeOf(answer), 'AuthorizationHeaderMalformed');
  });
});

describe('limits', () => {
  async function putParts(server: S3Server, sizes: readonly number[]): Promise<Answer> {
    const begun = await send(server, '/bucket/key?uploads', { method: 'POST' });
    const id = /<UploadId>(.*)<\/UploadId>/.exec(begun.text)?.[1] ?? '';
    let parts = '';
    for (const [index, size] of sizes.entries()) {
      const path = `/bucket/key?partNumber=${index + 1}&uploadId=${id}`;
      const { headers } = await send(server, path, { method: 'PUT', body: Buffer.alloc(size) });
      parts += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${headers.get('etag') ?? ''}</ETag></Part>`;
    }
    const body = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;
    return send(server, `/bucket/key?uploadId=${id}`, { method: 'POST', body });
  }

  for (const [dialect, sizes, code] of [
    ['us3', [8 * MiB, 1], undefined],
    ['us3', [4 * MiB, 4 * MiB, 1], 'InvalidPart'],
    ['r2', [6 * MiB, 6 * MiB, 1], undefined],
    ['r2', [6 * MiB, 5 * MiB, 1], 'InvalidPart'],
  ] as const) {
    test(`${dialect}: parts of ${sizes.join(', ')} bytes`, async () => {
      await using server = await openServer(dialect);
      const answer = await putParts(server, sizes);
      assert.equal(codeOf(answer), code);
      assert.equal(answer.status, code === undefined ? 200 : 400);
    });
  }

  for (const [dialect, bytes, status] of [
    ['s3', 2048, 200],
    ['s3', 2049, 400],
    ['obs', 8192, 200],
    ['obs', 8193, 400],
    // With the prefix.
    ['minio', 2048 - 11, 200],
    ['minio', 2049 - 11, 400],
    // Each by itself, with the prefix.
    ['cos', 2048 - 11, 200],
    ['cos', 2049 - 11, 400],
    ['qiniu', 1024, 200],
    ['qiniu', 1025, 400],
  ] as const) {
    test(`${dialect}: metadata of ${bytes} bytes`, async () => {
      await using server = await openServer(dialect);
      const prefix = dialect === 'cos' ? 'x-cos-meta-' : 'x-amz-meta-';
      const headers = { [`${prefix}m`]: 'x'.repeat(bytes - 1) };
      const asking = { method: 'PUT', body: 'x', headers, host: 'bucket.cloud.test' };
      const answer = await send(server, '/key', asking);
      assert.equal(answer.status, status);
    });
  }

  test('encryption and classes that a cloud has not are refused', async () => {
    for (const [dialect, headers, code] of [
      ['qiniu', { 'x-amz-server-side-encryption': 'aws:kms' }, 'NotImplemented'],
      ['s3', { 'x-amz-server-side-encryption': 'cos/kms' }, 'InvalidArgument'],
      ['minio', { 'x-amz-storage-class': 'GLACIER' }, 'InvalidStorageClass'],
      ['obs', { 'x-amz-meta-m': 'gr\u00fcn' }, 'InvalidArgument'],
      ['obs', { 'content-disposition': 'gr\u00fcn' }, 'InvalidArgument'],
      ['oss', { 'x-oss-meta-a_b': '' }, 'InvalidArgument'],
      ['cos', { 'x-cos-meta-a_b': '' }, 'SignatureDoesNotMatch'],
      ['qingstor', { 'x-amz-meta-a_b': '' }, 'InvalidArgument'],
      ['qingstor', { [`x-amz-meta-${'a'.repeat(513)}`]: '' }, 'MetadataTooLarge'],
      ['qiniu', { 'x-amz-meta-a.b': '' }, 'InvalidArgument'],
      ['qiniu', { [`x-amz-meta-${'a'.repeat(51)}`]: '' }, 'MetadataTooLarge'],
    ] as const) {
      await using server = await openServer(dialect);
      const asking = { method: 'PUT', body: 'x', headers, host: 'bucket.cloud.test' };
      assert.equal(codeOf(await send(server, '/key', asking)), code, dialect);
    }
  });
});

test('each cloud reports too many requests with its own code', async () => {
  for (const dialect of dialectNames) {
    await using server = await openServer(dialect);
    server.faults.add({ kind: 'status', ...server.dialect.throttled });
    const host = server.dialect.pathStyle ? '/bucket/key' : '/';
    const answer = await send(server, host);
    assert.equal(answer.status, server.dialect.throttled.status, dialect);
    assert.ok(answer.text.includes(server.dialect.throttled.code), dialect);
  }
});
