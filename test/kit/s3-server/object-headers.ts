import { type Call, header } from './call.ts';
import type { Encryption, ObjectTraits, Version } from './bucket.ts';
import { S3Error } from './s3-error.ts';

const USER_METADATA_MAX = 2048;
const META = 'x-amz-meta-';

const contentHeaderNames = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
  'x-amz-website-redirect-location',
] as const;

/** What a request that writes an object says of it. */
export function objectTraits(call: Call): ObjectTraits {
  return {
    contentHeaders: contentHeaders(call),
    userMetadata: userMetadata(call),
    storageClass: header(call, 'x-amz-storage-class') ?? 'STANDARD',
    tags: parseTags(header(call, 'x-amz-tagging')),
    encryption: encryption(call),
  };
}

function contentHeaders(call: Call): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of contentHeaderNames) {
    const value = header(call, name);
    if (value !== undefined) kept[name] = value;
  }
  // The framing of the request is no property of the object.
  const codings = (kept['content-encoding'] ?? '').split(',').map((coding) => coding.trim());
  const own = codings.filter((coding) => coding !== 'aws-chunked' && coding !== '');
  delete kept['content-encoding'];
  if (own.length > 0) kept['content-encoding'] = own.join(',');
  return kept;
}

function userMetadata(call: Call): Record<string, string> {
  const kept: Record<string, string> = {};
  let size = 0;
  for (const name of Object.keys(call.request.headers)) {
    if (!name.startsWith(META)) continue;
    const short = name.slice(META.length);
    const value = header(call, name) ?? '';
    kept[short] = value;
    size += short.length + value.length;
  }
  if (size > USER_METADATA_MAX) throw new S3Error('MetadataTooLarge');
  return kept;
}

/** `a=1&b=x%20y` */
function parseTags(text: string | undefined): [string, string][] {
  const tags = [...new URLSearchParams(text ?? '')];
  if (tags.length > 10) throw new S3Error('InvalidTag', 'Object tags cannot be greater than 10');
  return tags;
}

function encryption(call: Call): Encryption | undefined {
  const customer = customerKeyMd5(call);
  if (customer !== undefined) return { algorithm: 'customer', keyMd5: customer };
  const algorithm = header(call, 'x-amz-server-side-encryption');
  if (algorithm === undefined) return undefined;
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms') throw new S3Error('InvalidArgument');
  const kmsKeyId = header(call, 'x-amz-server-side-encryption-aws-kms-key-id');
  return { algorithm, kmsKeyId };
}

function customerKeyMd5(call: Call): string | undefined {
  return header(call, 'x-amz-server-side-encryption-customer-key-md5');
}

/** @throws {S3Error} when the object is encrypted with a key that the request does not bring. */
export function checkCustomerKey(call: Call, version: Version): void {
  if (version.encryption?.algorithm !== 'customer') return;
  const given = customerKeyMd5(call);
  if (given === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'The object was stored using server-side encryption with a key.',
    );
  }
  if (given !== version.encryption.keyMd5) throw new S3Error('AccessDenied');
}

/** Whether the ETag of such an object is the MD5 of its bytes. */
export function etagIsMd5(traits: ObjectTraits): boolean {
  return traits.encryption === undefined || traits.encryption.algorithm === 'AES256';
}

type Headers = Record<string, string | number>;

/** What GET and HEAD tell of an object, but for its length. */
export function describe(call: Call, version: Version): Headers {
  const headers: Headers = {
    ...version.contentHeaders,
    'etag': `"${version.etag}"`,
    'last-modified': new Date(version.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    ...receiptHeaders(call, version),
  };
  for (const [name, value] of Object.entries(version.userMetadata)) {
    headers[META + name] = mailSafe(value);
  }
  if (version.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = version.storageClass;
  if (version.tags.length > 0) headers['x-amz-tagging-count'] = version.tags.length;
  if (version.restore !== undefined) headers['x-amz-restore'] = restoreText(version.restore);
  return headers;
}

/** What every answer about a version tells, those to writers too. */
export function receiptHeaders(call: Call, version: Version): Headers {
  const headers: Headers = encryptionHeaders(version.encryption);
  if (version.versionId !== 'null') headers['x-amz-version-id'] = version.versionId;
  const { crc64Header } = call.service.dialect;
  if (crc64Header !== undefined && version.crc64 !== undefined)
    headers[crc64Header] = version.crc64;
  return headers;
}

export function encryptionHeaders(used: Encryption | undefined): Headers {
  if (used === undefined) return {};
  if (used.algorithm === 'customer') {
    return {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key-md5': used.keyMd5 ?? '',
    };
  }
  const headers: Headers = { 'x-amz-server-side-encryption': used.algorithm };
  if (used.kmsKeyId !== undefined) {
    headers['x-amz-server-side-encryption-aws-kms-key-id'] = used.kmsKeyId;
  }
  return headers;
}

/** The checksums as headers, with their type. */
export function checksumHeaders({
  checksums,
  checksumType,
}: Pick<Version, 'checksums' | 'checksumType'>): Headers {
  const entries = Object.entries(checksums);
  if (entries.length === 0) return {};
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [`x-amz-checksum-${name}`, value])),
    'x-amz-checksum-type': checksumType,
  };
}

function restoreText({
  ongoing,
  expiry,
}: {
  readonly ongoing: boolean;
  readonly expiry: number;
}): string {
  return ongoing
    ? 'ongoing-request="true"'
    : `ongoing-request="false", expiry-date="${new Date(expiry).toUTCString()}"`;
}

/**
 * S3 gives values back as RFC 2047 encodes them when they hold more than ASCII.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
function mailSafe(value: string): string {
  if (/^[\t\x20-\x7e]*$/.test(value)) return value;
  return `=?UTF-8?B?${Buffer.from(value, 'latin1').toString('base64')}?=`;
}
