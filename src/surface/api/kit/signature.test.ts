import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isSignature, readClaim, SignatureError, type SignedRequest, verify } from './signature.ts';

const NOW = Date.UTC(2026, 10, 23, 14, 3, 27);
const SECRET = 'SECRET';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

function received({ method, url, headers, body = '' }: Sent): SignedRequest {
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  return { method, url, headers, bodySha256, bodyLength: Buffer.byteLength(body) };
}

/** Throws, unless the request is signed as it says. */
function check(sent: Sent, { secret = SECRET, now = NOW } = {}): void {
  verify(readClaim(sent.headers, now), secret, received(sent));
}

const common = { 'host': 'oms.example:8080', 'x-sdk-date': '20261123T140327Z' };
const json = 'application/json;charset=UTF-8';

/** Signed by the official Python SDK, its core package 3.1. */
const vectors: readonly (readonly [
  string,
  Omit<Sent, 'headers'>,
  Record<string, string>,
  string,
])[] = [
  [
    'a query in any order',
    { method: 'GET', url: '/v2/p/sync-tasks?offset=0&status=SYNCHRONIZING&limit=5' },
    {},
    '378dd74247a005a08bbb8e2d732db778e687129bce3fb6f9a1897a3853278359',
  ],
  [
    'nothing but a path',
    { method: 'GET', url: '/v2/p/sync-tasks' },
    {},
    'd9754a52ff0fbb412b9dd16623911b4cfa0f010be0f598ccd1d8acb9502db31f',
  ],
  [
    'a body, as its bytes are',
    {
      method: 'POST',
      url: '/v2/p/sync-tasks/abc/events',
      body: '{"object_keys": ["a%2Fb", "\\u4e2d"]}',
    },
    { 'content-type': json, 'x-project-id': 'p' },
    '072034aabad34a32bf9bad2520c7e5f8e4f81096ce3fc396e54ca5982c26a8b3',
  ],
  [
    'a POST without a body',
    { method: 'POST', url: '/v2/p/sync-tasks/abc/start' },
    { 'content-type': 'application/json' },
    '9788816705722d3cdc664a7f5aec9e0690a1e6ff7167ae155305dc4b06be4177',
  ],
  [
    'a temporary key’s token',
    { method: 'DELETE', url: '/v2/p/sync-tasks/abc' },
    { 'x-security-token': 'st' },
    '9b94b95674254b070c302be1130530561bbeca8121ade74f9f5fe426ef84ad8f',
  ],
  [
    'characters that are escaped',
    {
      method: 'GET',
      url: "/v2/p/sync-tasks/a%20b~c/statistics?data_type=REQUEST,SUCCESS&end_time=2&start_time=1&x=%20%2B%26%3D%C3%A9*'()~",
    },
    {},
    '600441fdc939836bc4b9a08677144a0de81a82ad2deeb2369b9a2fddf2ad0af2',
  ],
];

const signed = vectors.map(([what, sent, more, signature]) => {
  const names = Object.keys({ ...common, ...more }).sort();
  const authorization = `SDK-HMAC-SHA256 Access=AK, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { what, sent: { ...sent, headers: { ...common, ...more, authorization } } };
});

describe('a signature of an official SDK', () => {
  for (const { what, sent } of signed) {
    test(`is verified: ${what}`, () => check(sent));
  }

  test('is of one secret, one method, one path, one query, one body and the headers that it names', () => {
    for (const { sent } of signed) {
      const { headers } = sent;
      const others: Sent[] = [
        { ...sent, method: sent.method === 'POST' ? 'GET' : 'POST' },
        { ...sent, url: sent.url.replace('/p/', '/q/') },
        { ...sent, url: `${sent.url}${sent.url.includes('?') ? '&' : '?'}more=1` },
        { ...sent, body: `${sent.body ?? ''} ` },
        { ...sent, headers: { ...headers, host: 'other.example' } },
        { ...sent, headers: { ...headers, 'x-sdk-date': '20261123T140328Z' } },
      ];
      for (const other of others) assert.throws(() => check(other), /verify aksk signature fail/);
      assert.throws(() => check(sent, { secret: 'SECRE' }), /verify aksk signature fail/);
    }
  });

  test('of another secret is refused with the canonical request, but without the secret', () => {
    const [first] = signed;
    assert.ok(first);
    assert.throws(
      () => check(first.sent, { secret: 'another-secret' }),
      (error: Error) =>
        error.message.includes('canonicalRequest:GET|/v2/p/sync-tasks/|limit=5&offset=0') &&
        !error.message.includes('another-secret'),
    );
  });

  test('is valid for a quarter of an hour before and after its date', () => {
    const [first] = signed;
    assert.ok(first);
    for (const minutes of [-15, 15]) check(first.sent, { now: NOW + minutes * 60_000 });
    for (const seconds of [-901, 901]) {
      const now = NOW + seconds * 1000;
      assert.throws(() => check(first.sent, { now }), /15 minutes/);
    }
  });

  test('may leave out the project and the host, but not the date', () => {
    const sent = signed[1]?.sent;
    assert.ok(sent);
    check({ ...sent, headers: { ...sent.headers, 'x-project-id': 'any' } });
    const unsigned = sent.headers.authorization.replace('host;x-sdk-date', 'host');
    const headers = { ...sent.headers, authorization: unsigned };
    assert.throws(() => check({ ...sent, headers }), /x-sdk-date/);
  });
});

/** As the older clients sign: a scope, and a key that is derived from it. */
function signOlder(sent: Sent, { path, query, payload }: Record<string, string>): Sent {
  const scope = ['20261123', 'region', 'oms', 'sdk_request'];
  const names = Object.keys(sent.headers).sort();
  const canonical = [
    sent.method,
    path,
    query,
    ...names.map((name) => `${name}:${(sent.headers[name] ?? '').replace(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    createHash('sha256')
      .update(payload ?? '')
      .digest('hex'),
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['SDK-HMAC-SHA256', sent.headers['x-sdk-date'], scope.join('/'), hash].join('\n');
  const key = scope.reduce(
    (secret: string | Buffer, part) => createHmac('sha256', secret).update(part).digest(),
    `SDK${SECRET}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const authorization = `SDK-HMAC-SHA256 Credential=AK/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...sent, headers: { ...sent.headers, authorization } };
}

describe('the older form', () => {
  const headers = { ...common, 'user-agent': 'terraform   provider' };

  test('is verified with its derived key', () => {
    const sent = { method: 'GET', url: '/v2/p/sync-tasks?limit=5', headers };
    check(signOlder(sent, { path: '/v2/p/sync-tasks/', query: 'limit=5', payload: '' }));
  });

  test('has the query of a POST without a body in the place of the body', () => {
    const sent = { method: 'POST', url: '/v2/p/sync-tasks/a/stop?b=2&a=1+1', headers };
    check(signOlder(sent, { path: '/v2/p/sync-tasks/a/stop/', query: '', payload: 'a=1+1&b=2' }));
  });

  test('is valid only on its day', () => {
    const sent = { method: 'GET', url: '/', headers };
    const { headers: ours } = signOlder(sent, { path: '/', query: '', payload: '' });
    const authorization = (ours['authorization'] ?? '').replace('20261123', '20261122');
    assert.throws(() => check({ ...sent, headers: { ...ours, authorization } }), /another date/);
  });
});

describe('a malformed or unsupported signature', () => {
  const good = signed[0]?.sent.headers.authorization ?? '';

  test('is refused with the reason', () => {
    for (const [authorization, reason] of [
      [good.replace('SDK-HMAC-SHA256', 'SDK-HMAC-SM3'), /SDK-HMAC-SM3 is not supported/],
      [good.replace('SDK-HMAC-SHA256', 'V11-HMAC-SHA256'), /V11-HMAC-SHA256 is not supported/],
      [good.replace(/Signature=\w+/, 'Signature=abc'), /64 hexadecimal/],
      [good.replace('Access=AK', 'Access='), /lacks Access/],
      [good.replace('Access=AK', 'Credential=AK/20261123/r/s'), /lacks Access/],
      [good.replace('host;', 'host;x-missing;'), /was not sent/],
      [good.replace('host;', 'constructor;'), /was not sent/],
      [good.replace('host;', '__proto__;toString;'), /was not sent/],
      ['SDK-HMAC-SHA256 ', /lacks Signature/],
    ] as const) {
      assert.ok(isSignature(authorization));
      const headers = { ...common, authorization };
      assert.throws(() => readClaim(headers, NOW), { name: 'SignatureError', message: reason });
    }
    for (const date of ['', '2026-11-23T14:03:27Z', '20261123140327', 'x']) {
      const headers = { ...common, 'x-sdk-date': date, 'authorization': good };
      assert.throws(() => readClaim(headers, NOW), /X-Sdk-Date/);
    }
    for (const authorization of ['Basic abc', 'Bearer abc', undefined, '']) {
      assert.ok(!isSignature(authorization));
    }
  });

  test('a hash of the body that is not the body’s is refused', () => {
    const [first] = signed;
    assert.ok(first);
    const headers = { ...first.sent.headers, 'x-sdk-content-sha256': 'UNSIGNED-PAYLOAD' };
    assert.throws(() => check({ ...first.sent, headers }), /X-Sdk-Content-Sha256/);
  });

  test('any other text is refused, with no other error', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('SDK-HMAC-SHA256 ', 'Access=', 'Credential=', ', ', '=', '/', ';', '%', '\0'),
      fc.constantFrom('SignedHeaders=x-sdk-date', `Signature=${'0'.repeat(64)}`, 'Access=AK'),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.webPath(),
        fc.webQueryParameters(),
        (parts, path, query) => {
          const headers = { ...common, authorization: `SDK-HMAC-SHA256 ${parts.join('')}` };
          const sent = { method: 'GET', url: `${path}?${query}`, headers };
          assert.throws(() => check(sent), SignatureError);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
