/** The longest key, in UTF-8 bytes, that S3 takes, and all that copy it. */
export const KEY_BYTES_MAX = 1024;

export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/**
 * Decodes one key of a sync event: once, form style, so that `+` is a space and `%2B` a plus.
 *
 * @throws {KeyError} for broken escapes, invalid UTF-8, NUL, lone surrogates, and keys that are
 *   empty or longer than {@link KEY_BYTES_MAX} bytes. The message says which.
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
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES_MAX) {
    throw new KeyError(`has ${bytes} bytes after decoding; at most ${KEY_BYTES_MAX} are possible`);
  }
  return key;
}
