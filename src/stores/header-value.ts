import type { PutOptions } from './store.ts';

/**
 * Says which of the values that go into headers as they are cannot: a line break in one would
 * begin a header of somebody else's choice. User metadata are encoded, and may be anything.
 */
export function faultOfHeaders(options: PutOptions): string | undefined {
  const { contentType, contentHeaders, storageClass, userMetadata } = options;
  const values = { ...contentHeaders, 'content-type': contentType, 'storage class': storageClass };
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && /[\0-\x08\n-\x1f\x7f]/.test(value)) {
      return `${name} with control characters`;
    }
  }
  for (const name in userMetadata) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      return `user metadata cannot be named ${JSON.stringify(name)}`;
    }
  }
  return undefined;
}
