import type { Face } from './dialect.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
const s3Classes: Readonly<Record<string, string>> = same(
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'INTELLIGENT_TIERING',
  'EXPRESS_ONEZONE',
  'STANDARD_IA',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
);

/** Words that mean what they mean at S3. */
function same(...words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(words.map((word) => [word, word]));
}

export const s3Face: Face = {
  schemes: ['aws-v4'],
  prefix: 'x-amz-',
  classes: s3Classes,
  encryption: { 'AES256': 'AES256', 'aws:kms': 'aws:kms' },
  restoreJob: 'GlacierJobParameters',
};

/** S3's protocol as clouds copy it that have one of their own: the older signature is taken too. */
export const plainFace: Face = { ...s3Face, schemes: ['aws-v4', 'aws-v2'] };

/** OBS API reference, "S3-compatible API". */
export const obsS3Face: Face = {
  ...plainFace,
  crc64: 'x-amz-checksum-crc64ecma',
  classes: same('STANDARD', 'STANDARD_IA', 'GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING'),
};

/** OBS API reference, "Common Request Headers" and "Storage Classes". */
export const obsFace: Face = {
  schemes: ['obs'],
  prefix: 'x-obs-',
  renamed: { 'server-side-encryption-aws-kms-key-id': 'server-side-encryption-kms-key-id' },
  crc64: 'x-obs-checksum-crc64ecma',
  classes: {
    STANDARD: 'STANDARD',
    WARM: 'STANDARD_IA',
    COLD: 'GLACIER',
    DEEP_ARCHIVE: 'DEEP_ARCHIVE',
    INTELLIGENT_TIERING: 'INTELLIGENT_TIERING',
  },
  encryption: { AES256: 'AES256', kms: 'aws:kms' },
  restoreJob: 'RestoreJob',
};

/** OSS developer reference, "Storage classes", "PutObject", "RestoreObject". */
export const ossFace: Face = {
  schemes: ['oss-v4', 'oss-v1'],
  prefix: 'x-oss-',
  renamed: { 'server-side-encryption-aws-kms-key-id': 'server-side-encryption-key-id' },
  crc64: 'x-oss-hash-crc64ecma',
  classes: {
    Standard: 'STANDARD',
    IA: 'STANDARD_IA',
    Archive: 'GLACIER',
    ColdArchive: 'COLD_ARCHIVE',
    DeepColdArchive: 'DEEP_COLD_ARCHIVE',
  },
  tellsStandard: true,
  encryption: { AES256: 'AES256', KMS: 'aws:kms' },
  restoreJob: 'JobParameters',
  // The vendor's SDKs read `x-oss-err` where an answer has no body.
  repeatsErrors: true,
  // "PutObject", "CompleteMultipartUpload": x-oss-forbid-overwrite.
  forbidsOverwrite: true,
};

/** OSS, "Compatibility with Amazon S3": no CRC64, no restores, and three classes. */
export const ossS3Face: Face = {
  ...plainFace,
  classes: {
    ...same('STANDARD', 'STANDARD_IA', 'GLACIER'),
    COLD_ARCHIVE: 'COLD_ARCHIVE',
    DEEP_COLD_ARCHIVE: 'DEEP_COLD_ARCHIVE',
  },
  restores: false,
};

/** COS API, "Storage class overview", "PUT Object", "POST Object restore". */
export const cosFace: Face = {
  schemes: ['cos'],
  prefix: 'x-cos-',
  renamed: { 'server-side-encryption-aws-kms-key-id': 'server-side-encryption-cos-kms-key-id' },
  crc64: 'x-cos-hash-crc64ecma',
  classes: {
    ...same('STANDARD', 'STANDARD_IA', 'INTELLIGENT_TIERING', 'DEEP_ARCHIVE', 'COLD'),
    ...same('MAZ_STANDARD', 'MAZ_STANDARD_IA', 'MAZ_INTELLIGENT_TIERING'),
    ARCHIVE: 'GLACIER',
  },
  encryption: { 'AES256': 'AES256', 'cos/kms': 'aws:kms' },
  restoreJob: 'CASJobParameters',
  // "HEAD Object": x-cos-restore-status while it lasts.
  tellsRestoreStatus: true,
  // "PUT Object", "Complete Multipart Upload": x-cos-forbid-overwrite.
  forbidsOverwrite: true,
  copySourceByHost: true,
};

/** BOS API reference; bce-sdk-go, `services/bos/api`. */
export const bosFace: Face = {
  schemes: ['bce'],
  prefix: 'x-bce-',
  renamed: { 'server-side-encryption-aws-kms-key-id': 'server-side-encryption-bos-kms-key-id' },
  query: {
    maxKeys: 'max-keys',
    maxParts: 'max-parts',
    maxUploads: 'max-uploads',
    partNumberMarker: 'part-number-marker',
    keyMarker: 'key-marker',
  },
  crc64: 'x-bce-content-crc64ecma',
  classes: {
    ...same('STANDARD', 'STANDARD_IA', 'MAZ_STANDARD', 'MAZ_STANDARD_IA', 'COLD', 'MAZ_COLD'),
    ARCHIVE: 'GLACIER',
  },
  tellsStandard: true,
  encryption: { AES256: 'AES256', KMS: 'aws:kms' },
  documents: 'bos',
  version: 'v1',
  codes: { MalformedXML: 'MalformedJSON', KeyTooLongError: 'InvalidObjectName' },
};

/** The vendor's Go SDK names the classes and the header of the CRC. */
export const ks3Face: Face = {
  ...plainFace,
  crc64: 'x-amz-checksum-crc64ecma',
  classes: {
    ...same('STANDARD', 'STANDARD_IA', 'DEEP_IA', 'COLD_ARCHIVE', 'DEEP_COLD_ARCHIVE'),
    ...same('EXTREME_PL1', 'EXTREME_PL2', 'EXTREME_PL3'),
    ARCHIVE: 'GLACIER',
  },
  encryption: { 'AES256': 'AES256', 'aws:kms': 'aws:kms' },
  restoreJob: 'JobParameters',
};

/** KS3's own protocol: the same by other names. */
export const kssFace: Face = {
  ...ks3Face,
  schemes: ['kss'],
  prefix: 'x-kss-',
  crc64: 'x-kss-checksum-crc64ecma',
};

/** qingstor-sdk-go, `service/object.go`, `service/bucket.go`. */
export const qingstorFace: Face = {
  schemes: ['qingstor'],
  prefix: 'x-qs-',
  renamed: { 'copy-source-range': 'copy-range' },
  query: {
    limit: 'max-keys',
    upload_id: 'uploadId',
    part_number: 'partNumber',
    key_marker: 'key-marker',
    upload_id_marker: 'upload-id-marker',
  },
  classes: same('STANDARD', 'STANDARD_IA'),
  encryption: {},
  documents: 'qingstor',
  codes: {
    AccessDenied: 'permission_denied',
    InvalidAccessKeyId: 'invalid_access_key_id',
    InvalidArgument: 'invalid_argument',
    MalformedXML: 'invalid_json',
    NoSuchBucket: 'bucket_not_exists',
    NoSuchKey: 'object_not_exists',
    NoSuchUpload: 'upload_not_exists',
    SignatureDoesNotMatch: 'signature_not_matched',
  },
};

/** Kodo, "Compatibility with AWS S3", storage classes: LINE is what others call IA. */
export const qiniuFace: Face = {
  ...s3Face,
  classes: {
    ...same('STANDARD', 'GLACIER_IR', 'INTELLIGENT_TIERING', 'GLACIER', 'DEEP_ARCHIVE'),
    LINE: 'STANDARD_IA',
  },
  encryption: {},
};

/** US3, "S3 protocol: storage classes": STANDARD_IA means STANDARD there. */
export const us3Face: Face = {
  ...s3Face,
  classes: {
    STANDARD: 'STANDARD',
    STANDARD_IA: 'STANDARD',
    ONEZONE_IA: 'ONEZONE_IA',
    INTELLIGENT_TIERING: 'ONEZONE_IA',
    REDUCED_REDUNDANCY: 'ONEZONE_IA',
    GLACIER: 'GLACIER',
    DEEP_ARCHIVE: 'GLACIER',
  },
  encryption: {},
};

/** Cloud Storage, "Storage classes"; keys of Cloud KMS have a header of their own. */
export const gcsFace: Face = {
  ...s3Face,
  classes: {
    ...same('STANDARD', 'MULTI_REGIONAL', 'REGIONAL', 'DURABLE_REDUCED_AVAILABILITY'),
    ...same('NEARLINE', 'COLDLINE', 'ARCHIVE'),
  },
  encryption: {},
};

/** MinIO of 12 February 2026, as it answered; without remote tiers. */
export const minioFace: Face = {
  ...s3Face,
  classes: same('STANDARD', 'REDUCED_REDUNDANCY'),
  codeHeader: 'x-minio-error-code',
  codes: { InvalidObjectName: 'XMinioInvalidObjectName' },
};

export const r2Face: Face = {
  ...s3Face,
  classes: same('STANDARD', 'STANDARD_IA'),
  encryption: {},
};
