/** Text as it stands in a header: one character a byte of UTF-8. */
export function asHeader(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What a client reads of a value: RFC 2047's words decoded, or percents, else UTF-8. */
export function textOf(value = ''): string {
  const words = [...value.matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)];
  if (words.length > 0) {
    return Buffer.concat(words.map(([, body = '']) => Buffer.from(body, 'base64'))).toString();
  }
  return /%[\dA-F]{2}/.test(value)
    ? decodeURIComponent(value)
    : Buffer.from(value, 'latin1').toString();
}
