import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, mock, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/platform/base/seal.ts';
import { encodeKey } from '../../src/platform/signing/url-encoding.ts';
import { qiniuDownloadUrl } from '../../src/platform/signing/cdn-native.ts';
import { type CdnIdentity, cdnSigner, type CdnTarget } from '../../src/platform/signing/cdn.ts';
import type { CdnAuthenticationType } from '../../src/platform/model/source-cdn.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/*
 * What signs for CDNs without a key, compared with the vendors' own SDKs over random names. The SDKs
 * are installed in this folder; where one is not, its test says so.
 */

const require = createRequire(import.meta.url);

/** The functions of the SDKs that these tests call. The SDKs have no types. */
interface Sdks {
  readonly 'qiniu': {
    readonly auth: { readonly digest: { readonly Mac: new (ak: string, sk: string) => object } };
    readonly conf: { readonly Config: new () => object };
    readonly rs: {
      readonly BucketManager: new (
        mac: object,
        config: object,
      ) => { privateDownloadUrl(origin: string, key: string, deadline: number): string };
    };
  };
  readonly 'ali-oss': new (
    options: object,
  ) => { signatureUrl(key: string, options: { readonly expires: number }): string };
  readonly 'cos-nodejs-sdk-v5': new (
    options: object,
  ) => { getAuth(options: object): string; getV4Auth(options: object): string };
  readonly 'ks3/lib/auth.js': {
    getQueryStringSignature(sk: string, expires: number, bucket: string, key: string): string;
  };
}

/** An SDK, or undefined after the test has been skipped for want of it. */
function sdk<Name extends keyof Sdks>(t: TestContext, name: Name): Sdks[Name] | undefined {
  try {
    // The packages are what their names say; `Sdks` says what is called of them.
    return require(name) as Sdks[Name];
  } catch {
    t.skip(`${name} is not installed`);
    return undefined;
  }
}

const now = 1_700_000_000;
const bucket = 'examplebucket-1250000000';
const origin = 'http://cdn.example.com';
const identity: CdnIdentity = {
  ...{ origin, bucket, appId: '1250000000' },
  credentials: { accessKeyId: 'AKtest', secretAccessKey: new Secret('SKtest') },
};

/** Names of any characters; SDKs take a slash in front away. */
const keys = fc
  .oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ minLength: 1 }))
  .filter((key) => !key.startsWith('/') && key.isWellFormed());

function signed(type: CdnAuthenticationType, key: string): CdnTarget {
  const request = { key, path: `/${encodeKey(key)}`, now, random: '2081660421' };
  return cdnSigner(type, undefined, identity)(request);
}

function parameter({ path }: CdnTarget, name: string): string {
  return new URL(path, origin).searchParams.get(name) ?? '';
}

describe(
  'what signs for a CDN agrees with the SDK of the vendor',
  series('sdk-cdn-signatures', { way: 'SDK' }),
  () => {
    test('Qiniu', proves('CDN', 'Qiniu'), (t) => {
      const qiniu = sdk(t, 'qiniu');
      if (qiniu === undefined) return;
      const mac = new qiniu.auth.digest.Mac('AKtest', 'SKtest');
      const manager = new qiniu.rs.BucketManager(mac, new qiniu.conf.Config());
      fc.assert(
        fc.property(keys, (key) => {
          const theirs = manager.privateDownloadUrl(origin, key, now + 3600);
          // Its encoder leaves some signs as they are; what is sent is what is signed.
          const [unsigned = ''] = theirs.split(/[?&]e=\d+&token=/);
          assert.equal(qiniuDownloadUrl(unsigned, identity.credentials, now + 3600), theirs);
        }),
      );
    });

    test('Aliyun', proves('CDN', 'Aliyun'), (t) => {
      const OSS = sdk(t, 'ali-oss');
      if (OSS === undefined) return;
      mock.timers.enable({ apis: ['Date'], now: now * 1000 });
      t.after(() => mock.timers.reset());
      const client = new OSS({
        ...{ accessKeyId: 'AKtest', accessKeySecret: 'SKtest', bucket, region: 'oss-cn-hangzhou' },
        ...{ endpoint: origin, cname: true },
      });
      fc.assert(
        fc.property(
          // It refuses a question mark in front, for some servers read it as a query.
          keys.filter((key) => !key.startsWith('?')),
          (key) => {
            const theirs = new URL(client.signatureUrl(key, { expires: 3600 })).searchParams;
            const ours = signed('ALIYUN_OSS_A', key);
            for (const name of ['OSSAccessKeyId', 'Expires', 'Signature']) {
              assert.equal(parameter(ours, name), theirs.get(name));
            }
          },
        ),
      );
    });

    test('Tencent, in the header', proves('CDN', 'Tencent'), (t) => {
      const Cos = sdk(t, 'cos-nodejs-sdk-v5');
      if (Cos === undefined) return;
      // It dates its signatures a second back, and we a minute.
      mock.timers.enable({ apis: ['Date'], now: (now - 59) * 1000 });
      t.after(() => mock.timers.reset());
      const cos = new Cos({ SecretId: 'AKtest', SecretKey: 'SKtest' });
      fc.assert(
        fc.property(keys, (Key) => {
          const theirs = cos.getAuth({ Method: 'get', Key, Expires: 3660, Headers: {}, Query: {} });
          assert.deepEqual(signed('TENCENT_COS_C', Key).headers, ['authorization', theirs]);
        }),
      );
    });

    test('Tencent, of the former interface', proves('CDN', 'Tencent'), (t) => {
      const Cos = sdk(t, 'cos-nodejs-sdk-v5');
      if (Cos === undefined) return;
      mock.timers.enable({ apis: ['Date'], now: now * 1000 });
      t.after(() => mock.timers.reset());
      const cos = new Cos({ SecretId: 'AKtest', SecretKey: 'SKtest' });
      const fields = (sign: string): string[][] => {
        const text = Buffer.from(sign, 'base64').subarray(20).toString();
        // The SDK's signature is valid for one object and for a time: it is neither of the two that OMS describes.
        return text
          .split('&')
          .map((pair) => pair.split('='))
          .filter(([name = '']) => 'abktf'.includes(name))
          .sort();
      };
      const plain = keys.filter((key) => !/[!'()*&=]/.test(key));
      fc.assert(
        fc.property(plain, (Key) => {
          const theirs = cos.getV4Auth({ Bucket: bucket, Key, Expires: 3600 });
          assert.deepEqual(fields(parameter(signed('TENCENT_COS_B', Key), 'sign')), fields(theirs));
        }),
      );
    });

    test('KingsoftCloud', proves('CDN', 'KingsoftCloud'), (t) => {
      const auth = sdk(t, 'ks3/lib/auth.js');
      if (auth === undefined) return;
      fc.assert(
        fc.property(keys, (key) => {
          const theirs = auth.getQueryStringSignature('SKtest', now + 3600, bucket, encodeKey(key));
          const ours = signed('KSYUN_PRIVATE_AUTHENTICATION', key);
          assert.equal(parameter(ours, 'Signature'), theirs);
        }),
      );
    });
  },
);
