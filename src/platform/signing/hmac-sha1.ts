import { createHmac } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { encodeKey } from './url-encoding.ts';

/**
 * One cloud's variety of the signature that S3 began with: HMAC-SHA1 over the method, two headers,
 * a date, the cloud's own headers and the name of the requested resource.
 */
export interface Sha1Scheme {
  /** What the `authorization` header begins with. */
  readonly name: string;
  /** Headers that are signed, all of them. */
  readonly headerPrefix: `x-${string}-`;
  /** Whether the signed name of an object is its key, or the key as encoded in a path. */
  readonly signedKey: 'raw' | 'encoded';
  /** The parameters of the query that belong to the name of the requested resource. */
  readonly subResources: ReadonlySet<string>;
  /** What carries the key's ID in a signed URL. */
  readonly idParameter: string;
  /** What carries the token of temporary credentials in a signed URL; undefined where none is documented. */
  readonly tokenParameter: string | undefined;
}

/** What all of them sign of a query, as far as objects are concerned. */
const common: readonly string[] = [
  ...['acl', 'delete', 'lifecycle', 'location', 'partNumber', 'restore', 'tagging'],
  ...['uploadId', 'uploads', 'versionId', 'versioning', 'versions'],
  ...['response-cache-control', 'response-content-disposition', 'response-content-encoding'],
  ...['response-content-language', 'response-content-type', 'response-expires'],
];

export const sha1Schemes = {
  // https://www.alibabacloud.com/help/en/oss/developer-reference/ddd-signatures-to-urls
  OSS: {
    name: 'OSS',
    headerPrefix: 'x-oss-',
    signedKey: 'raw',
    subResources: new Set([
      ...common,
      ...['append', 'continuation-token', 'objectMeta', 'position', 'security-token', 'symlink'],
      ...['x-oss-process', 'x-oss-traffic-limit'],
    ]),
    idParameter: 'OSSAccessKeyId',
    tokenParameter: 'security-token',
  },
  // https://docs.ksyun.com/documents/40533. What the vendor's SDK is given it signs unchanged, and
  // sends unchanged: the encoded key.
  KSS: {
    name: 'KSS',
    headerPrefix: 'x-kss-',
    signedKey: 'encoded',
    subResources: new Set(common),
    idParameter: 'KSSAccessKeyId',
    tokenParameter: undefined,
  },
} as const satisfies Record<string, Sha1Scheme>;

export interface Sha1Request {
  readonly method: string;
  /** Part of what is signed, also where a domain of its own leads to the bucket. */
  readonly bucket: string;
  /** As it is, without a slash before it. */
  readonly key: string;
  /** As they are, not encoded. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Names in lower case; a token of temporary credentials among them, as `…security-token`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The value of the `authorization` header.
 *
 * @param date The value of the `date` header. Where the cloud's own header has the date, OSS requires
 * that date here too, and the others require the empty string.
 */
export function sha1Authorization(
  scheme: Sha1Scheme,
  key: AccessKey,
  request: Sha1Request,
  date: string,
): string {
  return `${scheme.name} ${key.accessKeyId}:${sign(scheme, key, request, date)}`;
}

/**
 * The parameters that make a URL a signed one, to be encoded and added to the query.
 *
 * @param expires Seconds since the Unix epoch.
 */
export function sha1Query(
  scheme: Sha1Scheme,
  key: AccessKey,
  request: Sha1Request,
  expires: number,
): Record<string, string> {
  const { idParameter, tokenParameter } = scheme;
  const token = key.sessionToken?.reveal();
  const tokens =
    token === undefined || tokenParameter === undefined ? {} : { [tokenParameter]: token };
  const whole = { ...request, query: { ...request.query, ...tokens } };
  return {
    [idParameter]: key.accessKeyId,
    Expires: expires.toString(),
    ...tokens,
    Signature: sign(scheme, key, whole, expires.toString()),
  };
}

function sign(scheme: Sha1Scheme, key: AccessKey, request: Sha1Request, date: string): string {
  return createHmac('sha1', key.secretAccessKey.reveal())
    .update(textToSign(scheme, request, date))
    .digest('base64');
}

function textToSign(scheme: Sha1Scheme, request: Sha1Request, date: string): string {
  const { method, headers = {} } = request;
  const own = Object.keys(headers)
    .filter((name) => name.startsWith(scheme.headerPrefix))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`)
    .join('');
  const md5 = headers['content-md5'] ?? '';
  const type = headers['content-type'] ?? '';
  return `${method}\n${md5}\n${type}\n${date}\n${own}${resourceOf(scheme, request)}`;
}

function resourceOf(scheme: Sha1Scheme, { bucket, key, query = {} }: Sha1Request): string {
  const name = scheme.signedKey === 'raw' ? key : encodeKey(key);
  const parts = Object.keys(query)
    .filter((parameter) => scheme.subResources.has(parameter))
    .sort()
    .map((parameter) => {
      const value = query[parameter] ?? '';
      return value === '' ? parameter : `${parameter}=${value}`;
    });
  return `/${bucket}/${name}${parts.length === 0 ? '' : `?${parts.join('&')}`}`;
}
