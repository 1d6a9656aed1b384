import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * `SDK-HMAC-SHA256`, as the official SDKs sign: a canonical form of the request, its hash, the date,
 * and an HMAC of these under the secret key itself. An older form names a scope in `Credential=` and
 * derives its key from it.
 */
const ALGORITHM = 'SDK-HMAC-SHA256';
/** How far the client's clock may be off, either way. */
const SKEW_MS = 15 * 60_000;
const SIGNED_HEADERS_MAX = 100;
/** Of a canonical request. */
const SECRET_LINES = /^(authorization|cookie|x-auth-token|x-security-token|x-subject-token):.*$/gm;

/** What the `Authorization` of a request claims. */
export interface SignatureClaim {
  readonly accessKeyId: string;
  /** Lower case, in the order in which they were signed. */
  readonly signedHeaders: readonly string[];
  /** Lower-case hex. */
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly date: string;
  /** Of the older form only: date, region, service and a constant. */
  readonly scope: readonly [string, string, string, string] | undefined;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the bytes that were received, hex. */
  readonly bodySha256: string;
  readonly bodyLength: number;
}

/** Why a signature is rejected. The message may be sent to the client. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

/** Whether the `Authorization` header claims to be a signature of any algorithm. */
export function isSignature(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^[A-Z0-9]+(-[A-Z0-9]+)+\s/i.test(authorization);
}

/**
 * Reads the claim of a request, and looks at its date.
 *
 * @throws {SignatureError} when there is nothing that could be verified.
 */
export function readClaim(headers: IncomingHttpHeaders, now: number): SignatureClaim {
  const { authorization = '' } = headers;
  const space = authorization.search(/\s/);
  const algorithm = authorization.slice(0, space);
  if (algorithm !== ALGORITHM) {
    // Whatever else stands there may be a secret in the wrong place.
    const named = /^[A-Z0-9-]{1,40}$/.test(algorithm) ? ` ${algorithm}` : '';
    throw new SignatureError(`the algorithm${named} is not supported, ${ALGORITHM} is`);
  }
  const fields = fieldsOf(authorization.slice(space));
  const signature = fields.get('Signature') ?? '';
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incomplete('Signature, 64 hexadecimal digits');
  const signedHeaders = (fields.get('SignedHeaders') ?? '').toLowerCase().split(';');
  if (!signedHeaders.includes('x-sdk-date')) throw incomplete('SignedHeaders with x-sdk-date');
  if (signedHeaders.length > SIGNED_HEADERS_MAX) throw incomplete('fewer SignedHeaders');
  // Each repetition would make the canonical request longer by the whole header.
  if (new Set(signedHeaders).size < signedHeaders.length)
    throw new SignatureError('a header is named twice in SignedHeaders');
  // `constructor` is a name that every object knows.
  if (!signedHeaders.every((name) => Object.hasOwn(headers, name)))
    throw new SignatureError('a signed header was not sent');
  const date = readDate(headers['x-sdk-date'], now);
  return { ...readKey(fields, date), signedHeaders, signature, date };
}

function incomplete(what: string): SignatureError {
  return new SignatureError(`the Authorization header lacks ${what}`);
}

function fieldsOf(text: string): Map<string, string> {
  return new Map(
    text.split(',').map((field) => {
      const [name = '', ...value] = field.trim().split('=');
      return [name, value.join('=')] as const;
    }),
  );
}

function readKey(
  fields: ReadonlyMap<string, string>,
  date: string,
): Pick<SignatureClaim, 'accessKeyId' | 'scope'> {
  const accessKeyId = fields.get('Access') ?? '';
  if (accessKeyId !== '') return { accessKeyId, scope: undefined };
  const parts = /^([^/]+)\/([^/]*)\/([^/]*)\/([^/]*)\/(sdk_request)$/.exec(
    fields.get('Credential') ?? '',
  );
  if (parts === null) {
    throw incomplete('Access, or Credential with key/date/region/service/sdk_request');
  }
  const [, id = '', day = '', region = '', service = '', end = ''] = parts;
  if (!date.startsWith(`${day}T`)) throw new SignatureError('the scope has another date');
  return { accessKeyId: id, scope: [day, region, service, end] };
}

function readDate(value: string | string[] | undefined, now: number): string {
  const date = typeof value === 'string' ? value : '';
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (parts === null) throw new SignatureError('X-Sdk-Date is not of the form YYYYMMDDTHHMMSSZ');
  const [, ...numbers] = parts;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers.map(Number);
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  if (Math.abs(at - now) > SKEW_MS) {
    throw new SignatureError(
      'X-Sdk-Date is more than 15 minutes away from the clock of the server',
    );
  }
  return date;
}

/**
 * Verifies a claim with the key that it names.
 *
 * @throws {SignatureError} whose message has the canonical request as we made it, with `|` for line ends:
 *   the way to find out what a client signs differently. Headers that hold secrets are without them.
 */
export function verify(claim: SignatureClaim, secret: string, request: SignedRequest): void {
  const given = request.headers['x-sdk-content-sha256'];
  if (typeof given === 'string' && given !== request.bodySha256) {
    throw new SignatureError('X-Sdk-Content-Sha256 is not that of the body');
  }
  const candidates = canonicalRequests(claim, request);
  const signature = Buffer.from(claim.signature, 'hex');
  const key = signingKey(secret, claim.scope);
  const same = candidates.some((canonical) => {
    const text = stringToSign(claim, canonical);
    return timingSafeEqual(createHmac('sha256', key).update(text).digest(), signature);
  });
  if (same) return;
  // The client receives the request as we made it; the log records only that the signature did not match.
  const ours = (candidates[0] ?? '').replaceAll(SECRET_LINES, '$1:[secret]').replaceAll('\n', '|');
  throw new SignatureError(`verify aksk signature fail, canonicalRequest:${ours}`);
}

function stringToSign({ date, scope }: SignatureClaim, canonical: string): string {
  const hash = createHash('sha256').update(canonical).digest('hex');
  return [ALGORITHM, date, ...(scope === undefined ? [] : [scope.join('/')]), hash].join('\n');
}

function signingKey(secret: string, scope: SignatureClaim['scope']): string | Buffer {
  if (scope === undefined) return secret;
  let key: string | Buffer = `SDK${secret}`;
  for (const part of scope) key = createHmac('sha256', key).update(part).digest();
  return key;
}

/** The canonical forms that clients make of one request; they differ in how they treat its path. */
export function canonicalRequests(claim: SignatureClaim, request: SignedRequest): string[] {
  const { method, url, headers } = request;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = pairsOf(mark < 0 ? '' : url.slice(mark + 1));
  const lines = claim.signedHeaders.map((name) => `${name}:${valueOf(headers, name, claim)}\n`);
  const given = headers['x-sdk-content-sha256'];
  const plain = typeof given === 'string' ? given : request.bodySha256;
  // The older form puts the query of a POST without a body where the body's hash stands.
  const inBody = claim.scope !== undefined && method === 'POST' && request.bodyLength === 0;
  const rest = inBody
    ? ['', lines.join(''), claim.signedHeaders.join(';'), sha256(formOf(query))]
    : [canonicalQuery(query), lines.join(''), claim.signedHeaders.join(';'), plain];
  const paths = new Set([canonicalPath(decoded(path)), canonicalPath(path)]);
  return [...paths].map((one) => [method, one, ...rest].join('\n'));
}

function valueOf(
  headers: IncomingHttpHeaders,
  name: string,
  { scope }: Pick<SignatureClaim, 'scope'>,
): string {
  const value = headers[name];
  const text = (Array.isArray(value) ? value.join(', ') : (value ?? '')).trim();
  return scope === undefined ? text : text.replaceAll(/\s+/g, ' ');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Decodes what can be decoded; what cannot be stays as it was sent. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalPath(path: string): string {
  const joined = path.split('/').map(encoded).join('/');
  return joined.endsWith('/') ? joined : `${joined}/`;
}

type Pair = [name: string, value: string];

function pairsOf(query: string): Pair[] {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const [name, value] =
        equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return [decoded(name.replaceAll('+', ' ')), decoded(value.replaceAll('+', ' '))];
    });
}

function canonicalQuery(pairs: readonly Pair[]): string {
  return pairs
    .map(([name, value]): Pair => [encoded(name), encoded(value)])
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map((pair) => pair.join('='))
    .join('&');
}

/** Encodes pairs as HTML forms do, sorted by name. */
function formOf(pairs: readonly Pair[]): string {
  const sorted: Pair[] = pairs.toSorted(([a], [b]) => compare(a, b));
  return new URLSearchParams(sorted).toString();
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
