import { createHash, createHmac } from 'node:crypto';

/*
 * How CDNs and clouds judge a request, written from their documents and apart from the code that
 * signs: what is wrong in both would have to be misread twice.
 */

/** A request, as it was received. */
export interface Asked {
  /** From the first slash, percent-encoded, without the query. */
  readonly path: string;
  /** The query as it was received, without the question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Scheme, host and port, as the client knows them. */
  readonly origin: string;
}

export interface CdnSecrets {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  /** The token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  readonly appId: string;
  /** The CDN's own. */
  readonly key: string;
  /** Seconds that a time is good for, where the CDN decides it. */
  readonly ttl: number;
  /** Seconds since the Unix epoch. */
  readonly now: () => number;
}

/** @returns The path of the object if the request is authorized, otherwise undefined. */
export type Check = (asked: Asked, secrets: CdnSecrets) => string | undefined;

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const hmac = (key: string, text: string) => createHmac('sha1', key).update(text);
const keyOf = (path: string): string => decodeURIComponent(path.slice(1));

function fresh(time: number, { ttl, now }: CdnSecrets): boolean {
  // A clock that is ahead by less than a minute is forgiven.
  return time + ttl >= now() && time <= now() + 60;
}

/** A query as it is, each value decoded by percent only: a plus is a plus. */
function parameters(query: string): Map<string, string> {
  const pairs = query.split('&').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1))];
  });
  return new Map(pairs);
}

/** `TS-rand-uid-md5` in a parameter: type A of Aliyun and of Tencent. */
const timeRandUid =
  (parameter: string): Check =>
  ({ path, query }, secrets) => {
    const given = parameters(query).get(parameter) ?? '';
    const [, time = '', rand = '', uid = '', sum] =
      /^(\d{10})-([0-9A-Za-z]{1,100})-(\d+)-([0-9a-f]{32})$/.exec(given) ?? [];
    if (!fresh(Number(time), secrets)) return undefined;
    return md5(`${path}-${time}-${rand}-${uid}-${secrets.key}`) === sum ? path : undefined;
  };

/** `/YYYYMMDDHHMM/md5/path`, in China's time: type B of both. */
const minuteInPath: Check = ({ path }, secrets) => {
  const [, minute = '', sum, rest = ''] = /^\/(\d{12})\/([0-9a-f]{32})(\/[^]*)$/.exec(path) ?? [];
  const [, y, mo, d, h, m] = /^(....)(..)(..)(..)(..)$/.exec(minute) ?? [];
  const time = Date.parse(`${y}-${mo}-${d}T${h}:${m}:00+08:00`) / 1000;
  if (!fresh(time, secrets)) return undefined;
  return md5(secrets.key + minute + rest) === sum ? rest : undefined;
};

/** `/md5/hex/path`: type C of both; Aliyun writes its digits large, Tencent small. */
const hexInPath =
  (digits: RegExp): Check =>
  ({ path }, secrets) => {
    const [, sum, time = '', rest = ''] = /^\/([0-9a-f]{32})\/(\w{8})(\/[^]*)$/.exec(path) ?? [];
    if (!digits.test(time) || !fresh(Number.parseInt(time, 16), secrets)) return undefined;
    return md5(secrets.key + rest + time) === sum ? rest : undefined;
  };

const sumAndTime: Check = ({ path, query }, secrets) => {
  const given = parameters(query);
  const time = given.get('t') ?? '';
  if (!/^\d{10}$/.test(time) || !fresh(Number(time), secrets)) return undefined;
  return md5(secrets.key + path + time) === given.get('sign') ? path : undefined;
};

const qiniu: Check = ({ path, query, origin }, { accessKeyId, secretAccessKey, now }) => {
  const [, signed, deadline, id, signature] =
    /^(.*\be=(\d+))&token=([^:]+):([\w=-]+)$/.exec(`${origin}${path}?${query}`) ?? [];
  if (signed === undefined || Number(deadline) < now() || id !== accessKeyId) return undefined;
  const expected = hmac(secretAccessKey, signed).digest('base64url');
  return expected === signature?.replace(/=+$/, '') ? path : undefined;
};

const ossUrl: Check = ({ path, query }, { accessKeyId, secretAccessKey, bucket, now }) => {
  const given = parameters(query);
  const expires = given.get('Expires') ?? '';
  if (given.get('OSSAccessKeyId') !== accessKeyId || Number(expires) < now()) return undefined;
  const text = `GET\n\n\n${expires}\n/${bucket}/${keyOf(path)}`;
  const signature = hmac(secretAccessKey, text).digest('base64');
  return signature === given.get('Signature') ? path : undefined;
};

/** With the token of temporary credentials, which is signed as a part of the resource. */
const ossUrlWithToken: Check = ({ path, query }, secrets) => {
  const { accessKeyId, secretAccessKey, bucket, sessionToken, now } = secrets;
  const given = parameters(query);
  const expires = given.get('Expires') ?? '';
  const token = given.get('security-token');
  if (token === undefined || token !== sessionToken || Number(expires) < now()) return undefined;
  if (given.get('OSSAccessKeyId') !== accessKeyId) return undefined;
  const text = `GET\n\n\n${expires}\n/${bucket}/${keyOf(path)}?security-token=${token}`;
  const signature = hmac(secretAccessKey, text).digest('base64');
  return signature === given.get('Signature') ? path : undefined;
};

const ossHeader: Check = ({ path, headers }, { accessKeyId, secretAccessKey, bucket, now }) => {
  const date = String(headers['date']);
  if (Math.abs(Date.parse(date) / 1000 - now()) > 900) return undefined;
  const text = `GET\n\n\n${date}\n/${bucket}/${keyOf(path)}`;
  const signature = hmac(secretAccessKey, text).digest('base64');
  return headers['authorization'] === `OSS ${accessKeyId}:${signature}` ? path : undefined;
};

const kss: Check = ({ path, query }, { accessKeyId, secretAccessKey, bucket, now }) => {
  const given = parameters(query);
  const expires = given.get('Expires') ?? '';
  if (given.get('KSSAccessKeyId') !== accessKeyId || Number(expires) < now()) return undefined;
  const signature = hmac(secretAccessKey, `GET\n\n\n${expires}\n/${bucket}${path}`);
  return signature.digest('base64') === given.get('Signature') ? path : undefined;
};

/** A former signature of COS that is good for many reads, or for one. */
const formerCos = (times: 'several' | 'once'): Check => {
  const used = new Set<string>();
  return ({ path, query }, { accessKeyId, secretAccessKey, bucket, appId, now }) => {
    const sign = parameters(query).get('sign') ?? '';
    const bytes = Buffer.from(sign, 'base64');
    const text = bytes.subarray(20).toString();
    if (!bytes.subarray(0, 20).equals(hmac(secretAccessKey, text).digest())) return undefined;
    const given = new Map(text.split('&').map((pair) => pair.split('=', 2) as [string, string]));
    const whose = `${given.get('a')} ${given.get('b')} ${given.get('k')}`;
    if (whose !== `${appId} ${bucket} ${accessKeyId}`) return undefined;
    if (times === 'several') return Number(given.get('e')) >= now() ? path : undefined;
    const file = `/${appId}/${bucket}${path}`;
    if (given.get('e') !== '0' || given.get('f') !== file || used.has(sign)) return undefined;
    used.add(sign);
    return path;
  };
};

const cosHeader: Check = ({ path, headers }, { accessKeyId, secretAccessKey, now }) => {
  const given = parameters(String(headers['authorization']));
  const time = given.get('q-sign-time') ?? '';
  const [start, end] = time.split(';').map(Number);
  if ((start ?? Infinity) > now() || (end ?? 0) < now()) return undefined;
  const signed = `get\n/${keyOf(path)}\n\n\n`;
  const text = `sha1\n${time}\n${createHash('sha1').update(signed).digest('hex')}\n`;
  const signature = hmac(hmac(secretAccessKey, time).digest('hex'), text).digest('hex');
  const same = given.get('q-ak') === accessKeyId && given.get('q-signature') === signature;
  return same && given.get('q-header-list') === '' ? path : undefined;
};

/** The token itself is what is known, and the container comes first in the path. */
const sas: Check = ({ path, query }, { key, bucket }) =>
  query === key && path.startsWith(`/${bucket}/`) ? path.slice(bucket.length + 1) : undefined;

/** "Create a service SAS", version 2020-12-06: the account's key has signed each field that is there. */
const accountSas: Check = ({ path, query, origin }, secrets) => {
  const { accessKeyId: account, secretAccessKey, bucket, now } = secrets;
  const told = parameters(query);
  const field = (name: string): string => told.get(name) ?? '';
  const [starts, ends] = [Date.parse(field('st')) / 1000, Date.parse(field('se')) / 1000];
  if (field('sv') !== '2020-12-06' || field('sr') !== 'c' || !field('sp').includes('r')) return;
  if (field('spr') === 'https' && !origin.startsWith('https:')) return;
  if (!(starts <= now() && now() <= ends)) return;
  const text = [
    ...[field('sp'), field('st'), field('se'), `/blob/${account}/${bucket}`],
    ...[field('si'), field('sip'), field('spr'), field('sv'), field('sr')],
    ...[
      '',
      field('ses'),
      field('rscc'),
      field('rscd'),
      field('rsce'),
      field('rscl'),
      field('rsct'),
    ],
  ].join('\n');
  const key = Buffer.from(secretAccessKey, 'base64');
  const signature = createHmac('sha256', key).update(text).digest('base64');
  if (field('sig') !== signature || !path.startsWith(`/${bucket}/`)) return;
  return path.slice(bucket.length + 1);
};

const anybody: Check = ({ path, query }) => (query === '' ? path : undefined);

const largeDigits = /^[0-9A-F]{8}$/;
const smallDigits = /^[0-9a-f]{8}$/;

/** Of each type, and whether the task has a key for the CDN. */
export const checks: Readonly<Record<string, () => Check>> = {
  'NONE': () => anybody,
  'QINIU_PRIVATE_AUTHENTICATION': () => qiniu,
  'KSYUN_PRIVATE_AUTHENTICATION': () => kss,
  'ALIYUN_OSS_A': () => ossUrl,
  'ALIYUN_OSS_A with a key': () => timeRandUid('auth_key'),
  'ALIYUN_OSS_B': () => ossHeader,
  'ALIYUN_OSS_B with a key': () => minuteInPath,
  'ALIYUN_OSS_C': () => ossUrlWithToken,
  'ALIYUN_OSS_C with a key': () => hexInPath(largeDigits),
  'AZURE_SAS_TOKEN': () => accountSas,
  'AZURE_SAS_TOKEN with a key': () => sas,
  'TENCENT_COS_A': () => formerCos('several'),
  'TENCENT_COS_A with a key': () => timeRandUid('sign'),
  'TENCENT_COS_B': () => formerCos('once'),
  'TENCENT_COS_B with a key': () => minuteInPath,
  'TENCENT_COS_C': () => cosHeader,
  'TENCENT_COS_C with a key': () => hexInPath(smallDigits),
  'TENCENT_COS_D': () => cosHeader,
  'TENCENT_COS_D with a key': () => sumAndTime,
};
