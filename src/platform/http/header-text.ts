/** Many servers send UTF-8 as it is; what is no UTF-8 is taken for Latin-1, as HTTP once said. */
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
