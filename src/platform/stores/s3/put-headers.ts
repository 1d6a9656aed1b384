import { contentHeaderNames } from '../../model/object.ts';
import type { PutOptions } from '../store.ts';
import type { PutCondition, S3Dialect } from './dialect.ts';
import { encodeMetadata } from '../metadata-text.ts';
import { latin1OfUtf8 } from '../../http/header-text.ts';

/** The headers of a put or of the start of an upload, in pairs. */
export function putHeaders(options: PutOptions, dialect: S3Dialect): string[] {
  const headers: string[] = [];
  const { contentType, contentHeaders, userMetadata, tier, kms } = options;
  const {
    headerPrefix: prefix,
    metadata: { codec },
  } = dialect;
  if (contentType !== undefined) headers.push('content-type', latin1OfUtf8(contentType));
  if (contentHeaders !== undefined) {
    for (const name of contentHeaderNames) {
      const value = contentHeaders[name];
      if (value !== undefined) headers.push(name, latin1OfUtf8(value));
    }
  }
  if (userMetadata !== undefined) {
    for (const [name, value] of Object.entries(userMetadata)) {
      headers.push(`${prefix}meta-${name.toLowerCase()}`, encodeMetadata(value, codec));
    }
  }
  const storageClass = tier === undefined ? undefined : dialect.tierClasses[tier];
  if (storageClass !== undefined) headers.push(`${prefix}storage-class`, storageClass);
  if (kms === true && dialect.kms !== undefined) {
    headers.push(`${prefix}server-side-encryption`, dialect.kms);
  }
  return headers;
}

/** What a put, or the end of an upload, says of its mode. */
export function modeHeaders(
  { mode }: Pick<PutOptions, 'mode'>,
  { conditionalPut, headerPrefix }: S3Dialect,
): string[] {
  if (mode !== 'create' || conditionalPut === undefined) return [];
  const words: Readonly<Record<PutCondition, readonly [name: string, value: string]>> = {
    'if-none-match': ['if-none-match', '*'],
    'forbid-overwrite': [`${headerPrefix}forbid-overwrite`, 'true'],
  };
  return [...words[conditionalPut]];
}
