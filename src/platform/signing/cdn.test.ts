import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { cdnAuthentications, cdnAuthenticationTypes } from '../model/source-cdn.ts';
import { encodeKey } from './url-encoding.ts';
import { azureServiceSas } from './azure-sas.ts';
import { formerCosSignature, qiniuDownloadUrl } from './cdn-native.ts';
import * as url from './cdn-url.ts';
import { type CdnIdentity, cdnSigner, NoCdnKey } from './cdn.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

/** 2023-11-14T22:13:20Z: the vectors of SDKs were made with the clock held there. */
const now = 1_700_000_000;

function identity(
  [accessKeyId, secret]: readonly [string, string],
  { token, ...rest }: Partial<CdnIdentity> & { readonly token?: string } = {},
): CdnIdentity {
  const key = { accessKeyId, secretAccessKey: new Secret(secret) };
  return {
    origin: 'http://cdn.example.com',
    bucket: 'examplebucket',
    appId: undefined,
    credentials: token === undefined ? key : { ...key, sessionToken: new Secret(token) },
    ...rest,
  };
}

const aliyun = ['LTAItestAK', 'testSK'] as const;
const tencent = ['AKIDtest', 'SKtest'] as const;
const read = (key: string) => ({ key, path: `/${encodeKey(key)}`, now, random: '2081660421' });

describe('the URL authentication of a CDN', series('cdn-documents', { way: 'vector' }), () => {
  test("is that of Aliyun's documents", proves('CDN', 'Aliyun'), () => {
    const key = 'aliyuncdnexp1234';
    const path = '/video/standard/1K.html';
    assert.equal(
      url.aliyunCdnA({ path, key, now: 1_444_435_200, random: '0' }),
      `${path}?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f`,
    );
    const song = '/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3';
    assert.equal(
      url.aliyunCdnB({ path: song, key, now: Date.UTC(2015, 7, 15, 0, 0, 59) / 1000, random: '0' }),
      `/201508150800/9044548ef1527deadafa49a890a377f0${song}`,
    );
    assert.equal(
      url.aliyunCdnC({ path: '/test.flv', key, now: 0x55ce8100, random: '0' }),
      '/a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/test.flv',
    );
  });

  test("is that of Tencent's documents", proves('CDN', 'Tencent'), () => {
    const request = { path: '/foo.jpg', key: 'DvYmqE81E1F9R791H6lmht', random: '0' };
    const minute = Date.UTC(2024, 6, 15, 7, 33) / 1000;
    assert.equal(
      url.tencentCdnB({ ...request, now: minute }),
      '/202407151533/d1f0b51c6894231fc12e054fcc7f0b3e/foo.jpg',
    );
    assert.equal(
      url.tencentCdnC({ ...request, now: 0x6694d30a }),
      '/6688749e8906a726c12fe1be3aacd016/6694d30a/foo.jpg',
    );
  });

  // Two implementations of the documented algorithm agreed on these.
  for (const [name, sign, signed] of [
    ['A', url.tencentCdnA, `/test.jpg?sign=${now}-abc123-0-25d74b1788196115e15ef9bb7108192c`],
    ['B', url.tencentCdnB, '/202311150613/66817dbdf747b026b10f885b40e15edd/test.jpg'],
    ['C', url.tencentCdnC, '/b1f3b4d581be8c88e9f80fa55affb41f/6553f100/test.jpg'],
    ['D', url.tencentCdnD, `/test.jpg?sign=0cdf62ecee7b5c08b17ebffbd3f6427f&t=${now}`],
  ] as const) {
    test(`of Tencent's type ${name} is as computed before`, () => {
      const key = 'dimtm5evg50ijsx2hvuwyfoiu65';
      assert.equal(sign({ path: '/test.jpg', key, now, random: 'abc123' }), signed);
    });
  }
});

describe('the signature of a cloud itself', () => {
  test("of Qiniu is that of its SDK, 7.15.2, whatever encodes the name's plus", () => {
    const { credentials } = identity(['MY_ACCESS_KEY', 'MY_SECRET_KEY']);
    for (const [path, signature] of [
      ['dir/test.txt', '9LNa35hqyCEIgHw_X7BL3KRrPoI='],
      ['dir/a%20b+c%20%E4%B8%AD.txt', 'V4inGlTGVCaSh7d76kB-EjmER5o='],
    ] as const) {
      assert.equal(
        qiniuDownloadUrl(`http://cdn.example.com/${path}`, credentials, now + 3600),
        `http://cdn.example.com/${path}?e=1700003600&token=MY_ACCESS_KEY:${signature}`,
      );
    }
    const queried = qiniuDownloadUrl('http://cdn.example.com/a?attname=b', credentials, now);
    assert.match(queried, /\/a\?attname=b&e=1700000000&token=MY_ACCESS_KEY:/);
  });

  test("of COS's former interface is as computed before", () => {
    const { credentials } = identity(tencent);
    const request = { appId: '1250000000', bucket: 'examplebucket', now, random: '2081660421' };
    assert.equal(
      formerCosSignature(credentials, { ...request, good: { several: { until: now + 3600 } } }),
      'KbaJL2CUusuPSKZ3ccxYqUBQOyNhPTEyNTAwMDAwMDAmYj1leGFtcGxlYnVja2V0Jms9QUtJRHRlc3QmZT0xNzAwMDAzNjAwJnQ9MTcwMDAwMDAwMCZyPTIwODE2NjA0MjEmZj0=',
    );
    assert.equal(
      formerCosSignature(credentials, { ...request, good: { once: 'dir/test.txt' } }),
      'bwxBo+8aJPpI+X2za0ZZtGSoiA5hPTEyNTAwMDAwMDAmYj1leGFtcGxlYnVja2V0Jms9QUtJRHRlc3QmZT0wJnQ9MTcwMDAwMDAwMCZyPTIwODE2NjA0MjEmZj0vMTI1MDAwMDAwMC9leGFtcGxlYnVja2V0L2Rpci90ZXN0LnR4dA==',
    );
  });
});

describe('a type of authentication without a key', () => {
  test('ALIYUN_OSS_A is the signed URL of ali-oss 6.23.0', () => {
    const sign = cdnSigner('ALIYUN_OSS_A', undefined, identity(aliyun));
    for (const [key, path, signature] of [
      ['dir/test.txt', '/dir/test.txt', 'UnD3fQbB2ZBaqJR%2FZMaq8XogKIw%3D'],
      ['dir/a b+c 中.txt', '/dir/a%20b%2Bc%20%E4%B8%AD.txt', 'FeuAZ3Qyta0I4SnTAg3abM%2FYUu8%3D'],
    ] as const) {
      assert.deepEqual(sign(read(key)), {
        path: `${path}?OSSAccessKeyId=LTAItestAK&Expires=1700003600&Signature=${signature}`,
        headers: [],
      });
    }
  });

  test('ALIYUN_OSS_B is the header of OSS, with the token of temporary credentials too', () => {
    const date = 'Tue, 14 Nov 2023 22:13:20 GMT';
    assert.deepEqual(
      cdnSigner('ALIYUN_OSS_B', undefined, identity(aliyun))(read('dir/test.txt')).headers,
      ['date', date, 'authorization', 'OSS LTAItestAK:Iy/FJK2cBI1T8GJTN2glg/9tQvU='],
    );
    const temporary = identity(aliyun, { token: 'STSTOKEN' });
    assert.deepEqual(
      cdnSigner('ALIYUN_OSS_B', undefined, temporary)(read('dir/test.txt')).headers,
      [
        ...['x-oss-security-token', 'STSTOKEN', 'date', date],
        ...['authorization', 'OSS LTAItestAK:JSiShIm90zKeShoeVLAPZLi5yXM='],
      ],
    );
  });

  test('ALIYUN_OSS_C is the signed URL with a token', () => {
    const sign = cdnSigner('ALIYUN_OSS_C', undefined, identity(aliyun, { token: 'STSTOKEN' }));
    assert.equal(
      sign(read('dir/test.txt')).path,
      '/dir/test.txt?OSSAccessKeyId=LTAItestAK&Expires=1700003600&security-token=STSTOKEN&Signature=Pr4FThqhqqt7OiCp305T6CedwLA%3D',
    );
  });

  test('KSYUN_PRIVATE_AUTHENTICATION is the signed URL of ks3 0.5.2', () => {
    const who = identity(['AKtest', 'SKtest']);
    assert.equal(
      cdnSigner('KSYUN_PRIVATE_AUTHENTICATION', undefined, who)(read('dir/test.txt')).path,
      '/dir/test.txt?KSSAccessKeyId=AKtest&Expires=1700003600&Signature=VMwTzH7%2BVs5%2BwOVErMHDjAhU%2BBo%3D',
    );
  });

  test('TENCENT_COS_A and B are the former signature, whether the bucket has the APPID or not', () => {
    for (const bucket of ['examplebucket', 'examplebucket-1250000000']) {
      const who = identity(tencent, { bucket, appId: '1250000000' });
      const several = cdnSigner('TENCENT_COS_A', undefined, who)(read('a b'));
      assert.match(several.path, /^\/a%20b\?sign=KbaJL2CUusuPSKZ3ccxYqUBQOyNhPTEy/);
      const once = cdnSigner('TENCENT_COS_B', undefined, who)(read('dir/test.txt'));
      assert.match(once.path, /^\/dir\/test\.txt\?sign=bwxBo%2B8aJPpI%2BX2za0ZZtGSoiA5hPTEy/);
    }
  });

  test('TENCENT_COS_C and D are the header of COS, without signed headers', () => {
    for (const type of ['TENCENT_COS_C', 'TENCENT_COS_D'] as const) {
      const { path, headers } = cdnSigner(type, undefined, identity(tencent))(read('a b'));
      assert.equal(path, '/a%20b');
      assert.match(headers.join(' '), /^authorization q-sign-algorithm=sha1&q-ak=AKIDtest&/);
      assert.match(headers.join(' '), /q-sign-time=1699999940;1700003600&.*&q-header-list=&/);
    }
  });
});

test('a token of Azure goes as it was given, with its question mark or without', () => {
  for (const token of ['sv=1&sig=a%2Fb%3D', '?sv=1&sig=a%2Fb%3D']) {
    const sign = cdnSigner('AZURE_SAS_TOKEN', token, identity(aliyun));
    assert.equal(sign(read('a b')).path, '/a%20b?sv=1&sig=a%2Fb%3D');
  }
});

/** Understood as a pair for Azure, too. */
const account = ['filmarchive', Buffer.from('the key of the account').toString('base64')] as const;

describe('a token of Azure that was not configured', () => {
  const [name, key] = account;

  test('is made of the account’s key, for the container and to read only', () => {
    for (const [secret, origin] of [
      [key, 'https://cdn.example.com'],
      [`AccountName=${name};AccountKey=${key}`, 'http://cdn.example.com'],
    ] as const) {
      const who = { ...identity([name, secret]), origin };
      const { path } = cdnSigner('AZURE_SAS_TOKEN', undefined, who)(read('a b'));
      const token = azureServiceSas(
        { account: name, key: new Secret(key) },
        {
          ...{ container: who.bucket, permissions: 'r', httpsOnly: origin.startsWith('https') },
          ...{ startsAt: 1_699_999_940_000, expiresAt: 1_700_003_600_000 },
        },
      );
      assert.equal(path, `/a%20b?${token}`);
      assert.match(path, /&sp=r&/);
    }
  });

  test('is that of the credentials, where they are a token', () => {
    const who = identity([name, '?sv=1&sr=c&sp=rl&sig=a%2Fb%3D']);
    const { path } = cdnSigner('AZURE_SAS_TOKEN', undefined, who)(read('a b'));
    assert.equal(path, '/a%20b?sv=1&sr=c&sp=rl&sig=a%2Fb%3D');
  });
});

test('a key is required where nothing else can sign, and only there', () => {
  for (const type of cdnAuthenticationTypes) {
    const make = () => cdnSigner(type, undefined, identity(account, { appId: '1' }));
    // Without a token too.
    const needed = ['required', 'or-token'].includes(cdnAuthentications[type].key);
    if (needed) assert.throws(make, NoCdnKey);
    else make();
    const used = cdnSigner(type, 'a-key-of-the-cdn', identity(account, { appId: '1', token: 't' }));
    const { path, headers } = used(read('k'));
    if (cdnAuthentications[type].key === 'unused') continue;
    assert.doesNotMatch(`${path} ${headers.join(' ')}`, /filmarchive/, type);
  }
});

test('the token of a temporary access key is carried where the type says so, and only there', () => {
  for (const type of cdnAuthenticationTypes) {
    const signed = cdnSigner(
      type,
      undefined,
      identity(account, { appId: '1', token: 'tmp-token' }),
    );
    const { path, headers } = signed(read('k'));
    const isCarried = `${path} ${headers.join(' ')}`.includes('tmp-token');
    assert.equal(isCarried, cdnAuthentications[type].token === 'carried', type);
  }
});
