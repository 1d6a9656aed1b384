import { contentHeaderNames } from '../../model/object.ts';
import type { PutOptions } from '../store.ts';
import type { S3Dialect } from './dialects.ts';
import { encodeMetadata, latin1OfUtf8 } from './metadata.ts';

/** The headers of a put or of the start of an upload, in pairs. */
export function putHeaders(options: PutOptions, dialect: S3Dialect): string[] {
  const headers: string[] = [];
  const { contentType, contentHeaders, userMetadata, tier, kms } = options;
  const { headerPrefix: prefix, metadata } = dialect;
  if (contentType !== undefined) headers.push('content-type', latin1OfUtf8(contentType));
  if (contentHeaders !== undefined) {
    for (const name of contentHeaderNames) {
      const value = contentHeaders[name];
      if (value !== undefined) headers.push(name, latin1OfUtf8(value));
    }
  }
  if (userMetadata !== undefined) {
    for (const [name, value] of Object.entries(userMetadata)) {
      headers.push(`${prefix}meta-${name.toLowerCase()}`, encodeMetadata(value, metadata));
    }
  }
  const storageClass = tier === undefined ? undefined : dialect.tierClasses[tier];
  if (storageClass !== undefined) headers.push(`${prefix}storage-class`, storageClass);
  if (kms === true && dialect.kms !== undefined) {
    headers.push(`${prefix}server-side-encryption`, dialect.kms);
  }
  return headers;
}

/** Lower-case hex as `Content-MD5` wants it. */
export function base64OfHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
