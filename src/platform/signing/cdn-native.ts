import { createHmac } from 'node:crypto';
import type { AccessKey } from './access-key.ts';
import { encodeKey } from './url-encoding.ts';

/**
 * A URL for a private download from Qiniu.
 *
 * @param url As it is sent; with a query or without.
 * @param deadline Seconds since the Unix epoch.
 * @see https://developer.qiniu.com/kodo/1202/download-token
 */
export function qiniuDownloadUrl(url: string, key: AccessKey, deadline: number): string {
  const signed = `${url}${url.includes('?') ? '&' : '?'}e=${deadline}`;
  const signature = hmacSha1(key, signed).replaceAll('+', '-').replaceAll('/', '_');
  return `${signed}&token=${key.accessKeyId}:${signature}`;
}

/** Which objects a signature of COS's former JSON interface is good for. */
export interface FormerCosRequest {
  readonly appId: string;
  /** Without the APPID. */
  readonly bucket: string;
  /** `several`: any object, until it expires. `once`: this object, one time. */
  readonly good: { readonly several: { readonly until: number } } | { readonly once: string };
  /** Seconds since the Unix epoch. */
  readonly now: number;
  /** Up to ten digits. */
  readonly random: string;
}

/**
 * The signature of COS's former JSON interface, for the parameter `sign` of a URL or the header
 * `authorization`. Buckets of today do not know it; of Tencent's SDKs that for Node still makes one
 * with the same fields, by `getV4Auth`.
 *
 * @see https://cloud.tencent.com/document/product/436/6054
 */
export function formerCosSignature(key: AccessKey, request: FormerCosRequest): string {
  const { appId, bucket, good, now, random } = request;
  const [expires, file] =
    'once' in good ? [0, `/${appId}/${bucket}/${encodeKey(good.once)}`] : [good.several.until, ''];
  const text = `a=${appId}&b=${bucket}&k=${key.accessKeyId}&e=${expires}&t=${now}&r=${random}&f=${file}`;
  const signature = createHmac('sha1', key.secretAccessKey.reveal()).update(text).digest();
  return Buffer.concat([signature, Buffer.from(text)]).toString('base64');
}

function hmacSha1(key: AccessKey, text: string): string {
  return createHmac('sha1', key.secretAccessKey.reveal()).update(text).digest('base64');
}
