import { createHmac, timingSafeEqual } from 'node:crypto';
import { decoded, type KodoCall, type KodoService, pathOf } from './call.ts';
import { KodoError } from './kodo-error.ts';
import { type PutPolicy, readPolicy } from './put-policy.ts';

const FORM = 'application/x-www-form-urlencoded';
/** A request may have been made that long ago, or ahead: X-Qiniu-Date, "Common request headers". */
const SKEW_MS = 15 * 60_000;

/**
 * Checks that a request to manage objects is signed with the key, in a token of the current or the former form.
 *
 * @see https://developer.qiniu.com/kodo/1201/access-token
 * @throws {KodoError} `bad token`
 */
export function checkAccess(call: KodoCall): void {
  const { headers, service } = call;
  const [, scheme, id, signature] =
    /^(Qiniu|QBox) ([^:\s]+):([\w=-]+)$/.exec(headers.authorization ?? '') ?? [];
  const text = scheme === 'Qiniu' ? textOf(call) : formerTextOf(call);
  check(service, id, signature, text);
  const date = headers['x-qiniu-date'];
  if (scheme === 'Qiniu' && typeof date === 'string') checkDate(service, date);
}

function textOf({ method, url, headers, body }: KodoCall): string {
  const type = headers['content-type'] ?? FORM;
  const own = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-qiniu-'))
    .map(([name, value]) => `${titled(name)}: ${String(value)}`)
    .sort();
  const signsBody = type !== 'application/octet-stream';
  const lines = [`${method} ${url}`, `Host: ${headers.host ?? ''}`, `Content-Type: ${type}`];
  return `${[...lines, ...own].join('\n')}\n\n${signsBody ? body.toString() : ''}`;
}

/** `x-qiniu-date` as `X-Qiniu-Date`. */
function titled(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function formerTextOf({ url, headers, body }: KodoCall): string {
  return `${url}\n${headers['content-type'] === FORM ? body.toString() : ''}`;
}

/** `20060102T150405Z` */
function checkDate({ now }: KodoService, date: string): void {
  const iso = date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
  if (!(Math.abs(Date.parse(iso) - now()) <= SKEW_MS)) throw new KodoError('bad token');
}

/**
 * What a client may upload, by whose key.
 *
 * @see https://developer.qiniu.com/kodo/1208/upload-token
 * @throws {KodoError} `bad token` and `expired token`
 */
export function policyOf(service: KodoService, token: string): PutPolicy {
  const [id, signature, text = ''] = token.split(':');
  check(service, id, signature, text);
  const policy = readPolicy(decoded(text) ?? '');
  if (policy.deadline * 1000 < service.now()) throw new KodoError('expired token');
  return policy;
}

/** The policy of a request that brings its token in a header. */
export function policyOfHeader({ service, headers }: KodoCall): PutPolicy {
  const [, token] = /^UpToken (\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (token === undefined) throw new KodoError('bad token');
  return policyOf(service, token);
}

/**
 * Checks that a private download is signed for exactly the requested URL and has not expired.
 *
 * @see https://developer.qiniu.com/kodo/1202/download-token
 * @throws {KodoError} `download token not specified`, `bad token` and `token out of date`
 */
export function checkDownload(call: KodoCall): void {
  const { service, origin, url } = call;
  if (!/(?:^|&)token=/.test(pathOf(call).query)) {
    throw new KodoError('download token not specified');
  }
  const [, text = '', deadline, id, signature] =
    /^(.*[?&]e=(\d+))&token=([^:]+):([\w=-]+)$/s.exec(origin + url) ?? [];
  check(service, id, signature, text);
  if (Number(deadline) * 1000 < service.now()) throw new KodoError('token out of date');
}

function check(
  { cloud }: KodoService,
  id: string | undefined,
  signature: string | undefined,
  text: string,
): void {
  const { accessKeyId, secretAccessKey } = cloud.accessKey;
  const expected = createHmac('sha1', secretAccessKey).update(text).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  const same = given.length === expected.length && timingSafeEqual(given, expected);
  if (id !== accessKeyId || !same) throw new KodoError('bad token');
}
