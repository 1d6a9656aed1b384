import { excessOf, type MetadataNames } from '../model/metadata.ts';
import type { ContentHeaderName } from '../model/object.ts';
import type { PutOptions, Traits } from './store.ts';
import { StoreError } from '../model/store-error.ts';

/** What can be done about metadata that the target does not take. */
export const STAY_BEHIND = 'without {metadata} they stay behind';

/**
 * Refuses options of a put that the store does not support, or that a header cannot carry: a line break
 * in a value would let its writer add a header. User metadata are encoded, and may be anything.
 *
 * @throws {StoreError} `unsupported` or `refused`.
 */
export function checkPutOptions(
  options: PutOptions,
  traits: Traits,
  about: { readonly store: string; readonly operation: string; readonly key: string },
): void {
  const lacking = lackOf(options, traits);
  if (lacking !== undefined)
    throw new StoreError('unsupported', { ...about, cloudMessage: lacking });
  const mistake = mistakeOf(options, traits);
  if (mistake !== undefined) throw new StoreError('refused', { ...about, cloudMessage: mistake });
}

function lackOf(
  { mode, kms, tier, contentHeaders }: PutOptions,
  traits: Traits,
): string | undefined {
  if (mode === 'create' && !traits.conditionalPut) return 'it has no puts that only create';
  if (kms === true && !traits.kms) {
    return traits.kmsNeedsTls
      ? 'it encrypts with keys of its key service by HTTPS only'
      : 'it does not encrypt with keys of a key service';
  }
  if (tier !== undefined && !traits.tiers.includes(tier)) return `it has no class for ${tier}`;
  for (const name in contentHeaders) {
    if (!traits.metadata.contentHeaders.includes(name as ContentHeaderName))
      return `it keeps no ${name}`;
  }
  return undefined;
}

const nameOf: Readonly<Record<MetadataNames, RegExp>> = {
  token: /^[\w!#$%&'*+.^`|~-]+$/,
  identifier: /^[a-z_]\w*$/i,
  hyphenated: /^[a-z\d-]+$/i,
  dotted: /^[a-z\d.-]+$/i,
  word: /^[\w-]+$/,
};

function mistakeOf(
  { contentType, contentHeaders, userMetadata }: PutOptions,
  { metadata }: Traits,
): string | undefined {
  for (const [name, value] of Object.entries({ ...contentHeaders, 'content-type': contentType })) {
    if (value === undefined) continue;
    if (/[\0-\x08\n-\x1f\x7f]/.test(value)) return `${name} with control characters`;
    if (metadata.contentHeaderValues === 'ascii' && /[^\t\x20-\x7e]/.test(value)) {
      return `${name} with characters beyond ASCII`;
    }
  }
  if (userMetadata === undefined) return undefined;
  for (const name in userMetadata) {
    if (!nameOf[metadata.names].test(name)) {
      return `user metadata cannot be named ${JSON.stringify(name)}`;
    }
  }
  const excess = metadata.limits && excessOf(userMetadata, metadata.limits);
  return excess && `${excess}; ${STAY_BEHIND}`;
}
