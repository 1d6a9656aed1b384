import { GiB, KiB, MiB } from '../../base/bytes.ts';
import type { CloudType } from '../../model/cloud.ts';
import type { Fault } from '../../model/fault.ts';
import type { StorageClassFacts, StorageTier } from '../../model/storage-class.ts';

/** How one cloud's S3 face differs from the others. Facts only, no code. */
export interface S3Dialect {
  readonly cloud: CloudType;
  /** `{region}` stands for the region. */
  readonly endpoint: string;
  /** Hosts of the cloud itself; others under the same dialect are somebody's own server. */
  readonly ownHosts: RegExp;
  /** Where the bucket's name goes at the cloud's own hosts, and elsewhere. */
  readonly addressing: { readonly own: Addressing; readonly elsewhere: Addressing };
  readonly headerPrefix: 'x-amz-';
  readonly listVersion: 1 | 2;
  /** Whether `encoding-type=url` is asked for; what comes back says itself whether it is encoded. */
  readonly listUrlEncoded: boolean;
  /** Where the store tells the CRC-64/XZ of a whole object. */
  readonly crc64Header: string | undefined;
  /** Whether the ETag of a single put is the MD5 of its bytes, where no key of a KMS is used. */
  readonly etagIsMd5: boolean;
  readonly checksMd5: boolean;
  /** Whether `If-None-Match: *` is honoured on a put. */
  readonly conditionalPut: boolean;
  /** How values that ASCII cannot carry are written, and read back. */
  readonly metadata: 'rfc2047' | 'percent';
  readonly restore: boolean;
  /** What `server-side-encryption` says to use the default key of the key service. */
  readonly kms: string | undefined;
  /** Its classes, as heads and lists name them. */
  readonly classes: ReadonlyMap<string, StorageClassFacts>;
  /** The class that a put names for each tier. */
  readonly tierClasses: Readonly<Partial<Record<StorageTier, string>>>;
  readonly putSizeMax: number;
  readonly partSizeMin: number;
  readonly partSizeMax: number;
  readonly partCountMax: number;
  readonly deleteBatchMax: number;
  /** What the store's error codes mean; those not listed are judged by their status. */
  readonly faults: ReadonlyMap<string, Fault>;
}

export type Addressing = 'virtual-host' | 'path';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const s3Faults: readonly (readonly [string, Fault])[] = [
  ['NoSuchKey', 'not-found'],
  ['NoSuchVersion', 'not-found'],
  ['NoSuchUpload', 'not-found'],
  ['NoSuchBucket', 'no-bucket'],
  ['PreconditionFailed', 'changed'],
  ['ConditionalRequestConflict', 'unavailable'], // A delete went on at the same time: try again.
  ['OperationAborted', 'unavailable'],
  ['AccessDenied', 'denied'],
  ['AllAccessDisabled', 'denied'],
  ['AccountProblem', 'denied'],
  ['InvalidAccessKeyId', 'bad-credentials'],
  ['SignatureDoesNotMatch', 'bad-credentials'],
  ['ExpiredToken', 'bad-credentials'],
  ['InvalidToken', 'bad-credentials'],
  ['TokenRefreshRequired', 'bad-credentials'],
  ['InvalidSecurity', 'bad-credentials'],
  ['AuthorizationHeaderMalformed', 'refused'], // The region of the signature is not the bucket's.
  ['RequestTimeTooSkewed', 'clock-skew'],
  ['RequestExpired', 'clock-skew'],
  ['InvalidObjectState', 'archived'],
  ['QuotaExceeded', 'full'], // Ceph.
  ['XMinioAdminBucketQuotaExceeded', 'full'], // MinIO.
  ['XMinioStorageFull', 'full'],
  ['InsufficientCapacity', 'full'],
  ['SlowDown', 'throttled'],
  ['ServiceUnavailable', 'throttled'], // S3 says it for "reduce your request rate", too.
  ['RequestLimitExceeded', 'throttled'],
  ['Throttling', 'throttled'],
  ['TooManyRequests', 'throttled'],
  ['BandwidthLimitExceeded', 'throttled'],
  ['RequestTimeout', 'interrupted'], // 400: the body came too slowly, or not at all.
  ['IncompleteBody', 'interrupted'],
  ['InternalError', 'unavailable'],
  ['TemporaryRedirect', 'unavailable'], // A bucket made minutes ago; soon its name will lead there.
  ['BadDigest', 'corrupt'],
  ['XAmzContentChecksumMismatch', 'corrupt'],
  ['InvalidPart', 'corrupt'], // What the upload holds is not what was put: a new one may do.
  ['InvalidPartOrder', 'corrupt'],
  ['NotImplemented', 'unsupported'],
];

const online = (tier: StorageTier): StorageClassFacts => ({ tier, archived: false });
const archived = (tier: StorageTier): StorageClassFacts => ({ tier, archived: true });

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
const s3Classes: ReadonlyMap<string, StorageClassFacts> = new Map([
  ['STANDARD', online('STANDARD')],
  ['REDUCED_REDUNDANCY', online('STANDARD')],
  ['INTELLIGENT_TIERING', online('STANDARD')],
  ['EXPRESS_ONEZONE', online('STANDARD')],
  ['STANDARD_IA', online('IA')],
  ['ONEZONE_IA', online('IA')],
  ['GLACIER_IR', online('IA')],
  ['GLACIER', archived('ARCHIVE')],
  ['DEEP_ARCHIVE', archived('DEEP_ARCHIVE')],
]);

const aws: S3Dialect = {
  cloud: 'AWS',
  endpoint: 'https://s3.{region}.amazonaws.com',
  ownHosts: /(?:^|\.)amazonaws\.com(?:\.cn)?$/,
  // MinIO, Ceph and others know buckets' hosts only when told of a domain.
  addressing: { own: 'virtual-host', elsewhere: 'path' },
  headerPrefix: 'x-amz-',
  listVersion: 2,
  listUrlEncoded: true,
  // S3's own CRC-64 is another polynomial (NVME): it cannot be compared with anybody's.
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
  crc64Header: undefined,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, "ETag"
  etagIsMd5: true,
  checksMd5: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
  conditionalPut: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: decoded as RFC 2047
  // before storing, and encoded so before returning; those who do neither give back what we sent.
  metadata: 'rfc2047',
  restore: true,
  kms: 'aws:kms',
  classes: s3Classes,
  tierClasses: {
    STANDARD: 'STANDARD',
    IA: 'STANDARD_IA',
    ARCHIVE: 'GLACIER',
    DEEP_ARCHIVE: 'DEEP_ARCHIVE',
  },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
  putSizeMax: 5 * GiB,
  partSizeMin: 5 * MiB,
  partSizeMax: 5 * GiB,
  partCountMax: 10_000,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
  deleteBatchMax: 1000,
  faults: new Map(s3Faults),
};

/** The clouds that are read and written by S3's protocol. `AWS` also is every compatible server. */
export const s3Dialects = {
  AWS: aws,
  HuaweiCloud: {
    ...aws,
    cloud: 'HuaweiCloud',
    // https://support.huaweicloud.com/intl/en-us/productdesc-obs/obs_03_0152.html
    endpoint: 'https://obs.{region}.myhuaweicloud.com',
    ownHosts: /(?:^|\.)myhuaweicloud\.(?:com|eu)$|(?:^|\.)obs\.[\w-]+\.otc\.t-systems\.com$/,
    // Buckets made since 2022 refuse path style; a custom domain leads to one bucket's host.
    addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
    // Parallel file systems refuse version 2 (OBS API reference, "Listing Objects in a Bucket").
    listVersion: 1,
    // OBS API reference, "Uploading Objects - PUT": the value is CRC-64/XZ as unsigned decimal.
    crc64Header: 'x-amz-checksum-crc64ecma',
    // Not in the reference of the S3 face; `If-None-Match` is documented for reads only.
    conditionalPut: false,
    // OBS API reference, "User-defined metadata": ASCII only; Huawei's SDKs percent-encode the rest.
    metadata: 'percent',
    // OBS API reference, "Storage Classes": its own words come too, by the other protocol.
    classes: new Map([...s3Classes, ['WARM', online('IA')], ['COLD', archived('ARCHIVE')]]),
    // OBS API reference, "Uploading Parts": 100 KB to 5 GB.
    partSizeMin: 100 * KiB,
    faults: new Map<string, Fault>([
      ...s3Faults,
      // OBS API reference, "Error Codes".
      ['InvalidCRC64', 'corrupt'],
      ['InsufficientStorageSpace', 'full'],
      ['TooManyWrongSignature', 'throttled'],
      ['VirtualHostDomainRequired', 'refused'],
      ['InArrearOrInsufficientBalance', 'denied'],
    ]),
  },
} as const satisfies Partial<Record<CloudType, S3Dialect>>;

export type S3Cloud = keyof typeof s3Dialects;
