import { bucketOf, type Call, header } from './call.ts';
import type { Encryption, ObjectTraits, Restore, Version } from './bucket.ts';
import type { Dialect, Face } from './dialect.ts';
import { etagIsMd5 } from './etags.ts';
import { classByFace, classByS3 } from './face.ts';
import { S3Error } from './s3-error.ts';
import { rawHeader } from './signed.ts';

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
    storageClass: storageClass(call),
    tags: parseTags(header(call, 'x-amz-tagging')),
    objectType: undefined,
    encryption: encryption(call) ?? bucketOf(call).encryption,
  };
}

function storageClass(call: Call): string {
  const word = header(call, 'x-amz-storage-class');
  return word === undefined ? 'STANDARD' : classByS3(call.face, word);
}

function contentHeaders(call: Call): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  const { contentHeaders: known, beyondAscii } = call.service.dialect.metadata;
  for (const name of contentHeaderNames) {
    const value = header(call, name);
    if (value === undefined || known?.has(name) === false) continue;
    if (beyondAscii === 'refused' && !isAscii(value)) throw beyondUsAscii(name);
    kept[name] = value;
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
  const rules = call.service.dialect.metadata;
  let size = 0;
  for (const name of Object.keys(call.headers)) {
    if (!name.startsWith(META)) continue;
    const short = name.slice(META.length);
    const value = header(call, name) ?? '';
    if (rules.refusedNames?.test(short)) {
      throw new S3Error(rules.refusal ?? 'InvalidArgument', `${name}: the name is invalid`);
    }
    if (rules.beyondAscii === 'refused' && !isAscii(value)) throw beyondUsAscii(name);
    // Read as Latin-1, bytes of UTF-8 are two characters each.
    const text = rules.beyondAscii === 'latin1' ? Buffer.from(value).toString('latin1') : value;
    kept[rules.hyphenates === true ? short.replaceAll('_', '-') : short] = text;
    size += entrySize(short, value, rules);
  }
  if (size > rules.bytesMax) throw new S3Error('MetadataTooLarge');
  return kept;
}

/** @throws {S3Error} where it is too large by itself. */
function entrySize(name: string, value: string, rules: Dialect['metadata']): number {
  const { entryBytesMax = Infinity, nameBytesMax = Infinity } = rules;
  const stored = rules.decodes === true ? wordsAsText(value) : value;
  const size = (rules.countsPrefix === true ? META.length : 0) + name.length + stored.length;
  if (name.length > nameBytesMax || size > entryBytesMax) throw new S3Error('MetadataTooLarge');
  return size;
}

/** Bytes of UTF-8, one character each. */
function wordsAsText(value: string): string {
  const words = /^(?:=\?UTF-8\?B\?[A-Za-z\d+/=]*\?= ?)+$/;
  if (!words.test(value)) return value;
  return value
    .split(' ')
    .map((word) => Buffer.from(word.slice('=?UTF-8?B?'.length, -2), 'base64').toString('latin1'))
    .join('');
}

function beyondUsAscii(name: string): S3Error {
  return new S3Error('InvalidArgument', `${name}: only US-ASCII characters are allowed`);
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
  const word = header(call, 'x-amz-server-side-encryption');
  if (word === undefined) return undefined;
  const { encryption: words } = call.face;
  const algorithm = words[word];
  if (algorithm === undefined) {
    const none = Object.keys(words).length === 0;
    throw new S3Error(none ? 'NotImplemented' : 'InvalidArgument', `Encryption cannot be ${word}`);
  }
  const { dialect, keyServer } = call.service;
  if (dialect.needsKeyServer === true && !keyServer) {
    const message = 'Server side encryption specified but KMS is not configured';
    throw new S3Error('NotImplemented', message);
  }
  const kmsKeyId = header(call, 'x-amz-server-side-encryption-aws-kms-key-id');
  checkSecure(call, { algorithm });
  return { algorithm, kmsKeyId };
}

/** @throws {S3Error} when the cloud wants HTTPS for what its key service encrypts, and this is none. */
export function checkSecure(
  { service }: Call,
  used: Pick<Encryption, 'algorithm'> | undefined,
): void {
  const isOpen = used?.algorithm === 'aws:kms' && !service.secure;
  if (isOpen && service.dialect.kmsNeedsTls === true) {
    throw new S3Error('InvalidRequest', 'SSE-KMS requires requests to be sent over HTTPS.');
  }
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

type Headers = Record<string, string | number>;

/** The headers with which GET and HEAD describe an object, except its length. */
export function describe(call: Call, version: Version): Headers {
  const { face, service } = call;
  const { beyondAscii } = service.dialect.metadata;
  const headers: Headers = {
    ...version.contentHeaders,
    'etag': `"${version.etag}"`,
    'last-modified': new Date(version.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    ...receiptHeaders(call, version),
  };
  for (const [name, value] of Object.entries(version.userMetadata)) {
    headers[META + name] = beyondAscii === 'kept' ? value : mailSafe(value);
  }
  if (version.storageClass !== 'STANDARD' || face.tellsStandard === true) {
    headers['x-amz-storage-class'] = classByFace(face, version.storageClass);
  }
  if (version.objectType !== undefined) headers['x-amz-object-type'] = version.objectType;
  if (version.tags.length > 0) headers['x-amz-tagging-count'] = version.tags.length;
  Object.assign(headers, restoreHeaders(face, version.restore));
  if (service.dialect.tellsMd5 === true) {
    const md5 = md5Base64(service.dialect, version);
    if (md5 !== undefined) headers['content-md5'] = md5;
  }
  return headers;
}

/** The headers of every answer about a version, including answers to writes. */
export function receiptHeaders(call: Call, version: Version): Headers {
  const headers: Headers = encryptionHeaders(call.face, version.encryption);
  if (version.versionId !== 'null') headers['x-amz-version-id'] = version.versionId;
  Object.assign(headers, crc64Headers(call.face, version.crc64));
  if (call.service.dialect.everySum !== undefined) {
    headers['x-goog-hash'] = googHash(call.service.dialect, version);
  }
  return headers;
}

/** The CRC-64/XZ where the face has a header for it. */
export function crc64Headers({ crc64: name }: Face, crc64: string | undefined): Headers {
  return name === undefined || crc64 === undefined ? {} : { [name]: crc64 };
}

/** What a request says of its CRC-64/XZ. */
export function claimedCrc64(call: Call): string | undefined {
  const compared = call.service.dialect.crc64 === 'compared';
  return compared ? rawHeader(call.signed, call.face.crc64 ?? '') : undefined;
}

/** The MD5 where the ETag is one. */
function md5Base64(dialect: Dialect, version: Version): string | undefined {
  const { etag } = version;
  return etagIsMd5(dialect, version) && /^[0-9a-f]{32}$/i.test(etag)
    ? Buffer.from(etag, 'hex').toString('base64')
    : undefined;
}

/** https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash */
function googHash(dialect: Dialect, version: Version): string {
  const md5 = md5Base64(dialect, version);
  const sum = `crc32c=${version.checksums.crc32c ?? ''}`;
  return md5 === undefined ? sum : `${sum},md5=${md5}`;
}

export function encryptionHeaders(face: Face, used: Encryption | undefined): Headers {
  if (used === undefined) return {};
  if (used.algorithm === 'customer') {
    return {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key-md5': used.keyMd5 ?? '',
    };
  }
  const words = Object.keys(face.encryption);
  const word = words.find((each) => face.encryption[each] === used.algorithm);
  const headers: Headers = { 'x-amz-server-side-encryption': word ?? used.algorithm };
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

function restoreHeaders(face: Face, restore: Restore | undefined): Headers {
  if (restore === undefined) return {};
  const headers: Headers = { 'x-amz-restore': restoreText(restore) };
  const { ongoing, asked } = restore;
  if (face.tellsRestoreStatus === true && ongoing && asked !== undefined) {
    const date = new Date(asked.at).toUTCString();
    headers['x-amz-restore-status'] = `tier="${asked.tier.toLowerCase()}"; request-date="${date}"`;
  }
  return headers;
}

function restoreText({ ongoing, expiry }: Restore): string {
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
  if (isAscii(value)) return value;
  return `=?UTF-8?B?${Buffer.from(value, 'latin1').toString('base64')}?=`;
}

function isAscii(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}
