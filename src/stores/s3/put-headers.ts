import { contentHeaderNames } from '../../model/object.ts';
import type { PutOptions } from '../store.ts';
import type { S3Dialect } from './dialects.ts';
import { encodeMetadata, latin1OfUtf8 } from './metadata.ts';

/**
 * The headers of a put or of the start of an upload, in pairs.
 *
 * @throws {RangeError} saying which header cannot be sent.
 */
export function putHeaders(options: PutOptions, dialect: S3Dialect): string[] {
  const headers: string[] = [];
  const { contentType, contentHeaders, userMetadata, storageClass } = options;
  const { headerPrefix: prefix } = dialect;
  if (contentType !== undefined) add(headers, 'content-type', contentType);
  if (contentHeaders !== undefined) {
    for (const name of contentHeaderNames) {
      const value = contentHeaders[name];
      if (value !== undefined) add(headers, name, value);
    }
  }
  if (userMetadata !== undefined) {
    for (const [name, value] of Object.entries(userMetadata)) {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
        throw new RangeError(`user metadata cannot be named ${JSON.stringify(name)}`);
      }
      headers.push(`${prefix}meta-${name.toLowerCase()}`, encodeMetadata(value, dialect.metadata));
    }
  }
  if (storageClass !== undefined) add(headers, `${prefix}storage-class`, storageClass);
  return headers;
}

function add(headers: string[], name: string, value: string): void {
  // A line break would begin a header of somebody else's choice.
  if (/[\0-\x08\n-\x1f\x7f]/.test(value)) {
    throw new RangeError(`${name} with control characters`);
  }
  headers.push(name, latin1OfUtf8(value));
}

/** Lower-case hex as `Content-MD5` wants it. */
export function base64OfHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
