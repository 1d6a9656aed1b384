import { faultOfKey } from '../../platform/stores/keys.ts';

/** The database takes no other keys, nor does an event: any other key is reported, and delays nothing else. */
export function isKept({ key }: { readonly key: string }): boolean {
  return faultOfKey(key, 'characters') === undefined && !key.includes('\0');
}

/** What is said of a range with keys that are not kept; null where there are none. */
export function unreadableText([first]: readonly string[]): string | null {
  if (first === undefined) return null;
  const key = JSON.stringify(first.toWellFormed().slice(0, 200));
  return `there are keys that cannot be copied, such as ${key}`;
}
