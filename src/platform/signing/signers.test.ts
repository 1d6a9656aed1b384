import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../base/seal.ts';
import type { AccessKey } from './access-key.ts';
import { canonicalQuery, encodeKey } from './url-encoding.ts';
import { bceAuthorization } from './bce-v1.ts';
import type { RequestToSign } from './request.ts';
import { type Signature, signerOf } from './signers.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

const now = Date.UTC(2023, 10, 14, 22, 13, 20);
const bucket = 'examplebucket';

function keyOf(accessKeyId: string, secret: string): AccessKey {
  return { accessKeyId, secretAccessKey: new Secret(secret) };
}

function requestFor(key: string, more: Partial<RequestToSign> = {}): RequestToSign {
  const path = `/${encodeKey(key)}`;
  const resource = `/${bucket}${path}`;
  return { method: 'GET', host: 'h', path, resource, query: '', headers: undefined, now, ...more };
}

function headersOf(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  pairs.forEach((name, at) => {
    if (at % 2 === 0) headers[name] = pairs[at + 1] ?? '';
  });
  return headers;
}

/** Percent-encodes byte by byte, by the letter of RFC 3986. */
function encodeSlowly(text: string, kept = ''): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      const plain = /[A-Za-z0-9\-_.~]/.test(character) || kept.includes(character);
      return plain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed());
const query = fc.dictionary(fc.stringMatching(/^[a-zA-Z-]{1,10}$/), text, { maxKeys: 4 });
const metadata = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.stringMatching(/^[!-~]{1,9}$/),
  {
    maxKeys: 3,
  },
);

function pairsOf(prefix: string, values: Record<string, string>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`${prefix}meta-${name}`, value]);
}

describe('oss-v4', series('vendor-signatures', { way: 'vector', clouds: ['Aliyun'] }), () => {
  const signer = signerOf('oss-v4', { key: keyOf('LTAItestAK', 'testSK'), region: 'cn-hangzhou' });

  test("signs as the vendor's SDK", proves('signature'), () => {
    assert.deepEqual(headersOf(signer.sign(requestFor('dir/test.txt'))), {
      'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-oss-date': '20231114T221320Z',
      'authorization':
        'OSS4-HMAC-SHA256 Credential=LTAItestAK/20231114/cn-hangzhou/oss/aliyun_v4_request,' +
        'Signature=1bba95a2ebf1ea9d2100c3683a8494fc22bacce94ebefe380d6f103e02c224ce',
    });
  });

  test('signs what the documents say, whatever the request', () => {
    fc.assert(
      fc.property(text, query, metadata, (key, parameters, values) => {
        const own = [
          'content-type',
          'text/plain',
          'range',
          'bytes=0-',
          ...pairsOf('x-oss-', values),
        ];
        const request = requestFor(key, { query: canonicalQuery(parameters), headers: own });
        const { authorization, ...headers } = headersOf(signer.sign(request));
        const lines = Object.entries(headers)
          .filter(([name]) => name.startsWith('x-oss-') || name === 'content-type')
          .map(([name, value]) => `${name}:${value}\n`)
          .sort();
        const named = Object.keys(parameters)
          .sort()
          .map((name) => {
            const value = encodeSlowly(parameters[name] ?? '');
            return encodeSlowly(name) + (value === '' ? '' : `=${value}`);
          });
        const canonical = `GET\n/${bucket}/${encodeSlowly(key, '/')}\n${named.join('&')}\n${lines.join('')}\n\nUNSIGNED-PAYLOAD`;
        const scope = '20231114/cn-hangzhou/oss/aliyun_v4_request';
        const digest = createHash('sha256').update(canonical).digest('hex');
        let hmacKey: string | Buffer = 'aliyun_v4testSK';
        for (const part of scope.split('/')) {
          hmacKey = createHmac('sha256', hmacKey).update(part).digest();
        }
        const signature = createHmac('sha256', hmacKey)
          .update(`OSS4-HMAC-SHA256\n20231114T221320Z\n${scope}\n${digest}`)
          .digest('hex');
        assert.equal(authorization?.replace(/.*Signature=/, ''), signature);
      }),
    );
  });
});

describe('bce-v1', series('vendor-signatures', { way: 'vector', clouds: ['Baidu'] }), () => {
  const key = keyOf('AKtest', 'SKtest');
  const time = { date: '2023-11-14T22:13:20Z', lifetime: 1800 };

  test("signs as the vendor's SDK", proves('signature'), () => {
    const request = { method: 'GET', path: `/v1/${bucket}/dir/test.txt`, query: '' };
    assert.equal(
      bceAuthorization(key, { ...request, headers: [['host', 'bj.bcebos.com']] }, time),
      'bce-auth-v1/AKtest/2023-11-14T22:13:20Z/1800/host/' +
        '870ff868ecb90e7e6fe8aa2d8b2243f72167e72ce0c86809b20279d9f5983b51',
    );
    const more = requestFor('dir/a.txt', {
      host: 'examplebucket.bj.bcebos.com',
      query: canonicalQuery({ prefix: 'a/b c' }),
    });
    assert.deepEqual(headersOf(signerOf('bce-v1', { key, region: 'bj' }).sign(more)), {
      'x-bce-date': '2023-11-14T22:13:20Z',
      'authorization':
        'bce-auth-v1/AKtest/2023-11-14T22:13:20Z/1800/host;x-bce-date/' +
        '69ce558e54751b39d55d6c05b915f2e31b4eeaa80c3fdefb580e1e946c9d4c6f',
    });
  });

  test('signs what the documents say, whatever the request', () => {
    fc.assert(
      fc.property(text, query, metadata, (name, parameters, values) => {
        const signer = signerOf('bce-v1', { key, region: 'bj' });
        const own = [...pairsOf('x-bce-', values), 'range', 'bytes=0-', 'x-bce-empty', ''];
        const request = requestFor(name, { query: canonicalQuery(parameters), headers: own });
        const { authorization, ...headers } = headersOf(signer.sign(request));
        const signed = Object.entries({ host: 'h', ...headers }).filter(
          ([header, value]) => header !== 'range' && value !== '',
        );
        const lines = signed.map((pair) => pair.map((part) => encodeSlowly(part)).join(':'));
        const named = Object.keys(parameters)
          .map((each) => `${encodeSlowly(each)}=${encodeSlowly(parameters[each] ?? '')}`)
          .sort();
        const canonical = `GET\n/${encodeSlowly(name, '/')}\n${named.join('&')}\n${lines.sort().join('\n')}`;
        const prefix = 'bce-auth-v1/AKtest/2023-11-14T22:13:20Z/1800';
        const signingKey = createHmac('sha256', 'SKtest').update(prefix).digest('hex');
        const signature = createHmac('sha256', signingKey).update(canonical).digest('hex');
        const names = signed.map(([header]) => header).sort();
        assert.equal(authorization, `${prefix}/${names.join(';')}/${signature}`);
      }),
    );
  });
});

test('cos signs what is sent', () => {
  const signer = signerOf('cos', { key: keyOf('AKIDtest', 'SKtest'), region: 'ap-beijing' });
  const host = 'examplebucket-1250000000.cos.ap-beijing.myqcloud.com';
  const parameters = { 'prefix': 'a b/中', 'marker': 'x+y', 'max-keys': '1000' };
  const headers = headersOf(
    signer.sign(
      requestFor('', {
        host,
        query: canonicalQuery(parameters),
        headers: ['x-cos-storage-class', 'STANDARD', 'range', 'bytes=0-1'],
      }),
    ),
  );
  assert.equal(headers['range'], 'bytes=0-1');
  // The vector of cos.test.ts, for another time.
  const time = '1699999940;1700000900';
  const signingKey = createHmac('sha1', 'SKtest').update(time).digest('hex');
  const request = `get\n/\nmarker=x%2By&max-keys=1000&prefix=a%20b%2F%E4%B8%AD\nhost=${host}&x-cos-storage-class=STANDARD\n`;
  const digest = createHash('sha1').update(request).digest('hex');
  const signature = createHmac('sha1', signingKey)
    .update(`sha1\n${time}\n${digest}\n`)
    .digest('hex');
  assert.equal(
    headers['authorization'],
    `q-sign-algorithm=sha1&q-ak=AKIDtest&q-sign-time=${time}&q-key-time=${time}` +
      `&q-header-list=host;x-cos-storage-class&q-url-param-list=marker;max-keys;prefix&q-signature=${signature}`,
  );
});

describe('temporary credentials bring their token, and sign it', () => {
  const key = { ...keyOf('AK', 'SK'), sessionToken: new Secret('TOKEN') };
  const tokenHeaders: Record<Signature, string> = {
    'aws-v4': 'x-amz-security-token',
    'oss-v4': 'x-oss-security-token',
    'cos': 'x-cos-security-token',
    'bce-v1': 'x-bce-security-token',
  };
  for (const signature of Object.keys(tokenHeaders) as Signature[]) {
    test(signature, () => {
      const signed = (sessionToken: Secret | undefined) =>
        headersOf(
          signerOf(signature, { key: { ...key, sessionToken }, region: 'r' }).sign(requestFor('k')),
        );
      const headers = signed(key.sessionToken);
      assert.equal(headers[tokenHeaders[signature]], 'TOKEN');
      const other = signed(new Secret('OTHER'));
      assert.notEqual(headers['authorization'], other['authorization']);
      assert.equal(signed(undefined)[tokenHeaders[signature]], undefined);
    });
  }
});
