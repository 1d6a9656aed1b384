import { GiB, KiB, MiB } from '../../../base/bytes.ts';
import type { Fault } from '../../../model/fault.ts';
import { contentHeaderNames } from '../../../model/object.ts';
import type { StorageClassFacts } from '../../../model/storage-class.ts';
import {
  archived,
  checkAfter,
  online,
  type RestoreFacts,
  type RestoreTerms,
  type S3Dialect,
} from '../dialect.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export const s3Faults: readonly (readonly [string, Fault])[] = [
  ['NoSuchKey', 'not-found'],
  ['InvalidBucketName', 'no-bucket'],
  ['NoSuchVersion', 'not-found'],
  ['NoSuchUpload', 'not-found'],
  ['NoSuchBucket', 'no-bucket'],
  ['PreconditionFailed', 'changed'],
  ['ConditionalRequestConflict', 'unavailable'], // A delete went on at the same time: try again.
  ['OperationAborted', 'unavailable'],
  ['GlacierExpeditedRetrievalNotAvailable', 'unavailable'], // 503, whatever the rate of requests.
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
  ['PermanentRedirect', 'refused'],
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
  ['EntityTooSmall', 'unsupported'], // Of a part: the store wants larger ones than its facts say.
  ['NotImplemented', 'unsupported'],
];

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
export const s3Classes: ReadonlyMap<string, StorageClassFacts> = new Map([
  ['STANDARD', online('STANDARD')],
  ['REDUCED_REDUNDANCY', online('STANDARD')],
  ['INTELLIGENT_TIERING', online('STANDARD')],
  ['EXPRESS_ONEZONE', online('STANDARD')],
  ['OUTPOSTS', online('STANDARD')],
  ['SNOW', online('STANDARD')],
  ['STANDARD_IA', online('IA')],
  ['ONEZONE_IA', online('IA')],
  ['GLACIER_IR', online('IA')],
  ['GLACIER', archived('ARCHIVE')],
  ['DEEP_ARCHIVE', archived('DEEP_ARCHIVE')],
]);

const glacier: RestoreTerms = {
  daysMax: Number.POSITIVE_INFINITY,
  tier: 'Standard',
  checkAfterMs: checkAfter.hours,
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html */
const restore: RestoreFacts = {
  request: 'GlacierJobParameters',
  classes: new Map([
    ['GLACIER', glacier],
    ['DEEP_ARCHIVE', { ...glacier, checkAfterMs: checkAfter.halfADay }],
    // Its archive tiers move back for good: https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
    ['INTELLIGENT_TIERING', { ...glacier, daysMax: undefined }],
  ]),
  otherwise: glacier,
};

export const aws: S3Dialect = {
  cloud: 'AWS',
  // https://docs.aws.amazon.com/general/latest/gr/s3.html
  // https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
  // https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
  endpoints: [
    { regions: /^cn-/, url: 'https://s3.{region}.amazonaws.com.cn' },
    { regions: /^eusc-/, url: 'https://s3.{region}.amazonaws.eu' },
    { regions: /^/, url: 'https://s3.{region}.amazonaws.com' },
  ],
  regions: {
    prefix: '',
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    aliases: { EU: 'eu-west-1' },
    scopes: {},
    inHost:
      /(?:^|\.)s3(?:-fips)?[.-](?:dualstack\.)?([a-z]{2,4}(?:-[a-z]+)+-\d)\.amazonaws\.(?:com(?:\.cn)?|eu)$/,
  },
  ownHosts: /(?:^|\.)amazonaws\.(?:com(?:\.cn)?|eu)$/,
  // "unique across all AWS accounts in all the AWS Regions within a partition":
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  namesAreGlobal: true,
  // MinIO, Ceph and others know the hosts of buckets only if a domain is configured.
  addressing: { own: 'virtual-host', elsewhere: 'path' },
  bucketNames: 'as-given',
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
  takesPathStyle: true,
  signature: 'aws-v4',
  documents: 's3-xml',
  headerPrefix: 'x-amz-',
  answerPrefix: undefined,
  requestIdHeaders: ['x-amz-request-id'],
  refusalHeader: undefined,
  refusalCodeHeader: undefined,
  misreadKeys: undefined,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
  copySource: 'path',
  listVersion: 2,
  listUrlEncoded: true,
  acceptEncoding: 'identity',
  crc64Header: undefined,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html: of what was uploaded with it,
  // and of what was uploaded without any.
  crc64nvme: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, "ETag"
  etagMd5: { heads: 'unless-own-key', receipts: 'unless-own-key' },
  checksMd5: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
  conditionalPut: 'if-none-match',
  conditionalPutVersioned: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
  conditionalCopy: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
  conditionalRemove: true,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: decoded as RFC 2047
  // before storing, and encoded so before returning; those who do neither give back what we sent.
  metadata: {
    names: 'token',
    underscoresMayChange: false,
    codec: 'rfc2047',
    // "by taking the sum of the number of bytes in the UTF-8 encoding of each key and value".
    sizes: { allMax: 2 * KiB, counted: 'text' },
    contentHeaders: contentHeaderNames,
    contentHeaderValues: 'any',
  },
  restore,
  archivedShownBy: 'code',
  headOfArchived: 'answered',
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
  kms: 'aws:kms',
  kmsNeedsTls: false,
  classes: s3Classes,
  tierClasses: {
    STANDARD: 'STANDARD',
    IA: 'STANDARD_IA',
    ARCHIVE: 'GLACIER',
    DEEP_ARCHIVE: 'DEEP_ARCHIVE',
  },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
  putSizeMax: 5 * GiB,
  copySizeMax: 5 * GiB,
  partSizeMin: 5 * MiB,
  partSizeMax: 5 * GiB,
  partCountMax: 10_000,
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
  deleteBatchMax: 1000,
  faults: new Map(s3Faults),
  statusFaults: new Map(),
  // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  wrongRegionCodes: new Set([
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
  ]),
  skewHidingCodes: new Set(),
};
