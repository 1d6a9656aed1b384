import type { ContentHeaderName, ContentHeaders, ObjectHead } from './object.ts';

/**
 * What names of user metadata may be: any token of HTTP; a letter or `_` with letters, digits and `_`;
 * letters, digits and `-`.
 */
export type MetadataNames = 'token' | 'identifier' | 'hyphenated';

/** What a store keeps beside the bytes. */
export interface MetadataTraits {
  readonly names: MetadataNames;
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
 * Names that the target cannot have become the nearest that it can; of two that become one, that
 * stays which has the name already, or the first in order of the names.
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
  const fit = fittingName[traits.names];
  const names = Object.keys(userMetadata).sort();
  const changing = names.filter((name) => fit(name) !== name);
  const unchanged = names.filter((name) => fit(name) === name);
  const fitted = new Map(unchanged.map((name) => [name, userMetadata[name] ?? '']));
  for (const name of changing) {
    const own = fit(name);
    if (fitted.has(own)) {
      notes.push(`metadata ${name} was left out, the target's ${own} is another's`);
      continue;
    }
    notes.push(`metadata ${name} is called ${own} there`);
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

const fittingName: Readonly<Record<MetadataNames, (name: string) => string>> = {
  token: (name) => name,
  identifier: (name) => name.replace(/\W/g, '_').replace(/^(?=\d)/, '_'),
  hyphenated: (name) => name.replace(/[^a-z\d-]/gi, '-'),
};
