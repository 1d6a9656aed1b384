import { createHmac } from 'node:crypto';
import { S3Error } from '../s3-error.ts';
import {
  checkExpiry,
  checkSignature,
  checkSkew,
  type Gate,
  headerText,
  rawHeader,
  type Scheme,
  secretOf,
  type Signed,
} from '../signed.ts';

/** How one cloud signs in the manner of S3's second version. Facts only. */
interface HmacFacts {
  /** What `Authorization` begins with. */
  readonly word: string;
  readonly prefix: string;
  readonly hash: 'sha1' | 'sha256';
  /** Parameters of a signed URL. */
  readonly query: { readonly id: string; readonly expires: string; readonly signature: string };
  /** Whether the path is signed as it was sent, or decoded. */
  readonly path: 'sent' | 'decoded';
  /** What stands where the date does when the cloud's own date header is sent. */
  readonly dateSlot: 'empty' | 'own';
  /** Parameters that are signed with the path. */
  readonly signedParameters: ReadonlySet<string>;
}

const responseParameters = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
] as const;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html */
const awsParameters = [
  ...responseParameters,
  ...['acl', 'cors', 'delete', 'lifecycle', 'location', 'logging', 'notification', 'partNumber'],
  ...['policy', 'requestPayment', 'restore', 'tagging', 'torrent', 'uploadId', 'uploads'],
  ...['versionId', 'versioning', 'versions', 'website'],
] as const;

const aws: HmacFacts = {
  word: 'AWS',
  prefix: 'x-amz-',
  hash: 'sha1',
  query: { id: 'AWSAccessKeyId', expires: 'Expires', signature: 'Signature' },
  path: 'sent',
  dateSlot: 'empty',
  signedParameters: new Set(awsParameters),
};

const facts = {
  'aws-v2': aws,
  /** OBS API reference, "Authentication of Signature in a Header". */
  'obs': {
    ...aws,
    word: 'OBS',
    prefix: 'x-obs-',
    query: { ...aws.query, id: 'AccessKeyId' },
    signedParameters: new Set([
      ...awsParameters,
      ...['append', 'position', 'storageClass', 'storagePolicy', 'storageinfo', 'quota', 'rename'],
      ...['encryption', 'directcoldaccess', 'replication', 'metadata', 'modify', 'truncate'],
      ...['x-image-process', 'x-obs-security-token', 'object-lock', 'retention'],
    ]),
  },
  /** OSS developer reference, "Include a V1 signature in the Authorization header". */
  'oss-v1': {
    ...aws,
    word: 'OSS',
    prefix: 'x-oss-',
    query: { ...aws.query, id: 'OSSAccessKeyId' },
    path: 'decoded',
    dateSlot: 'own',
    signedParameters: new Set([
      ...awsParameters,
      ...['append', 'bucketInfo', 'cname', 'comp', 'continuation-token', 'encryption', 'endTime'],
      ...['live', 'objectMeta', 'position', 'qos', 'referer', 'replication', 'security-token'],
      ...['startTime', 'stat', 'status', 'symlink', 'vod', 'worm', 'x-oss-process'],
      ...['x-oss-request-payer', 'x-oss-traffic-limit', 'callback', 'callback-var'],
    ]),
  },
  /** https://docs.ksyun.com/documents/2327 */
  'kss': {
    ...aws,
    word: 'KSS',
    prefix: 'x-kss-',
    query: { ...aws.query, id: 'KSSAccessKeyId' },
    signedParameters: new Set([...awsParameters, 'thumbnail', 'crr', 'queryadp', 'adp']),
  },
  /** https://docsv4.qingcloud.com/user_guide/storage/object_storage/api/signature/ */
  'qingstor': {
    ...aws,
    word: 'QS',
    prefix: 'x-qs-',
    hash: 'sha256',
    query: { id: 'access_key_id', expires: 'expires', signature: 'signature' },
    signedParameters: new Set([
      ...responseParameters,
      ...['acl', 'append', 'cors', 'cname', 'delete', 'image', 'lifecycle', 'logging', 'mirror'],
      ...['notification', 'part_number', 'policy', 'position', 'replication', 'stats'],
      ...['upload_id', 'uploads'],
    ]),
  },
} as const satisfies Record<string, HmacFacts>;

type HmacName = keyof typeof facts;

function scheme(fact: HmacFacts): Scheme {
  return {
    claims: (signed) =>
      rawHeader(signed, 'authorization')?.startsWith(`${fact.word} `) === true ||
      (signed.query.has(fact.query.id) && signed.query.has(fact.query.signature)),
    verify(signed, gate) {
      verify(fact, signed, gate);
      return undefined;
    },
  };
}

export const hmacSchemes: Readonly<Record<HmacName, Scheme>> = {
  'aws-v2': scheme(facts['aws-v2']),
  'obs': scheme(facts.obs),
  'oss-v1': scheme(facts['oss-v1']),
  'kss': scheme(facts.kss),
  'qingstor': scheme(facts.qingstor),
};

interface Claim {
  readonly accessKeyId: string;
  readonly signature: string;
  /** What stands in the line of the date. */
  readonly slot: string;
}

function verify(fact: HmacFacts, signed: Signed, gate: Gate): void {
  const { accessKeyId, signature, slot } = claimOf(fact, signed, gate);
  const secret = secretOf(gate, accessKeyId);
  const text = stringToSign(fact, signed, slot);
  const expected = createHmac(fact.hash, secret).update(text).digest('base64');
  checkSignature(expected, signature, text);
}

function claimOf(fact: HmacFacts, signed: Signed, gate: Gate): Claim {
  const authorization = rawHeader(signed, 'authorization');
  if (authorization === undefined) return queryClaim(fact, signed, gate);
  const [, accessKeyId, signature] = /^\w+ ([^:]+):(\S+)$/.exec(authorization) ?? [];
  if (accessKeyId === undefined || signature === undefined) {
    throw new S3Error('AuthorizationHeaderMalformed');
  }
  const own = rawHeader(signed, `${fact.prefix}date`);
  const date = rawHeader(signed, 'date') ?? '';
  checkSkew(gate, parseDate(own ?? date));
  const slot = own === undefined ? date : fact.dateSlot === 'own' ? own : '';
  return { accessKeyId, signature, slot };
}

function queryClaim({ query: names }: HmacFacts, { query }: Signed, gate: Gate): Claim {
  const accessKeyId = query.get(names.id);
  const signature = query.get(names.signature);
  const slot = query.get(names.expires);
  if (accessKeyId === undefined || signature === undefined || slot === undefined) {
    throw new S3Error('AccessDenied', 'Access Denied');
  }
  checkExpiry(gate, Number(slot));
  return { accessKeyId, signature, slot };
}

/** By RFC 1123, or, where a cloud's own header takes it, in ISO's basic form. */
function parseDate(text: string): number {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
  return Date.parse(text.replace(basic, '$1-$2-$3T$4:$5:$6Z'));
}

function stringToSign(fact: HmacFacts, signed: Signed, slot: string): string {
  const own = Object.keys(signed.headers)
    .filter((name) => name.startsWith(fact.prefix))
    .sort()
    .map((name) => `${name}:${headerText((rawHeader(signed, name) ?? '').trim())}\n`);
  return [
    signed.method,
    rawHeader(signed, 'content-md5') ?? '',
    rawHeader(signed, 'content-type') ?? '',
    slot,
    own.join('') + path(fact, signed) + parameters(fact, signed),
  ].join('\n');
}

/** The bucket is part of it, wherever the request names it. */
function path({ path: kind }: HmacFacts, signed: Signed): string {
  const { bucketName, key, inHost, rawPath } = signed;
  if (kind === 'decoded') return bucketName === '' ? '/' : `/${bucketName}/${key}`;
  return inHost ? `/${bucketName}${rawPath}` : rawPath;
}

function parameters({ signedParameters }: HmacFacts, { query }: Signed): string {
  const found = [...query]
    .filter(([name]) => signedParameters.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return found.length === 0 ? '' : `?${found.join('&')}`;
}
