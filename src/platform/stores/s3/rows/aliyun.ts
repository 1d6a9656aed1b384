import { KiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** OSS by its own protocol: CRC-64 and restores are not in its S3 face. */
export const aliyun: S3Dialect = {
  ...aws,
  cloud: 'Aliyun',
  // https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints
  endpoints: [{ regions: /^/, url: 'https://oss-{region}.aliyuncs.com' }],
  regions: {
    prefix: 'oss-', // Both spellings are in use: the reported location of a bucket has it.
    aliases: {},
    scopes: {},
    inHost: /(?:^|\.)oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/,
  },
  ownHosts: /(?:^|\.)aliyuncs\.com$/,
  // Path style is answered SecondLevelDomainForbidden:
  // https://www.alibabacloud.com/help/en/oss/user-guide/access-oss-via-bucket-domain-name
  addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
  takesPathStyle: false,
  // https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
  signature: 'oss-v4',
  documents: 'xml',
  headerPrefix: 'x-oss-',
  requestIdHeaders: ['x-oss-request-id'],
  // The vendor's SDKs read it where a HEAD is refused:
  // https://github.com/aliyun/aliyun-oss-python-sdk, `exceptions.py`
  refusalHeader: 'x-oss-err',
  // https://www.alibabacloud.com/help/en/oss/user-guide/check-data-transmission-integrity-by-using-crc-64
  crc64Header: 'x-oss-hash-crc64ecma',
  crc64nvme: false,
  // https://www.alibabacloud.com/help/en/oss/developer-reference/putobject, and of uploads
  // https://www.alibabacloud.com/help/en/oss/developer-reference/completemultipartupload
  conditionalPut: 'forbid-overwrite',
  conditionalPutVersioned: false,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  metadata: {
    ...aws.metadata,
    // https://help.aliyun.com/en/oss/user-guide/0011-00000004: letters, digits and `-`. With `_` the
    // store may also report a wrong signature: https://github.com/aliyun/aliyun-oss-java-sdk/issues/225
    names: 'hyphenated',
    // Values are signs of ASCII only; the vendor's SDKs percent-encode nothing by themselves.
    codec: 'percent',
    // https://help.aliyun.com/en/oss/user-guide/0011-00000002: less than 8 KB "of all x-oss-meta-*
    // header names and values".
    sizes: { allMax: 8 * KiB - 1, counted: 'headers' },
    // https://help.aliyun.com/document_detail/31913.htm: names of files are to be URL-encoded.
    contentHeaderValues: 'ascii',
  },
  // https://www.alibabacloud.com/help/en/oss/developer-reference/restoreobject
  restore: {
    request: 'JobParameters',
    classes: new Map([
      ['Archive', { daysMax: 7, tier: undefined, checkAfterMs: checkAfter.minutes }],
      ['ColdArchive', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.hours }],
      ['DeepColdArchive', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.halfADay }],
    ]),
    otherwise: { daysMax: 7, tier: undefined, checkAfterMs: checkAfter.minutes },
  },
  // https://www.alibabacloud.com/help/en/oss/user-guide/server-side-encryption-8
  kms: 'KMS',
  // https://www.alibabacloud.com/help/en/oss/user-guide/overview-53; the S3 face has its own words.
  classes: new Map([
    ['Standard', online('STANDARD')],
    ['STANDARD', online('STANDARD')],
    ['IA', online('IA')],
    ['STANDARD_IA', online('IA')],
    ['Archive', archived('ARCHIVE')],
    ['GLACIER', archived('ARCHIVE')],
    ['ColdArchive', archived('DEEP_ARCHIVE')],
    ['DeepColdArchive', archived('DEEP_ARCHIVE')],
  ]),
  // ColdArchive for the deepest: DeepColdArchive is not in every region.
  tierClasses: { STANDARD: 'Standard', IA: 'IA', ARCHIVE: 'Archive', DEEP_ARCHIVE: 'ColdArchive' },
  // https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpart
  partSizeMin: 100 * KiB,
  // In quiet mode it does not report keys that it did not delete:
  // https://www.alibabacloud.com/help/en/oss/developer-reference/deletemultipleobjects
  deleteBatchMax: 1,
  // https://www.alibabacloud.com/help/en/oss/support/http-status-code-503, and its neighbours.
  faults: new Map([
    ...s3Faults,
    ['ServiceBusy', 'throttled'],
    ['QpsLimitExceeded', 'throttled'],
    ['TotalQpsLimitExceeded', 'throttled'],
    ['MetaOperationQpsLimitExceeded', 'throttled'],
    ['ActiveRequestLimitExceeded', 'throttled'],
    ['DownloadTrafficRateLimitExceeded', 'throttled'],
    ['UploadTrafficRateLimitExceeded', 'throttled'],
    ['InvalidSecurityToken', 'bad-credentials'],
    ['SecurityTokenExpired', 'bad-credentials'],
    ['InvalidDigest', 'corrupt'],
    ['SecondLevelDomainForbidden', 'refused'],
    ['UserDisable', 'denied'],
    ['FileAlreadyExists', 'exists'],
    ['FileImmutable', 'denied'],
    ['SymlinkTargetNotExist', 'not-found'],
  ]),
  // "The bucket you are attempting to access must be addressed using the specified endpoint."
  wrongRegionCodes: new Set(['AccessDenied', 'TemporaryRedirect', 'PermanentRedirect']),
};
