/** The longest key: S3 and all that copy it count UTF-8 bytes, Azure counts characters. */
export const KEY_MAX = 1024;

/**
 * What a cloud counts of a key. Azure's characters are units of UTF-16:
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export type KeyUnit = 'bytes' | 'characters';

/** Why a key is too long; undefined for one that is not. */
export function faultOfLength(key: string, unit: KeyUnit): string | undefined {
  if (key.length * 3 <= KEY_MAX) return undefined;
  const length = unit === 'bytes' ? Buffer.byteLength(key) : key.length;
  if (length <= KEY_MAX) return undefined;
  return `has ${length} ${unit} after decoding; at most ${KEY_MAX} are possible`;
}

export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/**
 * Decodes one key of a sync event: once, form style, so that `+` is a space and `%2B` a plus.
 *
 * @throws {KeyError} for broken escapes, invalid UTF-8, NUL, lone surrogates, and keys that are
 *   empty or longer than any cloud has them. The message says which.
 */
export function decodeObjectKey(encoded: string): string {
  if (!encoded.isWellFormed()) throw new KeyError('has a lone surrogate');
  if (/%(?![0-9A-Fa-f]{2})/.test(encoded)) {
    throw new KeyError('has a "%" that no two hex digits follow; write "%25" for a percent sign');
  }
  let key: string;
  try {
    key = decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch (cause) {
    throw new KeyError('is not UTF-8 after decoding', { cause });
  }
  if (key === '') throw new KeyError('is empty');
  if (key.includes('\0')) throw new KeyError('has a NUL character');
  const tooLong = faultOfLength(key, 'characters');
  if (tooLong !== undefined) throw new KeyError(tooLong);
  return key;
}
