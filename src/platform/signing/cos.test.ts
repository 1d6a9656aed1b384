import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../base/seal.ts';
import { cosAuthorization, cosParameters, type CosRequest } from './cos.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

const key = { accessKeyId: 'AKIDtest', secretAccessKey: new Secret('SKtest') };
const host = 'examplebucket-1250000000.cos.ap-beijing.myqcloud.com';
const time = { from: 1_700_000_000, until: 1_700_003_600 };
const get = { method: 'GET', path: '/dir/test.txt' };

function signatureOf(request: CosRequest, at = time): string | undefined {
  return new Map(cosParameters(key, request, at)).get('q-signature');
}

describe('COS signatures', series('cos-signatures', { way: 'vector', clouds: ['Tencent'] }), () => {
  // All made by cos-nodejs-sdk-v5 3.0.0.
  test('the header', proves('signature'), () => {
    assert.equal(
      cosAuthorization(key, { ...get, headers: { host } }, time),
      'q-sign-algorithm=sha1&q-ak=AKIDtest&q-sign-time=1700000000;1700003600' +
        '&q-key-time=1700000000;1700003600&q-header-list=host&q-url-param-list=' +
        '&q-signature=482828868be39016deddb31dcaf7c52a3070f5e3',
    );
  });

  test('no header at all, for domains that change the host', () => {
    assert.equal(signatureOf(get), '3b3c913da1b540628daf2e1cdf1169322e0efae9');
  });

  test('a query and headers', proves('signature'), () => {
    const request = {
      method: 'GET',
      path: '/',
      query: { 'prefix': 'a b/中', 'marker': 'x+y', 'max-keys': '1000' },
      headers: { 'Host': host, 'x-cos-storage-class': 'STANDARD' },
    };
    const parameters = new Map(cosParameters(key, request, time));
    assert.equal(parameters.get('q-header-list'), 'host;x-cos-storage-class');
    assert.equal(parameters.get('q-url-param-list'), 'marker;max-keys;prefix');
    assert.equal(parameters.get('q-signature'), '398bb257089847dc765ea3163e33cba879a298e6');
  });

  test('a signed URL', proves('signature'), () => {
    const at = { from: 1_699_999_999, until: 1_700_003_599 };
    assert.equal(
      signatureOf({ ...get, headers: { host } }, at),
      'b17f73cf316a1758d6068b9b658ef16cea3471e6',
    );
  });

  test('what is signed is what the documents say, whatever the request', () => {
    const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed());
    const name = fc.stringMatching(/^[a-z][a-z0-9 !*'()-]{0,8}$/);
    fc.assert(
      fc.property(
        fc.record({
          method: fc.constantFrom('GET', 'PUT', 'HEAD'),
          path: text.map((each) => `/${each}`),
          query: fc.dictionary(name, text, { maxKeys: 4 }),
          headers: fc.dictionary(name, text, { maxKeys: 4 }),
        }),
        (request) => {
          assert.equal(signatureOf(request), slowly(request));
        },
      ),
    );
  });
});

/** The rule as documents put it, byte by byte. */
function slowly({ method, path, query = {}, headers = {} }: CosRequest): string {
  const encode = (text: unknown) =>
    [...Buffer.from(String(text))]
      .map((byte) => {
        const character = String.fromCharCode(byte);
        if (/[A-Za-z0-9\-_.~]/.test(character)) return character;
        return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      })
      .join('');
  const list = (pairs: object) =>
    Object.entries(pairs)
      .map(([name, value]) => [encode(name), encode(value)] as const)
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((pair) => pair.join('='))
      .join('&');
  const signingKey = createHmac('sha1', 'SKtest').update('1700000000;1700003600').digest('hex');
  const request = [method.toLowerCase(), path, list(query), list(headers), ''].join('\n');
  const digest = createHash('sha1').update(request).digest('hex');
  return createHmac('sha1', signingKey)
    .update(['sha1', '1700000000;1700003600', digest, ''].join('\n'))
    .digest('hex');
}
