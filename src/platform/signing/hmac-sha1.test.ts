import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../base/seal.ts';
import type { AccessKey } from './access-key.ts';
import { sha1Authorization, sha1Query, type Sha1Scheme, sha1Schemes } from './hmac-sha1.ts';

/* The signatures are those of the vendors' own SDKs, unless said otherwise. */

const expires = 1_700_003_600;
const date = 'Tue, 14 Nov 2023 22:13:20 GMT';
const get = { method: 'GET', bucket: 'examplebucket', key: 'dir/test.txt' };
const oddKey = 'dir/a b+c 中.txt';

function keyOf(accessKeyId: string, secret: string, token?: string): AccessKey {
  const sessionToken = token === undefined ? undefined : new Secret(token);
  return { accessKeyId, secretAccessKey: new Secret(secret), sessionToken };
}

describe('OSS', () => {
  const scheme = sha1Schemes.OSS;
  const key = keyOf('LTAItestAK', 'testSK');
  const temporary = keyOf('LTAItestAK', 'testSK', 'STSTOKEN');

  test('signs a URL', () => {
    assert.deepEqual(sha1Query(scheme, key, get, expires), {
      OSSAccessKeyId: 'LTAItestAK',
      Expires: '1700003600',
      Signature: 'UnD3fQbB2ZBaqJR/ZMaq8XogKIw=',
    });
    const { Signature } = sha1Query(scheme, key, { ...get, key: oddKey }, expires);
    assert.equal(Signature, 'FeuAZ3Qyta0I4SnTAg3abM/YUu8=');
  });

  test('signs the token in a URL', () => {
    assert.deepEqual(sha1Query(scheme, temporary, get, expires), {
      'OSSAccessKeyId': 'LTAItestAK',
      'Expires': '1700003600',
      'security-token': 'STSTOKEN',
      'Signature': 'Pr4FThqhqqt7OiCp305T6CedwLA=',
    });
  });

  test('signs headers', () => {
    // Made from the documentation alone: the SDK sends no `date`.
    assert.equal(
      sha1Authorization(scheme, key, get, date),
      'OSS LTAItestAK:Iy/FJK2cBI1T8GJTN2glg/9tQvU=',
    );
    assert.equal(
      sha1Authorization(scheme, key, get, ''),
      'OSS LTAItestAK:HF5gOzjOaAAeI4SjqSf4qAaVjB8=',
    );
  });

  test('signs the token in a header', () => {
    const token = { 'x-oss-security-token': 'STSTOKEN' };
    assert.equal(
      sha1Authorization(
        scheme,
        key,
        { ...get, headers: { ...token, 'x-oss-date': date, 'range': 'bytes=0-1' } },
        date,
      ),
      'OSS LTAItestAK:mlylYcIFnub68+JLVEWJZUknZbo=',
    );
    // Made from the documentation alone.
    assert.equal(
      sha1Authorization(scheme, key, { ...get, headers: token }, date),
      'OSS LTAItestAK:JSiShIm90zKeShoeVLAPZLi5yXM=',
    );
  });
});

test('KSS signs URLs and headers', () => {
  const key = keyOf('AKtest', 'SKtest');
  assert.deepEqual(sha1Query(sha1Schemes.KSS, key, get, expires), {
    KSSAccessKeyId: 'AKtest',
    Expires: '1700003600',
    Signature: 'VMwTzH7+Vs5+wOVErMHDjAhU+Bo=',
  });
  assert.equal(
    sha1Authorization(sha1Schemes.KSS, key, get, date),
    'KSS AKtest:fAatTJ9Pz+QuIIjJAXw6GGtDCjw=',
  );
});

/** The rule as documents put it, line by line. */
function slowly(scheme: Sha1Scheme, request: Parameters<typeof sha1Query>[2], slot: string) {
  const headers = Object.entries(request.headers ?? {});
  const query = Object.entries(request.query ?? {});
  const lines = [request.method];
  for (const name of ['content-md5', 'content-type']) {
    lines.push(headers.find(([each]) => each === name)?.[1] ?? '');
  }
  lines.push(slot);
  for (const [name, value] of headers.sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith(scheme.headerPrefix)) lines.push(`${name}:${value.trim()}`);
  }
  let resource = `/${request.bucket}/`;
  for (const byte of Buffer.from(request.key)) {
    const character = String.fromCharCode(byte);
    const plain = scheme.signedKey === 'raw' || /[\w.~/-]/.test(character);
    resource += plain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (scheme.signedKey === 'raw') resource = `/${request.bucket}/${request.key}`;
  const parts = query.filter(([name]) => scheme.subResources.has(name));
  parts.sort(([a], [b]) => (a < b ? -1 : 1));
  parts.forEach(([name, value], at) => {
    resource += (at === 0 ? '?' : '&') + name + (value === '' ? '' : `=${value}`);
  });
  lines.push(resource);
  return createHmac('sha1', 'SK').update(lines.join('\n')).digest('base64');
}

test('what is signed is what the documents say, whatever the request', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((each) => each.isWellFormed());
  const value = fc.string();
  const headerName = fc.constantFrom(
    ...['content-md5', 'content-type', 'x-oss-meta-a', 'x-oss-meta-b', 'x-obs-acl', 'x-amz-date'],
    ...['x-kss-meta-z', 'range'],
  );
  const parameter = fc.constantFrom('uploads', 'partNumber', 'uploadId', 'versionId', 'prefix');
  fc.assert(
    fc.property(
      fc.constantFrom<Sha1Scheme>(...Object.values(sha1Schemes)),
      fc.record({
        method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
        bucket: fc.stringMatching(/^[a-z0-9-]{3,10}$/),
        key: text,
        query: fc.dictionary(parameter, value),
        headers: fc.dictionary(headerName, value),
      }),
      (scheme, request) => {
        const signed = sha1Authorization(scheme, keyOf('AK', 'SK'), request, date);
        assert.equal(signed, `${scheme.name} AK:${slowly(scheme, request, date)}`);
      },
    ),
  );
});
