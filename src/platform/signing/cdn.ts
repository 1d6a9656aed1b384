import type { CdnAuthenticationType } from '../model/source-cdn.ts';
import { azureCredentials } from './azure-credentials.ts';
import type { AccessKey } from './access-key.ts';
import { encodeRfc3986 } from './url-encoding.ts';
import { azureServiceSas } from './azure-sas.ts';
import { formerCosSignature, qiniuDownloadUrl } from './cdn-native.ts';
import * as url from './cdn-url.ts';
import { cosAuthorization } from './cos.ts';
import { sha1Authorization, sha1Query, sha1Schemes } from './hmac-sha1.ts';

/** What a signature for a CDN is made of. */
export interface CdnIdentity {
  /** Scheme, host and port of the CDN, as requests name it. */
  readonly origin: string;
  readonly bucket: string;
  /** Of Tencent only. */
  readonly appId: string | undefined;
  readonly credentials: AccessKey;
}

/** One read, about to be sent. */
export interface CdnRequest {
  readonly key: string;
  /** Of the object at the CDN: from the first slash, percent-encoded. */
  readonly path: string;
  /** Seconds since the Unix epoch. */
  readonly now: number;
  /** Up to ten digits. */
  readonly random: string;
}

/** A request that the CDN lets in. */
export interface CdnTarget {
  /** With the query. */
  readonly path: string;
  /** In pairs, names in lower case. */
  readonly headers: readonly string[];
}

export type CdnSigner = (request: CdnRequest) => CdnTarget;

/**
 * One type of authentication, and what it means. OMS's documents say of each type both that it is the
 * URL authentication of a CDN, with a key of its own, and that it is the bucket's own signature with
 * the access key. Whether a key is configured decides between the two.
 */
interface CdnScheme {
  /** With a key; undefined where a key is of no use. */
  readonly withKey: ((key: string) => CdnSigner) | undefined;
  /** Without a key; throws {@link NoCdnKey} where nothing else can sign. */
  readonly native: (identity: CdnIdentity) => CdnSigner;
}

/** Seconds; for signatures that say themselves when they end. What has begun may take longer. */
const VALID_S = 3600;
/** Seconds that a clock of the cloud may be behind ours. */
const SLOW_CLOCK_S = 60;

const unsigned: CdnSigner = ({ path }) => ({ path, headers: [] });

const byUrl =
  (sign: (request: url.CdnUrlRequest) => string) =>
  (key: string): CdnSigner =>
  ({ path, now, random }) => ({ path: sign({ path, key, now, random }), headers: [] });

const qiniu =
  ({ origin, credentials }: CdnIdentity): CdnSigner =>
  ({ path, now }) => {
    const signed = qiniuDownloadUrl(`${origin}${path}`, credentials, now + VALID_S);
    return { path: signed.slice(origin.length), headers: [] };
  };

const sha1InQuery =
  (scheme: 'OSS' | 'KSS') =>
  ({ bucket, credentials }: CdnIdentity): CdnSigner =>
  ({ key, path, now }) => {
    const request = { method: 'GET', bucket, key };
    return withQuery(path, sha1Query(sha1Schemes[scheme], credentials, request, now + VALID_S));
  };

const ossInHeader =
  ({ bucket, credentials }: CdnIdentity): CdnSigner =>
  ({ key, path, now }) => {
    const token = credentials.sessionToken?.reveal();
    const headers = token === undefined ? {} : { 'x-oss-security-token': token };
    const date = new Date(now * 1000).toUTCString();
    const request = { method: 'GET', bucket, key, headers };
    const authorization = sha1Authorization(sha1Schemes.OSS, credentials, request, date);
    return { path, headers: Object.entries({ ...headers, date, authorization }).flat() };
  };

const formerCos =
  (good: 'several' | 'once') =>
  ({ bucket, appId = '', credentials }: CdnIdentity): CdnSigner =>
  ({ key, path, now, random }) => {
    const suffix = `-${appId}`;
    const sign = formerCosSignature(credentials, {
      appId,
      bucket: bucket.endsWith(suffix) ? bucket.slice(0, -suffix.length) : bucket,
      good: good === 'once' ? { once: key } : { several: { until: now + VALID_S } },
      now,
      random,
    });
    return withQuery(path, { sign });
  };

/** Signs no header: on the way to the bucket the CDN puts another host. */
const cosInHeader =
  ({ credentials }: CdnIdentity): CdnSigner =>
  ({ key, path, now }) => {
    const time = { from: now - SLOW_CLOCK_S, until: now + VALID_S };
    const request = { method: 'GET', path: `/${key}` };
    const headers = ['authorization', cosAuthorization(credentials, request, time)];
    const token = credentials.sessionToken?.reveal();
    if (token !== undefined) headers.push('x-cos-security-token', token);
    return { path, headers };
  };

/** The key is the token, and goes as it is, with a question mark before it or without. */
const sasToken =
  (token: string): CdnSigner =>
  ({ path }) => ({ path: `${path}?${token.replace(/^\?/, '')}`, headers: [] });

/** A token for the container, to read only; where the credentials are a token themselves, that. */
const azureSas = ({ origin, bucket, credentials }: CdnIdentity): CdnSigner => {
  const account = azureCredentials(credentials);
  if (account.kind === 'sas') return sasToken(account.token.reveal());
  return ({ path, now }) => {
    const token = azureServiceSas(account, {
      ...{ container: bucket, permissions: 'r', httpsOnly: origin.startsWith('https:') },
      ...{ startsAt: (now - SLOW_CLOCK_S) * 1000, expiresAt: (now + VALID_S) * 1000 },
    });
    return { path: `${path}?${token}`, headers: [] };
  };
};

const schemes: Readonly<Record<CdnAuthenticationType, CdnScheme>> = {
  NONE: { withKey: undefined, native: () => unsigned },
  QINIU_PRIVATE_AUTHENTICATION: { withKey: undefined, native: qiniu },
  ALIYUN_OSS_A: { withKey: byUrl(url.aliyunCdnA), native: sha1InQuery('OSS') },
  ALIYUN_OSS_B: { withKey: byUrl(url.aliyunCdnB), native: ossInHeader },
  ALIYUN_OSS_C: { withKey: byUrl(url.aliyunCdnC), native: stsOnly },
  KSYUN_PRIVATE_AUTHENTICATION: { withKey: undefined, native: sha1InQuery('KSS') },
  AZURE_SAS_TOKEN: { withKey: sasToken, native: azureSas },
  TENCENT_COS_A: { withKey: byUrl(url.tencentCdnA), native: formerCos('several') },
  TENCENT_COS_B: { withKey: byUrl(url.tencentCdnB), native: formerCos('once') },
  TENCENT_COS_C: { withKey: byUrl(url.tencentCdnC), native: cosInHeader },
  TENCENT_COS_D: { withKey: byUrl(url.tencentCdnD), native: cosInHeader },
};

/** Without the token of temporary credentials it would be `ALIYUN_OSS_A`. */
function stsOnly(identity: CdnIdentity): CdnSigner {
  if (identity.credentials.sessionToken === undefined) throw new NoCdnKey();
  return sha1InQuery('OSS')(identity);
}

/** A type of authentication that needs a key, and has none. */
export class NoCdnKey extends Error {
  override readonly name = 'NoCdnKey';
  constructor() {
    super('this type of CDN authentication needs a key');
  }
}

/**
 * The signer of a CDN.
 *
 * @param key The CDN's own; undefined where the access key signs.
 * @throws {NoCdnKey} where nothing else could sign.
 */
export function cdnSigner(
  type: CdnAuthenticationType,
  key: string | undefined,
  identity: CdnIdentity,
): CdnSigner {
  const { withKey, native } = schemes[type];
  if (key !== undefined && withKey !== undefined) return withKey(key);
  return native(identity);
}

function withQuery(path: string, parameters: Readonly<Record<string, string>>): CdnTarget {
  const query = Object.keys(parameters).map(
    (name) => `${name}=${encodeRfc3986(parameters[name] ?? '')}`,
  );
  return { path: `${path}?${query.join('&')}`, headers: [] };
}
