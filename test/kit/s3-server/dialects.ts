import type { Dialect } from './dialect.ts';
import {
  bosFace,
  cosFace,
  gcsFace,
  ks3Face,
  kssFace,
  minioFace,
  obsFace,
  obsS3Face,
  ossFace,
  ossS3Face,
  plainFace,
  qiniuFace,
  qingstorFace,
  r2Face,
  s3Face,
  us3Face,
} from './faces.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

const withoutLanguage: ReadonlySet<string> = new Set([
  ...['content-type', 'content-encoding', 'content-disposition', 'cache-control', 'expires'],
]);

const withoutExpires: ReadonlySet<string> = new Set([
  ...['content-type', 'content-encoding', 'content-disposition', 'content-language'],
  'cache-control',
]);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html */
const s3: Dialect = {
  faces: [s3Face],
  pathStyle: true,
  etag: { whole: 'md5', parts: 'md5-of-md5s' },
  crc64: 'none',
  listing: { version2: true, encodes: true, alwaysNextMarker: false, uploadsZone: 'Z' },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
  parts: { sizeMin: 5 * MiB, alike: false, copies: true },
  putSizeMax: 5 * GiB,
  copySizeMax: 5 * GiB,
  keys: { bytesMax: 1024 },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
  metadata: { bytesMax: 2 * KiB, decodes: true, beyondAscii: 'rfc2047' },
  checksMd5: true,
  conditionalPut: true,
  deletesMany: 'with-sum',
  awsChunked: 'all',
  archived: new Set(['GLACIER', 'DEEP_ARCHIVE']),
  restore: { daysMax: Infinity, online: 'InvalidObjectState' },
  // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  badToken: 'InvalidToken',
  throttled: { status: 503, code: 'SlowDown' },
  elsewhere: { code: 'PermanentRedirect', tells: ['region', 'endpoint'] },
  location: { root: 'LocationConstraint', prefix: '' },
  defaultRegion: 'us-east-1',
};

/** What most clouds make of S3: no checksums but MD5, no conditions of their own. */
const compatible: Dialect = {
  ...s3,
  faces: [plainFace],
  listing: { ...s3.listing, alwaysNextMarker: true },
  conditionalPut: false,
  // A region knows only its own buckets. Clouds whose documentation says more override this.
  elsewhere: { code: 'NoSuchBucket', tells: [] },
  deletesMany: 'with-md5',
  awsChunked: 'signed',
};

export const dialects = {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html: "added the default checksum".
  s3: { ...s3, ownSum: 'crc64nvme', conditionalRemove: true },

  /** https://support.huaweicloud.com/intl/en-us/api-obs/ */
  obs: {
    ...s3,
    faces: [obsS3Face, obsFace],
    // "Uploading Objects - PUT": with server-side encryption the ETag is no MD5.
    etag: { ...s3.etag, opaqueIfEncrypted: true },
    crc64: 'compared',
    // "Server-Side Encryption (SSE-KMS)": HTTPS is required.
    kmsNeedsTls: true,
    // "Uploading Objects - PUT" has no such header; `If-None-Match` is of reads.
    conditionalPut: false,
    // Parallel file systems know no second version.
    listing: { ...s3.listing, version2: false },
    // "Uploading Parts": the answer contains only the headers of the key service.
    parts: { ...s3.parts, sizeMin: 100 * KiB, hideEncryption: true },
    // https://support.huaweicloud.com/ugobs-obs/obs_41_0025.html: US-ASCII only.
    metadata: { bytesMax: 8 * KiB, beyondAscii: 'refused' },
    restore: { daysMax: 30, online: 'InvalidObjectState' },
    // "Error Codes": the address to use is returned; the vendor's SDKs read it from `Location`.
    elsewhere: { code: 'PermanentRedirect', tells: ['location'] },
    location: { root: 'Location', prefix: '' },
    defaultRegion: 'cn-north-4',
    // huaweicloud-sdk-go-obs, "getObsVersion": a version of at least 3.0 uses OBS's own protocol.
    apiVersion: '3.0',
  },

  /** https://www.alibabacloud.com/help/en/oss/developer-reference/ */
  oss: {
    ...compatible,
    faces: [ossFace, ossS3Face],
    // "SecondLevelDomainForbidden": buckets are named in the host.
    pathStyle: false,
    etag: { whole: 'upper-md5', parts: 'upper-opaque' },
    crc64: 'told',
    tellsMd5: true,
    parts: { ...s3.parts, sizeMin: 100 * KiB },
    // "Object naming conventions": 1 to 1,023 bytes, not beginning with a slash or backslash.
    keys: { bytesMax: 1023, refused: /^[/\\]/ },
    // Its codes 0011-00000002 and 0011-00000004.
    metadata: {
      ...{ bytesMax: 8 * KiB - 1, countsPrefix: true, beyondAscii: 'refused' },
      refusedNames: /[^a-z\d-]/i,
    },
    awsChunked: 'refused',
    archived: new Set(['GLACIER', 'COLD_ARCHIVE', 'DEEP_COLD_ARCHIVE']),
    // "RestoreObject": without a body one day; Archive up to 7, the colder classes up to 365.
    restore: {
      ...{ daysMax: 365, online: 'OperationNotSupported', daysDefault: 1 },
      daysMaxOf: { GLACIER: 7 },
    },
    badToken: 'InvalidSecurityToken',
    throttled: { status: 503, code: 'ServiceBusy' },
    // "AccessDenied", "The bucket you are attempting to access must be addressed …".
    elsewhere: { code: 'AccessDenied', tells: ['endpoint'] },
    location: { root: 'LocationConstraint', prefix: 'oss-' },
    defaultRegion: 'cn-hangzhou',
  },

  /** https://www.tencentcloud.com/document/product/436 */
  cos: {
    ...compatible,
    // Answers to S3's signatures carry the CRC too, under COS's name.
    faces: [cosFace, { ...plainFace, classes: cosFace.classes, crc64: 'x-cos-hash-crc64ecma' }],
    pathStyle: false,
    etag: { whole: 'md5', parts: 'opaque' },
    crc64: 'told',
    listing: { ...compatible.listing, version2: false },
    parts: { ...s3.parts, sizeMin: MiB },
    // "PUT Object": 2 KB each, 4 KB together. Of an underscore, github.com/stevearc/pypicloud/pull/255.
    metadata: {
      ...{ bytesMax: 4 * KiB, entryBytesMax: 2 * KiB, countsPrefix: true, beyondAscii: 'refused' },
      ...{ refusedNames: /[^a-z\d-]/i, refusal: 'SignatureDoesNotMatch' },
    },
    archived: new Set(['GLACIER', 'DEEP_ARCHIVE']),
    restore: { daysMax: 365, online: 'InvalidObjectState' },
    // "Error codes": 301 and 307 with the right place in `Location`.
    elsewhere: { code: 'PermanentRedirect', tells: ['location'] },
    defaultRegion: 'ap-beijing',
  },

  /** https://cloud.baidu.com/doc/BOS/index.html */
  bos: {
    ...compatible,
    faces: [bosFace, { ...plainFace, classes: bosFace.classes, encryption: {} }],
    etag: { whole: 'md5', parts: 'dash-first' },
    crc64: 'compared',
    tellsMd5: true,
    parts: { ...s3.parts, sizeMin: 100 * KiB },
    // "Object Meta" and the vendor's SDKs.
    metadata: {
      ...{ bytesMax: 2 * KiB, beyondAscii: 'kept' },
      contentHeaders: withoutLanguage,
    },
    // https://cloud.baidu.com/doc/BOS/s/Ikc5nv3wc
    conditionalPut: true,
    archived: new Set(['GLACIER']),
    restore: { daysMax: 30, online: 'InvalidObjectState', daysDefault: 7 },
    badToken: 'InvalidSessionToken',
    defaultRegion: 'bj',
  },

  /** https://docs.ksyun.com/documents/2320 */
  ks3: {
    ...compatible,
    faces: [ks3Face, kssFace],
    etag: { whole: 'md5', parts: 'opaque' },
    crc64: 'told',
    // The vendor's Go SDK parses the offset; the other times are in Z.
    listing: { ...compatible.listing, uploadsZone: '+08:00' },
    // Not documented: S3's size, and the stricter way of counting.
    metadata: { bytesMax: 2 * KiB, countsPrefix: true, beyondAscii: 'kept' },
    archived: new Set(['GLACIER', 'COLD_ARCHIVE', 'DEEP_COLD_ARCHIVE']),
    // "RestoreObject": ARCHIVE up to 7 days, the colder classes up to 365.
    restore: { daysMax: 365, online: 'InvalidObjectState', daysMaxOf: { GLACIER: 7 } },
    // "HTTP status codes": 307 and `Location` where the endpoint is wrong.
    elsewhere: { code: 'TemporaryRedirect', tells: ['location'] },
    defaultRegion: 'BEIJING',
  },

  /** https://docsv4.qingcloud.com/user_guide/storage/object_storage/ */
  qingstor: {
    ...compatible,
    faces: [{ ...plainFace, classes: qingstorFace.classes, encryption: {} }, qingstorFace],
    etag: { whole: 'md5', parts: 'opaque' },
    listing: { ...compatible.listing, encodes: false },
    parts: { ...s3.parts, sizeMin: 4 * MiB },
    // "Object metadata": letters, digits, `-` and `.`; printable ASCII; other headers mean nothing.
    metadata: {
      ...{ bytesMax: 2 * KiB, nameBytesMax: 512, beyondAscii: 'refused' },
      ...{ refusedNames: /[^a-z\d.-]/i, contentHeaders: withoutLanguage },
    },
    archived: new Set(),
    defaultRegion: 'pek3a',
  },

  /** https://developer.qiniu.com/kodo/4086/aws-s3-compatible */
  qiniu: {
    ...compatible,
    faces: [qiniuFace],
    etag: { whole: 'qetag', parts: 'qetag' },
    // "chgm": names of up to 50 bytes, 1,024 bytes of all.
    metadata: {
      ...{ bytesMax: KiB, nameBytesMax: 50, beyondAscii: 'kept' },
      refusedNames: /[^\w-]/,
    },
    // rclone's provider table turns encoding off.
    listing: { ...compatible.listing, encodes: false },
    restore: { daysMax: 7, online: 'InvalidObjectState' },
    // "573": listed too fast.
    throttled: { status: 573, code: 'TooManyRequests' },
    defaultRegion: 'cn-east-1',
  },

  /** https://docs.ucloud.cn/ufile/s3/s3_introduction */
  us3: {
    ...compatible,
    faces: [us3Face],
    etag: { whole: 'us3', parts: 'us3' },
    // The page on the management of files: 8 KB.
    metadata: { bytesMax: 8 * KiB, countsPrefix: true, beyondAscii: 'kept' },
    parts: { sizeMin: 0, sizeExact: 8 * MiB, alike: true, copies: false },
    putSizeMax: GiB,
    copySizeMax: 100 * MiB,
    checksMd5: false,
    deletesMany: 'freely',
    archived: new Set(['GLACIER']),
    // "Storage classes": what is archived must be restored before a HEAD, too.
    hidesArchived: true,
    // A restored object stays readable for three days, whatever was requested.
    restore: { daysMax: Infinity, online: 'InvalidObjectState', daysDefault: 3 },
    defaultRegion: 'cn-bj',
  },

  /** https://cloud.google.com/storage/docs/interoperability */
  gcs: {
    ...compatible,
    faces: [gcsFace],
    etag: { whole: 'md5', parts: 'opaque' },
    everySum: 'crc32c',
    // "Transcoding of gzip-compressed files".
    unpacks: true,
    parts: { ...s3.parts, copies: false },
    putSizeMax: 5 * 1024 * GiB,
    copySizeMax: Infinity,
    metadata: {
      ...{ bytesMax: 8 * KiB, beyondAscii: 'refused' },
      // "Object metadata": no Expires.
      contentHeaders: withoutExpires,
    },
    deletesMany: 'never',
    archived: new Set(), // Even ARCHIVE is read at once.
    throttled: { status: 429, code: 'SlowDown' },
    defaultRegion: 'auto',
  },

  /** https://min.io/docs/minio/linux/operations/concepts/thresholds.html */
  minio: {
    ...s3,
    faces: [minioFace],
    // https://min.io/docs/minio/linux/operations/server-side-encryption.html
    needsKeyServer: true,
    archived: new Set(),
    // Seen with MinIO of 12 February 2026, on Linux: backslashes part segments too, but only for this.
    keys: {
      bytesMax: 1024,
      segmentBytesMax: 255,
      dropsSlashes: true,
      refused: /.\/\/|(?:^|[/\\])\s*\.\.?\s*(?:[/\\]|$)/,
    },
    // cmd/generic-handlers.go, `isHTTPHeaderSizeTooLarge`.
    metadata: { bytesMax: 2 * KiB, countsPrefix: true, beyondAscii: 'latin1' },
    badToken: 'InvalidTokenId',
    throttled: { status: 503, code: 'SlowDownRead' },
  },

  /** https://docs.ceph.com/en/latest/radosgw/s3/; measured against 16.2. */
  ceph: {
    ...compatible,
    faces: [{ ...plainFace, encryption: s3Face.encryption }],
    etag: { whole: 'md5', parts: 'md5-of-md5s' },
    listing: { ...compatible.listing, encodes: true },
    metadata: { bytesMax: 64 * KiB, hyphenates: true, beyondAscii: 'kept' },
    conditionalPut: 'unless-versioned',
    archived: new Set(), // A class is kept and never refused.
    defaultRegion: 'default',
  },

  /** https://developers.cloudflare.com/r2/api/s3/api/ */
  r2: {
    ...s3,
    faces: [r2Face],
    etag: { whole: 'md5', parts: 'opaque' },
    parts: { ...s3.parts, alike: true },
    metadata: { bytesMax: 8 * KiB, decodes: true, beyondAscii: 'rfc2047' },
    archived: new Set(),
    defaultRegion: 'auto',
  },

  /** https://docs.wasabi.com/docs/wasabi-api: S3's, without classes that are archived. */
  wasabi: {
    ...compatible,
    faces: [{ ...plainFace, schemes: ['aws-v4', 'aws-v2'] }],
    etag: { whole: 'md5', parts: 'md5-of-md5s' },
    // Not documented: S3's size, and the stricter way of counting.
    metadata: { bytesMax: 2 * KiB, countsPrefix: true, beyondAscii: 'kept' },
    // https://github.com/minio/minio/issues/14209 has its words.
    elsewhere: { code: 'PermanentRedirect', tells: ['endpoint'] },
    archived: new Set(),
  },
} as const satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;

export const dialectNames = Object.keys(dialects) as readonly DialectName[];
