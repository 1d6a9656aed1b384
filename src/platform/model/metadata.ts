import type { ContentHeaderName, ContentHeaders, ObjectHead } from './object.ts';

/**
 * What names of user metadata may be: any token of HTTP; a letter or `_` with letters, digits and `_`;
 * letters, digits and `-`; these and `.`; or these and `_`.
 */
export type MetadataNames = 'token' | 'identifier' | 'hyphenated' | 'dotted' | 'word';

/** What a store keeps beside the bytes. */
export interface MetadataTraits {
  readonly names: MetadataNames;
  /** Whether some versions of the store make `-` of every `_` in a name. */
  readonly underscoresMayChange?: boolean;
  /** How much user metadata; as much as the store itself lets pass unless given. */
  readonly limits?: MetadataLimits;
  /** The content headers that it keeps and gives back. */
  readonly contentHeaders: readonly ContentHeaderName[];
  /** What their values may be, and the type's: any text unless given. */
  readonly contentHeaderValues?: 'any' | 'ascii';
}

/** How much user metadata a store takes, in bytes by its own way of counting. */
export interface MetadataLimits {
  /** Of one name, without the prefix. */
  readonly nameMax: number;
  /** Of one name and its value. */
  readonly entryMax: number;
  /** Of all of them. */
  readonly allMax: number;
  /** What an entry counts. */
  readonly sizeOf: (name: string, value: string) => number;
}

/** Of UTF-16: a longer name would take the place of the others. */
const NAME_MAX = 100;

/** What can travel, and in words for people what cannot as it was. */
export interface FittedMetadata {
  readonly contentHeaders: ContentHeaders;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** What describes an object beside its bytes. */
type Describing = Pick<
  ObjectHead,
  'contentHeaders' | 'ambiguousHeaders' | 'userMetadata' | 'missingMetadata' | 'redirects'
>;

/**
 * Makes an object's metadata such as the target can keep, and says what was renamed or left out.
 *
 * Names that the target cannot have become the nearest that it can; of two that become one, that
 * stays which has the name already, or the first in order of the names. Of more than the target takes
 * nothing is left out, and the put is refused: what an object cannot be read without may be among it,
 * as the key of one that its writer has encrypted.
 */
export function fitMetadata(
  {
    contentHeaders,
    userMetadata,
    ambiguousHeaders = [],
    missingMetadata = 0,
    redirects = false,
  }: Describing,
  traits: MetadataTraits,
): FittedMetadata {
  const notes: string[] = [];
  if (missingMetadata > 0) {
    notes.push(
      `entries of metadata that the source does not report, and that are not copied: ${missingMetadata}`,
    );
  }
  const kept: Partial<Record<ContentHeaderName, string>> = {};
  for (const [name, value] of Object.entries(contentHeaders) as [ContentHeaderName, string][]) {
    const fitted = fitContentHeader(name, value, traits);
    if (fitted.value !== undefined) kept[name] = fitted.value;
    if (fitted.note !== undefined) notes.push(fitted.note);
  }
  for (const name of ambiguousHeaders) {
    notes.push(`${name} has several values at the source, and the first was kept`);
  }
  if (redirects) notes.push("the website's redirect was left out");
  const named = fitNames(userMetadata, traits);
  return {
    contentHeaders: kept,
    userMetadata: Object.fromEntries(named.entries),
    notes: [...notes, ...named.notes],
  };
}

interface FittedEntries {
  readonly entries: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

function fitNames(
  userMetadata: Readonly<Record<string, string>>,
  { names: kind, underscoresMayChange = false }: MetadataTraits,
): FittedEntries {
  const notes: string[] = [];
  const fit = fittingName[kind];
  const names = Object.keys(userMetadata).sort();
  const changing = names.filter((name) => name === '' || fit(name) !== name);
  const unchanged = names.filter((name) => name !== '' && fit(name) === name);
  const entries = new Map(unchanged.map((name) => [name, userMetadata[name] ?? '']));
  for (const name of changing) {
    const own = fit(name);
    if (name === '') {
      notes.push('metadata without a name was left out');
    } else if (entries.has(own)) {
      notes.push(
        `metadata ${shownName(name)} was left out, the target's ${shownName(own)} is another's`,
      );
    } else {
      notes.push(`metadata ${shownName(name)} is called ${shownName(own)} there`);
      entries.set(own, userMetadata[name] ?? '');
    }
  }
  for (const [name, value] of entries) {
    if (!/^\s|\s$|[^\P{Cc}]/u.test(value)) continue;
    const text = 'outer spaces or control characters, which no header can carry';
    notes.push(`metadata ${shownName(name)} has ${text}: it is encoded there`);
  }
  for (const name of underscoresMayChange ? entries.keys() : []) {
    const other = name.replaceAll('_', '-');
    if (other !== name)
      notes.push(`metadata ${shownName(name)} may be called ${shownName(other)} there`);
  }
  return { entries, notes };
}

/** A name as it appears in messages. */
export function shownName(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX)}…`;
}

/** What is too much of user metadata; undefined where nothing is. */
export function excessOf(
  userMetadata: Readonly<Record<string, string>>,
  limits: MetadataLimits,
): string | undefined {
  let all = 0;
  for (const [name, value] of Object.entries(userMetadata)) {
    const size = limits.sizeOf(name, value);
    const excess = excessOfEntry(name, size, limits);
    if (excess !== undefined) return `user metadata ${shownName(name)}: ${excess}`;
    all += size;
  }
  const excess = excessOfAll(all, limits);
  return excess === undefined ? undefined : `user metadata: ${excess}`;
}

function excessOfEntry(
  name: string,
  size: number,
  { nameMax, entryMax }: MetadataLimits,
): string | undefined {
  const length = Buffer.byteLength(name);
  if (length > nameMax) return `a name of ${length} bytes, where ${nameMax} are the most`;
  return size > entryMax ? `${size} bytes, where ${entryMax} are the most of one` : undefined;
}

function excessOfAll(size: number, { allMax }: MetadataLimits): string | undefined {
  return size > allMax ? `${size} bytes, where ${allMax} are the most of all` : undefined;
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

/** Encodes the file's name as RFC 6266 specifies; undefined if the value has other characters beyond ASCII. */
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
  dotted: (name) => name.replace(/[^a-z\d.-]/gi, '-'),
  word: (name) => name.replace(/[^\w-]/g, '-'),
};
