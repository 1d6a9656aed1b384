/** Many servers send unencoded UTF-8; a value that is not UTF-8 is read as Latin-1, as HTTP once specified. */
export function utf8OfLatin1(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  return strictUtf8(Buffer.from(value, 'latin1')) ?? value;
}

/** The other way round: bytes of UTF-8, one character each. */
export function latin1OfUtf8(text: string): string {
  return /[^\x20-\x7e]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

/** Undefined where the bytes are not UTF-8. */
export function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
