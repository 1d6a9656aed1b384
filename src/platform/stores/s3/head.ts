import { contentHeaderNames, type ObjectEncryption, type ObjectHead } from '../../model/object.ts';
import type { StorageTier } from '../../model/storage-class.ts';
import type { Crcs } from '../../model/checksums.ts';
import { dateOf, headerOf, headerTextOf } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { ambiguousHeadersOf, contentHeadersOf, metadataValueOf } from '../content-headers.ts';
import type { PutReceipt } from '../store.ts';
import type { PutBody } from '../../http/bodies.ts';
import type { S3Dialect } from './dialect.ts';

type Headers = HttpReply['headers'];

/** One of the cloud's own headers, by its name without prefix. */
export function ownHeader(
  headers: Headers,
  { headerPrefix, answerPrefix }: S3Dialect,
  name: string,
): string | undefined {
  const value = headerOf(headers, headerPrefix + name);
  return value !== undefined || answerPrefix === undefined
    ? value
    : headerOf(headers, answerPrefix + name);
}

/** What the headers of a GET or HEAD say, or what is wrong with them. */
export function headOf(
  key: string,
  size: number,
  headers: Headers,
  dialect: S3Dialect,
  { ranged }: { readonly ranged: boolean },
): ObjectHead | string {
  const etag = headerOf(headers, 'etag') ?? '';
  const storageClass = ownHeader(headers, dialect, 'storage-class');
  const lastModified = dateOf(headerOf(headers, 'last-modified'));
  if (lastModified === undefined) return 'an answer without Last-Modified';
  return {
    key,
    size,
    etag,
    lastModified,
    contentType: headerTextOf(headers, 'content-type'),
    contentHeaders: contentHeadersOf(headers, contentHeaderNames),
    ambiguousHeaders: ambiguousHeadersOf(headers, contentHeaderNames),
    userMetadata: userMetadataOf(headers, dialect),
    missingMetadata: missingMetadataOf(headers, dialect),
    redirects: ownHeader(headers, dialect, 'website-redirect-location') !== undefined,
    storageClass,
    tier: tierOf(storageClass, dialect),
    md5: md5OfHead(etag, headers, dialect),
    ...(ranged ? noCrcs : crcsOf(headers, dialect)),
    encryption: encryptionOf(headers, dialect),
    versionId: ownHeader(headers, dialect, 'version-id'),
  };
}

/**
 * What the headers of an answer to a put say about the bytes.
 *
 * @param body What was sent at once; undefined where the ETag is that of parts, or of a copy.
 */
export function receiptOf(
  etag: string,
  headers: Headers,
  dialect: S3Dialect,
  body: Pick<PutBody, 'md5'> | undefined,
): PutReceipt {
  return {
    etag,
    md5: body === undefined ? undefined : md5OfReceipt(etag, headers, dialect, body),
    ...crcsOf(headers, dialect),
    encryption: encryptionOf(headers, dialect),
    tier: tierOf(ownHeader(headers, dialect, 'storage-class'), dialect),
    date: dateOf(headerOf(headers, 'date')),
    versionId: ownHeader(headers, dialect, 'version-id'),
  };
}

function tierOf(storageClass: string | undefined, { classes }: S3Dialect): StorageTier | undefined {
  return storageClass === undefined ? undefined : classes.get(storageClass)?.tier;
}

/** Of a ranged answer, where the clouds do not say whose CRC it is. */
const noCrcs = { crc64: undefined, crc64nvme: undefined };

function crcsOf(headers: Headers, { crc64Header, crc64nvme }: S3Dialect): Crcs {
  const crc64 = crc64Header === undefined ? undefined : headerOf(headers, crc64Header);
  return {
    crc64: crc64 !== undefined && /^\d{1,20}$/.test(crc64) ? crc64 : undefined,
    crc64nvme: crc64nvme ? crc64nvmeOf(headerOf(headers, 'x-amz-checksum-crc64nvme')) : undefined,
  };
}

/** Base64 of eight bytes; any other value is not a CRC. */
export function crc64nvmeOf(value: string | undefined): string | undefined {
  return value !== undefined && /^[A-Za-z\d+/]{11}=$/.test(value) ? value : undefined;
}

const plainMd5 = /^"?([\da-f]{32})"?$/i;

function md5OfHead(etag: string, headers: Headers, dialect: S3Dialect): string | undefined {
  const { heads } = dialect.etagMd5;
  if (heads === 'never' || isPieced(headers, dialect)) return undefined;
  const encryption = encryptionOf(headers, dialect);
  if (heads === 'unless-encrypted' ? encryption !== undefined : isOwnKey(encryption)) {
    return undefined;
  }
  return plainMd5Of(etag);
}

function md5OfReceipt(
  etag: string,
  headers: Headers,
  dialect: S3Dialect,
  { md5 }: Pick<PutBody, 'md5'>,
): string | undefined {
  const { receipts } = dialect.etagMd5;
  if (receipts === 'never' || isOwnKey(encryptionOf(headers, dialect))) return undefined;
  const found = plainMd5Of(etag);
  return receipts === 'as-sent' && found !== md5 ? undefined : found;
}

/** With a key of a KMS, or of the customer, it is the MD5 of what is stored: of ciphertext. */
function isOwnKey(encryption: ObjectEncryption | undefined): boolean {
  return encryption === 'kms' || encryption === 'customer';
}

/**
 * Whether it was not put at once: an object that is appended to has an ETag as long as an MD5, which
 * is none. OSS: https://www.alibabacloud.com/help/en/oss/developer-reference/headobject; COS:
 * https://www.tencentcloud.com/document/product/436/7745; OBS API reference, "Querying Object
 * Metadata". None of them says it, or `Normal`, of others.
 */
function isPieced(headers: Headers, dialect: S3Dialect): boolean {
  const type = ownHeader(headers, dialect, 'object-type') ?? 'normal';
  return type.toLowerCase() !== 'normal';
}

function plainMd5Of(etag: string): string | undefined {
  return plainMd5.exec(etag)?.[1]?.toLowerCase();
}

function encryptionOf(headers: Headers, dialect: S3Dialect): ObjectEncryption | undefined {
  const named = ownHeader(headers, dialect, 'server-side-encryption');
  // `aws:kms`, `aws:kms:dsse`, `KMS`, `cos/kms`.
  if (named !== undefined) return /kms/i.test(named) ? 'kms' : 'store';
  const customer = ownHeader(headers, dialect, 'server-side-encryption-customer-algorithm');
  return customer === undefined ? undefined : 'customer';
}

/** S3 leaves out entries that a header cannot carry, and counts them. */
function missingMetadataOf(headers: Headers, dialect: S3Dialect): number {
  const missing = Number(ownHeader(headers, dialect, 'missing-meta'));
  return Number.isInteger(missing) ? missing : 0;
}

const none: Readonly<Record<string, string>> = Object.freeze({});

function userMetadataOf(headers: Headers, dialect: S3Dialect): Readonly<Record<string, string>> {
  const { headerPrefix, answerPrefix, metadata } = dialect;
  const own = `${headerPrefix}meta-`;
  const other = answerPrefix === undefined ? own : `${answerPrefix}meta-`;
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    const prefix = name.startsWith(own) ? own : other;
    if (!name.startsWith(prefix)) continue;
    found ??= {};
    found[name.slice(prefix.length)] = metadataValueOf(headers[name], metadata.codec);
  }
  return found ?? none;
}
