import { hash } from 'node:crypto';

/** What the URL authentication of a CDN signs a request with. */
export interface CdnUrlRequest {
  /** As it is sent: from the first slash, percent-encoded, without a query. */
  readonly path: string;
  /** The secret that the CDN knows. */
  readonly key: string;
  /** Seconds since the Unix epoch: the period of validity that the CDN is configured with begins then. */
  readonly now: number;
  /** Letters and digits, others in each request. */
  readonly random: string;
}

/** The path and query to send. */
type CdnUrlSigner = (request: CdnUrlRequest) => string;

/** @see https://www.alibabacloud.com/help/en/cdn/user-guide/type-a-signing */
export const aliyunCdnA: CdnUrlSigner = ({ path, key, now, random }) =>
  `${path}?auth_key=${now}-${random}-0-${md5(`${path}-${now}-${random}-0-${key}`)}`;

/** @see https://www.alibabacloud.com/help/en/cdn/user-guide/type-b-signing */
export const aliyunCdnB: CdnUrlSigner = (request) => minuteInPath(request);

/**
 * Its first format. The second has the same checksum in a query, whose parameters the CDN must be configured
 * with.
 *
 * @see https://www.alibabacloud.com/help/en/cdn/user-guide/type-c-signing
 */
export const aliyunCdnC: CdnUrlSigner = (request) =>
  hexInPath(request, request.now.toString(16).toUpperCase());

/** @see https://www.tencentcloud.com/document/product/228/35222 */
export const tencentCdnA: CdnUrlSigner = ({ path, key, now, random }) =>
  `${path}?sign=${now}-${random}-0-${md5(`${path}-${now}-${random}-0-${key}`)}`;

/** @see https://www.tencentcloud.com/document/product/228/35223 */
export const tencentCdnB: CdnUrlSigner = (request) => minuteInPath(request);

/** @see https://www.tencentcloud.com/document/product/228/35224 */
export const tencentCdnC: CdnUrlSigner = (request) => hexInPath(request, request.now.toString(16));

/** @see https://www.tencentcloud.com/document/product/228/35225 */
export const tencentCdnD: CdnUrlSigner = ({ path, key, now }) =>
  `${path}?sign=${md5(`${key}${path}${now}`)}&t=${now}`;

function minuteInPath({ path, key, now }: CdnUrlRequest): string {
  const minute = minuteInChina(now);
  return `/${minute}/${md5(`${key}${minute}${path}`)}${path}`;
}

function hexInPath({ path, key }: CdnUrlRequest, time: string): string {
  return `/${md5(`${key}${path}${time}`)}/${time}${path}`;
}

const CHINA_AHEAD_S = 8 * 3600;

/** `YYYYMMDDHHMM` in UTC+8, which has no summer time. */
function minuteInChina(now: number): string {
  const local = new Date((now + CHINA_AHEAD_S) * 1000).toISOString();
  return local.replace(/[-:T]/g, '').slice(0, 12);
}

function md5(text: string): string {
  return hash('md5', text);
}
