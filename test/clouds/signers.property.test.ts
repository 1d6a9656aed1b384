import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import COS from 'cos-nodejs-sdk-v5';
import fc from 'fast-check';
import { Secret } from '../../src/platform/base/seal.ts';
import { canonicalQuery, encodeKey } from '../../src/platform/signing/url-encoding.ts';
import { bceAuthorization } from '../../src/platform/signing/bce-v1.ts';
import { cosAuthorization } from '../../src/platform/signing/cos.ts';
import { sha1Authorization, sha1Query, sha1Schemes } from '../../src/platform/signing/hmac-sha1.ts';
import { OssV4Signer } from '../../src/platform/signing/oss-v4.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** The product's signers sign whatever there is as the vendors' SDKs do. */

const require = createRequire(import.meta.url);

interface OssSigning {
  buildCanonicalString(method: string, resource: string, request: object, expires: string): string;
  computeSignature(secret: string, text: string): string;
  authorizationV4(...args: unknown[]): string;
}

interface BceAuth {
  generateAuthorization(...args: unknown[]): string;
}

interface KssAuth {
  getQueryStringSignature(secret: string, expires: number, bucket: string, key: string): string;
  generateAuth(id: string, secret: string, request: object): string;
}

// What these modules export is as their sources say.
const oss = require('ali-oss/lib/common/signUtils.js') as OssSigning;
const Bce = require('@baiducloud/sdk/src/auth.js') as new (id: string, secret: string) => BceAuth;
const kss = require('ks3/lib/auth.js') as KssAuth;

const id = 'AKIDtest';
const secretAccessKey = 'SKtest';
const key = { accessKeyId: id, secretAccessKey: new Secret(secretAccessKey) };
const bucket = 'example-bucket';
const now = Date.UTC(2023, 10, 14, 22, 13, 20);
const date = 'Tue, 14 Nov 2023 22:13:20 GMT';

const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((each) => each.isWellFormed());
const name = text.filter((each) => each !== '' && !each.startsWith('/'));
const method = fc.constantFrom('GET', 'PUT', 'HEAD', 'DELETE', 'POST');
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);

function headersOf(prefix: string): fc.Arbitrary<Record<string, string>> {
  return fc.dictionary(
    fc.oneof(
      fc.stringMatching(/^[a-z]{1,8}$/).map((word) => `${prefix}meta-${word}`),
      fc.constantFrom('content-type', 'content-md5'),
    ),
    value,
    { maxKeys: 4, noNullPrototype: true },
  );
}

const subResources = fc.record(
  { 'uploadId': value, 'partNumber': value, 'response-content-type': value },
  { requiredKeys: [], noNullPrototype: true },
);

const query = fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,8}$/), text, {
  maxKeys: 4,
  noNullPrototype: true,
});

function hold<T>(arbitrary: fc.Arbitrary<T>, agree: (sample: T) => void): void {
  fc.assert(fc.property(arbitrary, agree), { numRuns: 500, interruptAfterTimeLimit: 5000 });
}

describe('signers and SDKs agree', series('sdk-signatures', { way: 'SDK' }), () => {
  test('OSS, version 1', () => {
    const samples = fc.record({ method, name, headers: headersOf('x-oss-'), query: subResources });
    hold(samples, (sample) => {
      const resource = `/${bucket}/${sample.name}`;
      const request = { headers: sample.headers, parameters: sample.query };
      const lines = oss.buildCanonicalString(sample.method, resource, request, date);
      assert.equal(
        sha1Authorization(sha1Schemes.OSS, key, { ...sample, bucket, key: sample.name }, date),
        `OSS ${id}:${oss.computeSignature(secretAccessKey, lines)}`,
      );
    });
  });

  test('OSS, version 4', proves('signature', 'Aliyun'), () => {
    const signer = new OssV4Signer(key, 'cn-hangzhou');
    hold(fc.record({ method, name, headers: headersOf('x-oss-'), query }), (sample) => {
      const path = `/${encodeKey(sample.name)}`;
      // It signs `name=` where the reference has the name alone.
      const parameters = Object.entries(sample.query).filter(([, each]) => each !== '');
      const queries = Object.fromEntries(parameters);
      const signed = signer.sign({
        ...{ method: sample.method, host: 'h', path, resource: `/${bucket}${path}`, now },
        query: canonicalQuery(queries),
        headers: Object.entries(sample.headers).flat(),
      });
      const headers = pairs(signed);
      const { authorization, ...others } = headers;
      assert.equal(
        authorization,
        oss.authorizationV4(
          ...[id, secretAccessKey, 'cn-hangzhou', sample.method],
          ...[{ headers: others, queries }, bucket, sample.name, undefined],
        ),
      );
    });
  });

  test('COS', proves('signature', 'Tencent'), () => {
    hold(fc.record({ method, name, headers: headersOf('x-cos-'), query }), (sample) => {
      assert.equal(
        cosAuthorization(
          key,
          { ...sample, path: `/${sample.name}` },
          { from: 1_700_000_000, until: 1_700_003_600 },
        ),
        COS.getAuthorization({
          ...{ SecretId: id, SecretKey: secretAccessKey, KeyTime: '1700000000;1700003600' },
          ...{ Method: sample.method, Key: sample.name, UseRawKey: true },
          ...{ Query: sample.query, Headers: sample.headers },
        }),
      );
    });
  });

  test('BOS', proves('signature', 'Baidu'), () => {
    const auth = new Bce(id, secretAccessKey);
    hold(fc.record({ method, name, headers: headersOf('x-bce-'), query }), (sample) => {
      const path = `/v1/${bucket}/${encodeKey(sample.name)}`;
      const headers = { host: 'bj.bcebos.com', ...sample.headers };
      assert.equal(
        bceAuthorization(
          key,
          {
            ...{ method: sample.method, path, query: canonicalQuery(sample.query) },
            headers: Object.entries(headers),
          },
          { date: '2023-11-14T22:13:20Z', lifetime: 1800 },
        ),
        auth.generateAuthorization(sample.method, path, sample.query, headers, now / 1000, 1800),
      );
    });
  });

  test('KS3', () => {
    const plain = name.filter((each) => !/[!'()*]/.test(each)); // Which it does not encode.
    hold(fc.record({ method, name: plain, headers: headersOf('x-kss-') }), (sample) => {
      const path = encodeKey(sample.name);
      const { 'content-type': type = '', ...headers } = sample.headers;
      delete headers['content-md5']; // It never sends one.
      const request = {
        ...{ uri: 'http://h/', method: sample.method, date, type, headers },
        resource: `/${bucket}/${path}`,
      };
      assert.equal(
        sha1Authorization(
          sha1Schemes.KSS,
          key,
          {
            ...{ method: sample.method, bucket, key: sample.name },
            headers: { ...headers, 'content-type': type },
          },
          date,
        ),
        kss.generateAuth(id, secretAccessKey, request),
      );
      assert.equal(
        sha1Query(sha1Schemes.KSS, key, { method: 'GET', bucket, key: sample.name }, 1_700_003_600)[
          'Signature'
        ],
        kss.getQueryStringSignature(secretAccessKey, 1_700_003_600, bucket, path),
      );
    });
  });
});

function pairs(flat: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) found[flat[at] ?? ''] = flat[at + 1] ?? '';
  return found;
}
