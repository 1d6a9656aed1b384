import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { type RequestToSign, signedPairs, type Signer } from './request.ts';

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

export interface SignedRequest {
  readonly method: string;
  /** As it is sent: encoded once, never normalized. */
  readonly path: string;
  /** As it is sent, in canonical form: encoded, sorted by name, `name=` where there is no value. */
  readonly query: string;
  /** The headers to sign, in pairs: names in lower case and in order, values in ASCII. */
  readonly headers: readonly string[];
  readonly payloadHash: string;
  /** As in the `x-amz-date` header: `20231114T221320Z`. */
  readonly date: string;
}

/** For bodies that TLS or `Content-MD5` protects: hashing them once more would cost 5 ns a byte. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Signs requests with AWS Signature Version 4, in a header. The signing key is kept for a day.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class AwsV4Signer implements Signer {
  readonly #key: AccessKey;
  readonly #scope: SigningScope;
  readonly #token: string | undefined;
  #second = -1;
  #date = '';
  #day = '';
  #dayScope = '';
  /** As a key object: from a buffer, Node makes one for each signature, in 25 µs instead of 4. */
  #signingKey: KeyObject | undefined;

  constructor(key: AccessKey, scope: SigningScope) {
    this.#key = key;
    this.#scope = scope;
    this.#token = key.sessionToken?.reveal();
  }

  sign({ method, host, path, query, headers: own, now }: RequestToSign): string[] {
    const date = this.#dateAt(now);
    const headers = ['x-amz-content-sha256', UNSIGNED_PAYLOAD, 'x-amz-date', date];
    if (this.#token !== undefined) headers.push('x-amz-security-token', this.#token);
    if (own !== undefined) headers.push(...own);
    const signed =
      own === undefined ? ['host', host, ...headers] : signedPairs(host, headers, 'x-amz-').flat();
    const payloadHash = UNSIGNED_PAYLOAD;
    const request = { method, path, query, headers: signed, payloadHash, date };
    headers.push('authorization', this.authorization(request));
    return headers;
  }

  /** The date of a request; made once a second. */
  #dateAt(now: number): string {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = amzDate(now);
    }
    return this.#date;
  }

  /** The value of the `authorization` header. */
  authorization(request: SignedRequest): string {
    const day = request.date.slice(0, 8);
    const signingKey = this.#keyOf(day);
    const { headers } = request;
    let canonicalHeaders = '';
    let names = '';
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] ?? '';
      canonicalHeaders += `${name}:${canonicalValue(headers[at + 1] ?? '')}\n`;
      names += at === 0 ? name : `;${name}`;
    }
    const canonical = `${request.method}\n${request.path}\n${request.query}\n${canonicalHeaders}\n${names}\n${request.payloadHash}`;
    const toSign = `${ALGORITHM}\n${request.date}\n${this.#dayScope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', signingKey).update(toSign).digest('hex');
    return `${ALGORITHM} Credential=${this.#key.accessKeyId}/${this.#dayScope}, SignedHeaders=${names}, Signature=${signature}`;
  }

  #keyOf(day: string): KeyObject {
    if (day === this.#day && this.#signingKey !== undefined) return this.#signingKey;
    const { region, service } = this.#scope;
    const secret = `AWS4${this.#key.secretAccessKey.reveal()}`;
    const key = hmac(hmac(hmac(hmac(secret, day), region), service), 'aws4_request');
    this.#signingKey = createSecretKey(key);
    this.#dayScope = `${day}/${region}/${service}/aws4_request`;
    this.#day = day;
    return this.#signingKey;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** A header's value as it is signed: outer spaces gone, inner ones single. */
function canonicalValue(value: string): string {
  return /^ | $|\s\s|[\t\n\r\f\v]/.test(value) ? value.trim().replace(/\s+/g, ' ') : value;
}

/** A time as AWS writes it in requests: `20231114T221320Z`. */
export function amzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, '');
}
