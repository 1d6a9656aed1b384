import { createHmac } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { encodeRfc3986 } from './url-encoding.ts';
import { type RequestToSign, signedPairs, type Signer } from './request.ts';

export interface BceRequest {
  readonly method: string;
  /** Encoded, its slashes kept. */
  readonly path: string;
  /** Encoded, in any order. */
  readonly query: string;
  /** The headers to sign: `host`, and any others. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface BceTime {
  /** ISO 8601, whole seconds: `2023-11-14T22:13:20Z`. */
  readonly date: string;
  /** Seconds. */
  readonly lifetime: number;
}

/**
 * The value of the `authorization` header, by version 1 of Baidu's scheme.
 *
 * @see https://cloud.baidu.com/doc/Reference/s/njwvz1yfu
 */
export function bceAuthorization(
  key: AccessKey,
  { method, path, query, headers }: BceRequest,
  { date, lifetime }: BceTime,
): string {
  const prefix = `bce-auth-v1/${key.accessKeyId}/${date}/${lifetime}`;
  const signingKey = hmac(key.secretAccessKey.reveal(), prefix);
  const lines = headers.map(
    ([name, value]) => `${encodeRfc3986(name)}:${encodeRfc3986(value.trim())}`,
  );
  // Sorted as they are written, not by name: `a-b=` comes before `a=`.
  const parameters = query.split('&').sort().join('&');
  const request = `${method}\n${path}\n${parameters}\n${lines.sort().join('\n')}`;
  // Encoded here too, as the vendor's SDKs list them: a name may have `%` or `+`.
  const names = headers.map(([name]) => encodeRfc3986(name)).sort();
  return `${prefix}/${names.join(';')}/${hmac(signingKey, request)}`;
}

/** The signing key is the hexadecimal text itself. */
function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

const LIFETIME_S = 1800;

/** Signs requests in a header, `host` and the cloud's own headers included. */
export class BceV1Signer implements Signer {
  readonly #key: AccessKey;
  readonly #token: string | undefined;

  constructor(key: AccessKey) {
    this.#key = key;
    this.#token = key.sessionToken?.reveal();
  }

  sign({ method, host, path, query, headers: own = [], now }: RequestToSign): string[] {
    const date = new Date(now).toISOString().replace(/\.\d+/, '');
    const headers = ['x-bce-date', date, ...own];
    if (this.#token !== undefined) headers.push('x-bce-security-token', this.#token);
    // An empty value cannot be distinguished from an absent one, and is not signed.
    const signed = signedPairs(host, headers, 'x-bce-').filter(([, value]) => value.trim() !== '');
    const request = { method, path, query, headers: signed };
    const time = { date, lifetime: LIFETIME_S };
    headers.push('authorization', bceAuthorization(this.#key, request, time));
    return headers;
  }
}
