import { compareKeys, indexAfter } from './key-index.ts';

/** What a listing shows: a key, or a prefix that stands for all keys that begin with it. */
export type Item = { readonly prefix: string } | { readonly key: string };

/** What to walk: only keys with the prefix, rolled up at the delimiter, behind `after`. */
export interface Walk {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Empty for the beginning. */
  readonly after: string;
}

/**
 * Walks sorted keys; `shows` returns whether there is anything under a key. A rolled-up prefix is
 * an item like a key and comes only when it is greater than `after` itself.
 */
export function* walk(
  keys: readonly string[],
  { prefix, delimiter, after }: Walk,
  shows: (key: string) => boolean,
): Generator<Item> {
  const behind = compareKeys(after, prefix) >= 0 && after !== '';
  let at = behind ? indexAfter(keys, after, false) : indexAfter(keys, prefix, true);
  while (at < keys.length) {
    const key = keys[at] ?? '';
    if (!key.startsWith(prefix)) return;
    const rolled = rollUp(key, prefix, delimiter);
    if (rolled === undefined) {
      if (shows(key)) yield { key };
      at += 1;
      continue;
    }
    const end = endOfPrefix(keys, rolled, at);
    if (compareKeys(rolled, after) > 0 && anyShown(keys, at, end, shows)) yield { prefix: rolled };
    at = end;
  }
}

function rollUp(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const cut = key.indexOf(delimiter, prefix.length);
  return cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
}

/** The index behind the last key that begins with the prefix; `from` is one that does. */
function endOfPrefix(keys: readonly string[], prefix: string, from: number): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]?.startsWith(prefix) === true) low = middle + 1;
    else high = middle;
  }
  return low;
}

function anyShown(
  keys: readonly string[],
  from: number,
  end: number,
  shows: (key: string) => boolean,
): boolean {
  for (let at = from; at < end; at++) {
    if (shows(keys[at] ?? '')) return true;
  }
  return false;
}
