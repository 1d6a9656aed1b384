import type { CloudType } from './cloud.ts';

export const cdnProtocols = ['http', 'https'] as const;
export type CdnProtocol = (typeof cdnProtocols)[number];

/** How a CDN authenticates its readers, in OMS's spelling and order. */
export const cdnAuthenticationTypes = [
  'NONE',
  'QINIU_PRIVATE_AUTHENTICATION',
  'ALIYUN_OSS_A',
  'ALIYUN_OSS_B',
  'ALIYUN_OSS_C',
  'KSYUN_PRIVATE_AUTHENTICATION',
  'AZURE_SAS_TOKEN',
  'TENCENT_COS_A',
  'TENCENT_COS_B',
  'TENCENT_COS_C',
  'TENCENT_COS_D',
] as const;
export type CdnAuthenticationType = (typeof cdnAuthenticationTypes)[number];

/** A CDN in front of the source bucket: the bytes are read through it. */
export interface SourceCdn {
  /** A host, optionally with a port. */
  readonly domain: string;
  readonly protocol: CdnProtocol;
  readonly authenticationType: CdnAuthenticationType;
}

export interface CdnAuthenticationFacts {
  /** The one cloud whose buckets it is for; undefined for any. */
  readonly cloud: CloudType | undefined;
  /**
   * What the authentication key is for. `unused`: the task's access key signs, or nothing does.
   * `optional`: with it the CDN's own URL authentication, without it the cloud's signature by the
   * task's access key. `or-token`: likewise, but the access key must be a temporary one.
   * `required`: nothing else can sign.
   */
  readonly key: 'unused' | 'optional' | 'or-token' | 'required';
  /**
   * What becomes of the token of a temporary access key, without which that key is not known, where
   * the access key signs. `lost`: the signature has no documented place for it.
   */
  readonly token: 'carried' | 'lost' | 'not-asked';
}

const tencent = { cloud: 'Tencent', key: 'optional' } as const;

export const cdnAuthentications: Readonly<Record<CdnAuthenticationType, CdnAuthenticationFacts>> = {
  NONE: { cloud: undefined, key: 'unused', token: 'not-asked' },
  // OMS API reference, "SourceCdnReq": no key is needed for Qiniu and for KingsoftCloud.
  // https://developer.qiniu.com/kodo/1202/download-token has a deadline and a signature, no more.
  QINIU_PRIVATE_AUTHENTICATION: { cloud: 'Qiniu', key: 'unused', token: 'lost' },
  ALIYUN_OSS_A: { cloud: 'Aliyun', key: 'optional', token: 'carried' },
  ALIYUN_OSS_B: { cloud: 'Aliyun', key: 'optional', token: 'carried' },
  // Without a key it is the signature with an STS token.
  ALIYUN_OSS_C: { cloud: 'Aliyun', key: 'or-token', token: 'carried' },
  KSYUN_PRIVATE_AUTHENTICATION: { cloud: 'KingsoftCloud', key: 'unused', token: 'lost' },
  // The key is the token; without one it is made of the account's key.
  AZURE_SAS_TOKEN: { cloud: 'Azure', key: 'optional', token: 'lost' },
  TENCENT_COS_A: { ...tencent, token: 'lost' },
  TENCENT_COS_B: { ...tencent, token: 'lost' },
  TENCENT_COS_C: { ...tencent, token: 'carried' },
  TENCENT_COS_D: { ...tencent, token: 'carried' },
};

/** Clouds whose own domains lead to an account: the bucket's name comes first in the path. */
const bucketInPath: ReadonlySet<CloudType> = new Set<CloudType>(['Azure']);

/** What comes before the key in a path at the CDN: a CDN stands in front of what its cloud calls a domain. */
export function cdnRoot(cloud: CloudType, bucket: string): string {
  return bucketInPath.has(cloud) ? `/${bucket}/` : '/';
}
