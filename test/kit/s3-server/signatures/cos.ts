import { createHmac, hash } from 'node:crypto';
import { S3Error } from '../s3-error.ts';
import {
  checkSignature,
  encodeStrictly,
  type Gate,
  headerText,
  rawHeader,
  type Scheme,
  secretOf,
  type Signed,
} from '../signed.ts';

const SKEW_S = 15 * 60;

/** https://www.tencentcloud.com/document/product/436/7778 */
export const cos: Scheme = {
  claims: (signed) =>
    rawHeader(signed, 'authorization')?.startsWith('q-sign-algorithm=') === true ||
    signed.query.has('q-sign-algorithm'),
  verify(signed, gate) {
    const claim = claimOf(signed);
    const keyTime = claim('q-key-time');
    const signTime = claim('q-sign-time');
    if (claim('q-sign-algorithm') !== 'sha1') throw new S3Error('InvalidArgument');
    checkTimes(gate, signTime);
    checkTimes(gate, keyTime);
    const signKey = createHmac('sha1', secretOf(gate, claim('q-ak')))
      .update(keyTime)
      .digest('hex');
    const headers = listed(claim('q-header-list'), (name) => {
      const value = rawHeader(signed, name);
      return value === undefined ? undefined : headerText(value);
    });
    // A signed URL carries the signature's own parameters, which it cannot cover.
    const parameters = listed(claim('q-url-param-list'), (name) => parameterOf(signed, name));
    const path = `/${signed.inHost ? '' : `${signed.bucketName}/`}${signed.key}`;
    const request = [signed.method.toLowerCase(), path, parameters, headers, ''].join('\n');
    const text = ['sha1', signTime, hash('sha1', request, 'hex'), ''].join('\n');
    const expected = createHmac('sha1', signKey).update(text).digest('hex');
    checkSignature(expected, claim('q-signature'), request);
    return undefined;
  },
};

/** Reads what the header, or else the query, says of the signature. */
function claimOf(signed: Signed): (name: string) => string {
  const authorization = rawHeader(signed, 'authorization');
  if (authorization === undefined && !signed.query.has('q-sign-algorithm')) {
    throw new S3Error('AccessDenied', 'Access Denied');
  }
  const pairs = new Map(
    authorization
      ?.split('&')
      .map((pair): [string, string] => [
        pair.slice(0, pair.indexOf('=')),
        pair.slice(pair.indexOf('=') + 1),
      ]) ?? signed.query,
  );
  return (name) => pairs.get(name) ?? '';
}

function checkTimes(gate: Gate, times: string): void {
  const [start = Number.NaN, end = Number.NaN] = times.split(';').map(Number);
  const now = gate.now() / 1000;
  if (Number.isNaN(end) || start > now + SKEW_S) throw new S3Error('RequestTimeTooSkewed');
  if (end < now) throw new S3Error('AccessDenied', 'Request has expired');
}

/** `a=1&b=x%20y` of the names that a signature lists, in the list's order. */
function listed(names: string, valueOf: (name: string) => string | undefined): string {
  if (names === '') return '';
  return names
    .split(';')
    .map((name) => {
      const value = valueOf(decodeURIComponent(name));
      if (value === undefined) throw new S3Error('SignatureDoesNotMatch', `${name} was not sent`);
      return `${name}=${encodeStrictly(value)}`;
    })
    .join('&');
}

function parameterOf({ query }: Signed, name: string): string | undefined {
  for (const [sent, value] of query) {
    if (sent.toLowerCase() === name) return value;
  }
  return undefined;
}
