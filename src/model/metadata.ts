import type { ContentHeaderName, ContentHeaders, ObjectHead } from './object.ts';

/** What a store keeps beside the bytes. */
export interface MetadataTraits {
  /** What names of user metadata may be: any token of HTTP, or a letter or `_` with letters, digits and `_`. */
  readonly names: 'token' | 'identifier';
  /** The content headers that it keeps and gives back. */
  readonly contentHeaders: readonly ContentHeaderName[];
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
  { contentHeaders, userMetadata }: Pick<ObjectHead, 'contentHeaders' | 'userMetadata'>,
  traits: MetadataTraits,
): FittedMetadata {
  const notes: string[] = [];
  const kept: Partial<Record<ContentHeaderName, string>> = {};
  for (const [name, value] of Object.entries(contentHeaders) as [ContentHeaderName, string][]) {
    if (traits.contentHeaders.includes(name)) kept[name] = value;
    else notes.push(`${name} was left out, the target keeps none`);
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

function identifierOf(name: string): string {
  const safe = name.replace(/\W/g, '_');
  return /^\d/.test(safe) ? `_${safe}` : safe;
}
