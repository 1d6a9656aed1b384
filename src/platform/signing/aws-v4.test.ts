import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { Secret } from '../base/seal.ts';
import { AwsV4Signer, amzDate, type SignedRequest, UNSIGNED_PAYLOAD } from './aws-v4.ts';
import { canonicalQuery, encodeKey } from './url-encoding.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

const scope = { region: 'cn-north-4', service: 's3' };
const signer = new AwsV4Signer(
  { accessKeyId: 'AKtest', secretAccessKey: new Secret('SKtest') },
  scope,
);
const host = 'examplebucket.obs.cn-north-4.myhuaweicloud.com';
const date = '20231114T221320Z';

function get(path: string, query: string): SignedRequest {
  const headers = ['host', host, 'x-amz-content-sha256', UNSIGNED_PAYLOAD, 'x-amz-date', date];
  return { method: 'GET', path, query, headers, payloadHash: UNSIGNED_PAYLOAD, date };
}

function signatureOf(request: SignedRequest): string {
  return signer.authorization(request).replace(/^.*Signature=/, '');
}

describe('AwsV4Signer', series('aws-v4', { way: 'SDK', clouds: ['AWS', 'S3'] }), () => {
  test('signs a key with odd characters', () => {
    const path = `/${encodeKey('dir/a b+c 中.txt')}`;
    assert.equal(path, '/dir/a%20b%2Bc%20%E4%B8%AD.txt');
    assert.equal(
      signer.authorization(get(path, '')),
      'AWS4-HMAC-SHA256 Credential=AKtest/20231114/cn-north-4/s3/aws4_request, ' +
        'SignedHeaders=host;x-amz-content-sha256;x-amz-date, ' +
        'Signature=1cce9b085f239f1e44124ccf05b90a6904725722a277bf76bdd22ac6a4bffbea',
    );
  });

  test('signs a query', () => {
    const query = canonicalQuery({
      'list-type': '2',
      'prefix': 'a b/中',
      'delimiter': '/',
      'encoding-type': 'url',
      'marker': undefined,
    });
    assert.equal(
      signatureOf(get('/', query)),
      'f6cca89c48c01d109f5f00b1a1dc6592ee0b7758415adeb8b3cd63fbdfc7bf96',
    );
  });

  test('a new day has a new key', () => {
    const first = signatureOf(get('/', ''));
    signatureOf({ ...get('/', ''), date: '20231115T000000Z' });
    assert.equal(signatureOf(get('/', '')), first);
  });

  test('agrees with the official signer', proves('signature'), async () => {
    const official = new SignatureV4({
      ...scope,
      credentials: { accessKeyId: 'AKtest', secretAccessKey: 'SKtest' },
      sha256: NodeSha256,
      uriEscapePath: false,
      applyChecksum: false,
    });
    const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed());
    const name = text.filter((each) => each !== '__proto__'); // The official one loses it.
    const value = fc.string().map((each) => each.trim());
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
        text,
        fc.dictionary(name, text, { maxKeys: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value, { maxKeys: 3 }),
        async (method, key, query, metadata) => {
          const path = `/${encodeKey(key)}`;
          const extra = Object.entries(metadata).map(
            ([name, each]) => [`x-amz-meta-${name}`, each] as const,
          );
          const headers = {
            host,
            'x-amz-content-sha256': UNSIGNED_PAYLOAD,
            'x-amz-date': date,
            ...Object.fromEntries(extra),
          };
          const request = { method, protocol: 'https:', hostname: host, path, query, headers };
          const expected = await official.sign(request, {
            signingDate: new Date(Date.UTC(2023, 10, 14, 22, 13, 20)),
          });
          const pairs = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
          const ours = signer.authorization({
            method,
            path,
            query: canonicalQuery(query),
            headers: pairs.flat(),
            payloadHash: UNSIGNED_PAYLOAD,
            date,
          });
          assert.equal(ours, expected.headers['authorization']);
        },
      ),
    );
  });
});

/** The hash that the official signer requires, made with Node. */
class NodeSha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.#hash = createHash('sha256');
    else this.#hash = createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    throw new Error('not needed');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

test('dates and keys are written as requests want them', () => {
  assert.equal(amzDate(Date.UTC(2023, 10, 14, 22, 13, 20, 999)), date);
  assert.equal(encodeKey("a/../b//!'()*~-._"), 'a/../b//%21%27%28%29%2A~-._');
  assert.equal(encodeKey('🙈%2F+ '), '%F0%9F%99%88%252F%2B%20');
});
