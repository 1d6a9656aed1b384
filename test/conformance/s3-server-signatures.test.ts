import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmacSchemes } from '../kit/s3-server/signatures/hmac.ts';
import type { Signed } from '../kit/s3-server/signed.ts';

/* What our servers take for a good signature is what was published, or made with a vendor's SDK. */

interface Vector {
  readonly scheme: keyof typeof hmacSchemes;
  readonly signed: Pick<Signed, 'bucketName' | 'key'> & Partial<Signed>;
  readonly secrets: readonly [id: string, secret: string];
  readonly now: string;
}

const sdkKey = ['AKtest', 'SKtest'] as const;
const oddKey = 'dir/a b+c 中.txt';

const vectors: Readonly<Record<string, Vector>> = {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
  'AWS, version 2, in headers': {
    scheme: 'aws-v2',
    secrets: ['AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    now: 'Tue, 27 Mar 2007 19:36:42 +0000',
    signed: {
      inHost: true,
      bucketName: 'awsexamplebucket1',
      key: 'photos/puppy.jpg',
      headers: {
        date: 'Tue, 27 Mar 2007 19:36:42 +0000',
        authorization: 'AWS AKIAIOSFODNN7EXAMPLE:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=',
      },
    },
  },
  'OBS, in a URL': {
    scheme: 'obs',
    secrets: sdkKey,
    now: 'Tue, 14 Nov 2023 22:13:20 GMT',
    signed: {
      ...{ bucketName: 'examplebucket', key: 'dir/test.txt' },
      query: new Map([
        ['AccessKeyId', 'AKtest'],
        ['Expires', '1700003600'],
        ['Signature', 'VMwTzH7+Vs5+wOVErMHDjAhU+Bo='],
      ]),
    },
  },
  'OBS, in a URL, with headers': {
    scheme: 'obs',
    secrets: sdkKey,
    now: 'Tue, 14 Nov 2023 22:13:20 GMT',
    signed: {
      ...{ method: 'PUT', bucketName: 'examplebucket', key: oddKey },
      headers: {
        'x-obs-storage-class': 'WARM',
        'content-type': 'text/plain',
        'x-obs-meta-k': 'v',
      },
      query: new Map([
        ['AccessKeyId', 'AKtest'],
        ['Expires', '1700003600'],
        ['Signature', 'po6uoyEt69Aw9mYeZaJdPLVqRdc='],
      ]),
    },
  },
  'KSS, in headers': {
    scheme: 'kss',
    secrets: sdkKey,
    now: 'Tue, 14 Nov 2023 22:13:20 GMT',
    signed: {
      ...{ bucketName: 'examplebucket', key: 'dir/test.txt' },
      headers: {
        date: 'Tue, 14 Nov 2023 22:13:20 GMT',
        authorization: 'KSS AKtest:fAatTJ9Pz+QuIIjJAXw6GGtDCjw=',
      },
    },
  },
  'OSS, in a URL': {
    scheme: 'oss-v1',
    secrets: ['LTAItestAK', 'testSK'],
    now: 'Tue, 14 Nov 2023 22:13:20 GMT',
    signed: {
      ...{ bucketName: 'examplebucket', key: oddKey },
      query: new Map([
        ['OSSAccessKeyId', 'LTAItestAK'],
        ['Expires', '1700003600'],
        ['Signature', 'FeuAZ3Qyta0I4SnTAg3abM/YUu8='],
      ]),
    },
  },
};

for (const [name, vector] of Object.entries(vectors)) {
  const { scheme, secrets, now, signed } = vector;

  function verify(secret: string, time: number): void {
    const { inHost = false, bucketName, key } = signed;
    const path = `/${encodeURIComponent(key).replaceAll('%2F', '/')}`;
    const request: Signed = {
      ...{ method: 'GET', headers: {}, rawQuery: '', query: new Map(), inHost },
      rawPath: inHost ? path : `/${bucketName}${path}`,
      ...signed,
    };
    assert.ok(hmacSchemes[scheme].claims(request));
    const gate = { secrets: new Map([[secrets[0], secret]]), region: undefined, now: () => time };
    hmacSchemes[scheme].verify(request, gate);
  }

  test(`${name}: the vector is taken, with its key, in its time`, () => {
    const time = Date.parse(now);
    verify(secrets[1], time);
    assert.throws(() => verify(`${secrets[1]}x`, time), { code: 'SignatureDoesNotMatch' });
    assert.throws(() => verify(secrets[1], time + 86_400_000));
  });
}
