import { KiB, MiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** COS by its own protocol, which is S3's in other words. */
export const tencent: S3Dialect = {
  ...aws,
  cloud: 'Tencent',
  // https://www.tencentcloud.com/document/product/436/6224
  endpoints: [{ regions: /^/, url: 'https://cos.{region}.myqcloud.com' }],
  regions: {
    prefix: '',
    aliases: {},
    scopes: {},
    inHost: /(?:^|\.)cos\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)$/,
  },
  ownHosts: /(?:^|\.)(?:myqcloud\.com|tencentcos\.cn)$/,
  addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
  // New accounts and regions refuse path style.
  takesPathStyle: false,
  // "BucketName-APPID": https://www.tencentcloud.com/document/product/436/13312
  bucketNames: 'with-app-id',
  // https://www.tencentcloud.com/document/product/436/7778
  signature: 'cos',
  documents: 'xml',
  headerPrefix: 'x-cos-',
  requestIdHeaders: ['x-cos-request-id'],
  // https://www.tencentcloud.com/document/product/436/10881
  copySource: 'host',
  // https://www.tencentcloud.com/document/product/436/30614
  listVersion: 1,
  // https://www.tencentcloud.com/document/product/436/34078
  crc64Header: 'x-cos-hash-crc64ecma',
  crc64nvme: false,
  // https://www.tencentcloud.com/document/product/436/7749, and of uploads
  // https://www.tencentcloud.com/document/product/436/7742
  conditionalPut: 'forbid-overwrite',
  conditionalPutVersioned: false,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  metadata: {
    ...aws.metadata,
    // https://www.tencentcloud.com/document/product/436/7749: "-", digits and letters, stored in lower
    // case; 2 KB each and 4 KB together. With `_` the store reports a wrong signature:
    // https://github.com/stevearc/pypicloud/pull/255
    names: 'hyphenated',
    codec: 'percent',
    sizes: { entryMax: 2 * KiB, allMax: 4 * KiB, counted: 'headers' },
    // That page has all but Content-Language, which cos-go-sdk-v5, `ObjectPutHeaderOptions`, has. For
    // names of files in other languages: https://www.tencentcloud.com/document/product/436/13361
    contentHeaderValues: 'ascii',
  },
  // https://www.tencentcloud.com/document/product/436/12633
  restore: {
    request: 'CASJobParameters',
    classes: new Map([
      ['ARCHIVE', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.hours }],
      ['DEEP_ARCHIVE', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.halfADay }],
    ]),
    otherwise: { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.hours },
  },
  // https://www.tencentcloud.com/document/product/436/18145
  kms: 'cos/kms',
  // https://www.tencentcloud.com/document/product/436/30925
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['MAZ_STANDARD', online('STANDARD')],
    ['INTELLIGENT_TIERING', online('STANDARD')],
    ['MAZ_INTELLIGENT_TIERING', online('STANDARD')],
    ['STANDARD_IA', online('IA')],
    ['MAZ_STANDARD_IA', online('IA')],
    ['COLD', online('IA')],
    ['ARCHIVE', archived('ARCHIVE')],
    ['DEEP_ARCHIVE', archived('DEEP_ARCHIVE')],
  ]),
  tierClasses: {
    STANDARD: 'STANDARD',
    IA: 'STANDARD_IA',
    ARCHIVE: 'ARCHIVE',
    DEEP_ARCHIVE: 'DEEP_ARCHIVE',
  },
  // https://www.tencentcloud.com/document/product/436/7750
  partSizeMin: MiB,
  // https://www.tencentcloud.com/document/product/436/7730
  faults: new Map([
    ...s3Faults,
    ['FileAlreadyExists', 'exists'],
    ['InvalidSignature', 'bad-credentials'],
    ['RequestRateLimitExceeded', 'throttled'],
    ['KeysLimitExceeded', 'throttled'],
    ['UserNetworkTooSlow', 'interrupted'],
    ['InvalidSHA1Digest', 'corrupt'],
    ['UnavailableForLegalReasons', 'denied'],
  ]),
  // https://www.tencentcloud.com/document/product/436/7730: with the right place in `Location`. A
  // region may also know its own buckets only, and say NoSuchBucket.
  wrongRegionCodes: new Set(['PermanentRedirect', 'TemporaryRedirect']),
  // "Request has expired" where the time that was signed is not now:
  // https://www.tencentcloud.com/document/product/436/10687
  skewHidingCodes: new Set(['AccessDenied']),
};
