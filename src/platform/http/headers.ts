import type { HttpReply } from './http.ts';
import { utf8OfLatin1 } from './header-text.ts';

type Headers = HttpReply['headers'];

/** One header's value; of a repeated one the first. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value[0] : value;
}

/** As {@link headerOf}, where people write the value, in any language. */
export function headerTextOf(headers: Headers, name: string): string | undefined {
  const value = headerOf(headers, name);
  return value === undefined ? undefined : utf8OfLatin1(value);
}

/**
 * The value of a header that is a list: several lines of it are one value, joined by commas.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.3
 */
export function listHeaderOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return value === undefined ? undefined : utf8OfLatin1(linesOf(value).join(', '));
}

/** The lines of one header. */
export function linesOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** Milliseconds since 1970, of a date in any of HTTP's forms; undefined if it is not a date. */
export function dateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** NaN where the text is anything but digits. */
export function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** Milliseconds; of seconds or a date, which is counted from the store's own clock. */
export function retryAfter(headers: Headers): number | undefined {
  const value = headerOf(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = dateOf(value);
  const now = dateOf(headerOf(headers, 'date'));
  return until === undefined || now === undefined ? undefined : Math.max(0, until - now);
}

/** Lower-case hex as `Content-MD5` wants it. */
export function base64OfHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
