import { createHmac } from 'node:crypto';
import { S3Error } from '../s3-error.ts';
import {
  checkSignature,
  checkSkew,
  encodeStrictly,
  type Gate,
  headerText,
  rawHeader,
  type Scheme,
  secretOf,
  type Signed,
} from '../signed.ts';

const SKEW_S = 15 * 60;

/** What is signed where the signature names no headers: https://cloud.baidu.com/doc/Reference/s/njwvz1yfu */
const usualHeaders: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-md5',
]);

/** https://cloud.baidu.com/doc/Reference/s/Njwvz1wot */
export const bce: Scheme = {
  claims: (signed) => authorizationOf(signed)?.startsWith('bce-auth-v1/') === true,
  verify(signed, gate) {
    const authorization = authorizationOf(signed);
    if (authorization === undefined) throw new S3Error('AccessDenied', 'Access Denied');
    const match = /^(bce-auth-v1\/([^/]+)\/([^/]+)\/(-?\d+))\/([^/]*)\/([0-9a-f]{64})$/.exec(
      authorization,
    );
    const [, session, accessKeyId, timestamp, expires, names, signature] = match ?? [];
    if (!session || !accessKeyId || !timestamp || !expires || names === undefined || !signature) {
      throw new S3Error('AccessDenied', 'The authorization is malformed.');
    }
    checkTime(gate, Date.parse(timestamp) / 1000, Number(expires));
    const key = hmac(secretOf(gate, accessKeyId), session);
    const text = canonicalRequest(signed, names);
    checkSignature(hmac(key, text), signature, text);
    return undefined;
  },
};

/** Seconds, both; without an end where `lasts` is negative. */
function checkTime(gate: Gate, signedAt: number, lasts: number): void {
  if (Number.isNaN(signedAt)) checkSkew(gate, undefined);
  const now = gate.now() / 1000;
  if (signedAt > now + SKEW_S) throw new S3Error('RequestTimeTooSkewed');
  if (lasts >= 0 && signedAt + lasts < now) throw new S3Error('RequestExpired');
}

/** In the header, or in the query. */
function authorizationOf(signed: Pick<Signed, 'headers' | 'query'>): string | undefined {
  return rawHeader(signed, 'authorization') ?? signed.query.get('authorization');
}

/** The hex text itself is the key of the next. */
function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

function canonicalRequest(signed: Signed, names: string): string {
  const parameters = [...signed.query]
    .filter(([name]) => name.toLowerCase() !== 'authorization')
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .sort();
  const chosen =
    names === ''
      ? Object.keys(signed.headers).filter(
          (name) => usualHeaders.has(name) || name.startsWith('x-bce-'),
        )
      : names.split(';').map(decodeURIComponent);
  const headers = chosen
    .map((name): [string, string] => [name, headerText((rawHeader(signed, name) ?? '').trim())])
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${encodeStrictly(name)}:${encodeStrictly(value)}`)
    .sort();
  // The path is signed as it is, in one spelling.
  const path = encodeStrictly(decodeURIComponent(signed.rawPath)).replaceAll('%2F', '/');
  return [signed.method, path, parameters.join('&'), headers.join('\n')].join('\n');
}
