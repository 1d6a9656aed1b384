import { utf8OfLatin1 } from '../http/header-text.ts';

/** How user metadata are said in a header: as words of RFC 2047, or as URLs are encoded. */
export type MetadataCodec = 'rfc2047' | 'percent';

/** A value's text as bytes that a header can carry; those of plain ASCII stay as they are. */
export function encodeMetadata(text: string, codec: MetadataCodec): string {
  if (isPlain(text) && decodeMetadata(text, codec) === text) return text;
  return codec === 'percent' ? encodePercent(text) : encodeWords(text);
}

/** Whether a header carries it as it is. */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !/^ | $/.test(text);
}

/** The text of a header's value, as undici gives it: one character a byte. */
export function decodeMetadata(value: string, codec: MetadataCodec): string {
  const text = utf8OfLatin1(value);
  return (codec === 'percent' ? decodePercent(text) : decodeWords(text)) ?? text;
}

/**
 * Decodes only what {@link encodePercent} or a vendor's SDK may have written: a stored URL has percent
 * signs of its own, and is left unchanged.
 */
function decodePercent(text: string): string | undefined {
  const decoded = decodedOnce(text);
  // We do not encode plain text, except for text that looks like an encoding itself.
  for (let next = decoded; next !== undefined; next = decodedOnce(next)) {
    if (!isPlain(next)) return decoded;
  }
  return undefined;
}

/** The text whose exact encoding this is; undefined if it is not an encoding. */
function decodedOnce(text: string): string | undefined {
  if (!text.includes('%')) return undefined;
  try {
    const decoded = decodeURIComponent(text);
    return encodePercent(decoded) === text ? decoded : undefined;
  } catch {
    return undefined;
  }
}

function encodePercent(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** RFC 2047: at most 75 characters a word, so 45 bytes of text, cut between characters. */
const WORD_BYTES_MAX = 45;

function encodeWords(text: string): string {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word) + Buffer.byteLength(character) > WORD_BYTES_MAX) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  words.push(word);
  return words.map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join(' ');
}

const encodedWord = /=\?([\w-]+)(?:\*[\w-]+)?\?([bq])\?([^?\s]*)\?=/gi;
const onlyWords = /^(?:=\?[\w*-]+\?[bq]\?[^?\s]*\?=\s*)+$/i;

/** Words may cut a character in two, so their bytes are joined first. */
function decodeWords(text: string): string | undefined {
  if (!onlyWords.test(text)) return undefined;
  const bytes: Buffer[] = [];
  let charset = '';
  for (const [, name = '', encoding = '', body = ''] of text.matchAll(encodedWord)) {
    charset = name;
    bytes.push(/b/i.test(encoding) ? Buffer.from(body, 'base64') : bytesOfQ(body));
  }
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch {
    return undefined;
  }
}

function bytesOfQ(body: string): Buffer {
  const latin1 = body
    .replaceAll('_', ' ')
    .replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}
