import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { amzDate, UNSIGNED_PAYLOAD } from './aws-v4.ts';
import type { RequestToSign, Signer } from './request.ts';

const ALGORITHM = 'OSS4-HMAC-SHA256';

/**
 * Signs requests with version 4 of Aliyun's OSS, in a header. The signing key is kept for a day.
 *
 * @see https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
 */
export class OssV4Signer implements Signer {
  readonly #key: AccessKey;
  readonly #token: string | undefined;
  readonly #region: string;
  #day = '';
  #signingKey: KeyObject | undefined;

  /** @param region Without `oss-` before it: `cn-hangzhou`. */
  constructor(key: AccessKey, region: string) {
    this.#key = key;
    this.#token = key.sessionToken?.reveal();
    this.#region = region;
  }

  sign({ method, resource, query, headers: own = [], now }: RequestToSign): string[] {
    const date = amzDate(now);
    const headers = ['x-oss-content-sha256', UNSIGNED_PAYLOAD, 'x-oss-date', date, ...own];
    if (this.#token !== undefined) headers.push('x-oss-security-token', this.#token);
    const request = [
      method,
      resource,
      // A parameter without a value has no equals sign here.
      query.replace(/=(?=&|$)/g, ''),
      `${canonicalHeaders(headers)}\n`, // A blank line, where the names of more headers would be.
      UNSIGNED_PAYLOAD,
    ].join('\n');
    const scope = `${date.slice(0, 8)}/${this.#region}/oss/aliyun_v4_request`;
    // As Latin-1, in which headers are sent; all else is ASCII.
    const digest = hash('sha256', Buffer.from(request, 'latin1'));
    const signature = createHmac('sha256', this.#keyOf(date.slice(0, 8)))
      .update(`${ALGORITHM}\n${date}\n${scope}\n${digest}`)
      .digest('hex');
    const credential = `${this.#key.accessKeyId}/${scope}`;
    headers.push('authorization', `${ALGORITHM} Credential=${credential},Signature=${signature}`);
    return headers;
  }

  #keyOf(day: string): KeyObject {
    if (day === this.#day && this.#signingKey !== undefined) return this.#signingKey;
    const secret = `aliyun_v4${this.#key.secretAccessKey.reveal()}`;
    const key = hmac(hmac(hmac(hmac(secret, day), this.#region), 'oss'), 'aliyun_v4_request');
    this.#signingKey = createSecretKey(key);
    this.#day = day;
    return this.#signingKey;
  }
}

/** Those of OSS, and two of HTTP where they are sent: all of them must be signed. */
function canonicalHeaders(headers: readonly string[]): string {
  const lines: [name: string, value: string][] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (name.startsWith('x-oss-') || name === 'content-type' || name === 'content-md5') {
      lines.push([name, (headers[at + 1] ?? '').trim()]);
    }
  }
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([name, value]) => `${name}:${value}\n`).join('');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
