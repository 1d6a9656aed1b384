import { createHmac, hash } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { encodeRfc3986 } from './url-encoding.ts';
import { type RequestToSign, signedPairs, type Signer } from './request.ts';

export interface CosRequest {
  readonly method: string;
  /** The path without its percent-encoding: `/` and the key. */
  readonly path: string;
  /** The query's parameters to sign, as they are. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** The headers to sign; COS itself requires none, not even `host`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Seconds since the Unix epoch. */
export interface CosTime {
  readonly from: number;
  readonly until: number;
}

/**
 * Signs a request for Tencent's COS, as its XML interface requires.
 *
 * @see https://www.tencentcloud.com/document/product/436/7778
 * @returns Parameters in order: as they are, joined by `&`, they are the `authorization` header;
 * encoded, the query of a signed URL.
 */
export function cosParameters(
  key: AccessKey,
  { method, path, query = {}, headers = {} }: CosRequest,
  { from, until }: CosTime,
): [name: string, value: string][] {
  const time = `${from};${until}`;
  const parameters = canonical(query);
  const lines = canonical(headers);
  const request = `${method.toLowerCase()}\n${path}\n${parameters.text}\n${lines.text}\n`;
  const signingKey = hmac(key.secretAccessKey.reveal(), time);
  return [
    ['q-sign-algorithm', 'sha1'],
    ['q-ak', key.accessKeyId],
    ['q-sign-time', time],
    ['q-key-time', time],
    ['q-header-list', lines.names],
    ['q-url-param-list', parameters.names],
    ['q-signature', hmac(signingKey, `sha1\n${time}\n${hash('sha1', request)}\n`)],
  ];
}

/** The value of the `authorization` header. */
export function cosAuthorization(key: AccessKey, request: CosRequest, time: CosTime): string {
  return cosParameters(key, request, time)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Seconds; COS refuses what is signed for a time to come, so it begins a little before now. */
const BEFORE_S = 60;
const AFTER_S = 900;

/** Signs requests in a header, `host` and the cloud's own headers included. */
export class CosSigner implements Signer {
  readonly #key: AccessKey;
  readonly #token: string | undefined;

  constructor(key: AccessKey) {
    this.#key = key;
    this.#token = key.sessionToken?.reveal();
  }

  sign({ method, host, path, query, headers: own = [], now }: RequestToSign): string[] {
    const headers = [...own];
    if (this.#token !== undefined) headers.push('x-cos-security-token', this.#token);
    const second = Math.floor(now / 1000);
    const request = {
      method,
      path: path.includes('%') ? decodeURIComponent(path) : path,
      query: parametersOf(query),
      headers: Object.fromEntries(signedPairs(host, headers, 'x-cos-')),
    };
    const time = { from: second - BEFORE_S, until: second + AFTER_S };
    headers.push('authorization', cosAuthorization(this.#key, request, time));
    return headers;
  }
}

function parametersOf(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = pair.split('=');
    parameters[decodeURIComponent(name)] = decodeURIComponent(value);
  }
  return parameters;
}

function hmac(key: string, text: string): string {
  return createHmac('sha1', key).update(text).digest('hex');
}

/** Names in lower case and encoded, sorted by what they are then. */
function canonical(pairs: Readonly<Record<string, string>>) {
  const encoded: [name: string, value: string][] = [];
  for (const name of Object.keys(pairs)) {
    encoded.push([encodeRfc3986(name.toLowerCase()), encodeRfc3986(pairs[name] ?? '')]);
  }
  encoded.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    names: encoded.map(([name]) => name).join(';'),
    text: encoded.map(([name, value]) => `${name}=${value}`).join('&'),
  };
}
