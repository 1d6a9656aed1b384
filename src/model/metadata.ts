import type { ContentHeaderName, ContentHeaders, ObjectHead } from './object.ts';

/** What a store keeps beside the bytes. */
export interface MetadataTraits {
  /** What names of user metadata may be: any token of HTTP, or a letter or `_` with letters, digits and `_`. */
  readonly names: 'token' | 'identifier';
  /** The content headers that it keeps and gives back. */
  readonly contentHeaders: readonly ContentHeaderName[];
  /** What their values may be, and the type's: any text unless given. */
  readonly contentHeaderValues?: 'any' | 'ascii';
}

/** What can travel, and in words for people what cannot as it was. */
export interface FittedMetadata {
  readonly contentHeaders: ContentHeaders;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/**
 * Makes an object's metadata such as the target can keep, and says what was renamed or left out.
 *
 * Names that the target cannot have become the nearest that it can; of two that become one, the
 * first in order of the names stays.
 */
export function fitMetadata(
  {
    contentHeaders,
    userMetadata,
    missingMetadata = 0,
  }: Pick<ObjectHead, 'contentHeaders' | 'userMetadata' | 'missingMetadata'>,
  traits: MetadataTraits,
): FittedMetadata {
  const notes: string[] = [];
  if (missingMetadata > 0) {
    notes.push(
      `entries of metadata that the source cannot tell, and that do not travel: ${missingMetadata}`,
    );
  }
  const kept: Partial<Record<ContentHeaderName, string>> = {};
  for (const [name, value] of Object.entries(contentHeaders) as [ContentHeaderName, string][]) {
    const fitted = fitContentHeader(name, value, traits);
    if (fitted.value !== undefined) kept[name] = fitted.value;
    if (fitted.note !== undefined) notes.push(fitted.note);
  }
  const fitted = new Map<string, string>();
  for (const name of Object.keys(userMetadata).sort()) {
    const own = traits.names === 'token' ? name : identifierOf(name);
    if (fitted.has(own)) {
      notes.push(`metadata ${name} was left out, the target's ${own} is another's`);
      continue;
    }
    if (own !== name) notes.push(`metadata ${name} is called ${own} there`);
    fitted.set(own, userMetadata[name] ?? '');
  }
  return { contentHeaders: kept, userMetadata: Object.fromEntries(fitted), notes };
}

/** One header's value as the target can keep it; without one where it cannot. */
interface FittedValue {
  readonly value?: string | undefined;
  readonly note?: string;
}

/** The type, by the rule of the other content headers; unlike them it travels always. */
export function fitContentType(
  value: string | undefined,
  { contentHeaderValues }: MetadataTraits,
): FittedValue {
  if (value === undefined || contentHeaderValues !== 'ascii' || isAscii(value)) return { value };
  return { note: asciiOnly('content-type') };
}

function asciiOnly(name: string): string {
  return `${name} was left out, the target keeps ASCII only`;
}

function fitContentHeader(
  name: ContentHeaderName,
  value: string,
  traits: MetadataTraits,
): FittedValue {
  if (!traits.contentHeaders.includes(name)) {
    return { note: `${name} was left out, the target keeps none` };
  }
  if (traits.contentHeaderValues !== 'ascii' || isAscii(value)) return { value };
  const ascii = name === 'content-disposition' ? asciiDisposition(value) : undefined;
  return ascii === undefined
    ? { note: asciiOnly(name) }
    : { value: ascii, note: `${name} has the file's name percent-encoded there` };
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

const plainName = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i;

/** With the file's name as RFC 6266 has it for all languages; undefined where it has more than that. */
function asciiDisposition(value: string): string | undefined {
  const isNamed = /;\s*filename\*\s*=/i.test(value);
  const ascii = value.replace(plainName, (_, quoted?: string, token?: string) => {
    const name = quoted?.replace(/\\(.)/g, '$1') ?? token ?? '';
    return isNamed ? '' : `; filename*=UTF-8''${encodeRfc8187(name)}`;
  });
  return isAscii(ascii) ? ascii : undefined;
}

/** https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1 */
function encodeRfc8187(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function identifierOf(name: string): string {
  const safe = name.replace(/\W/g, '_');
  return /^\d/.test(safe) ? `_${safe}` : safe;
}
