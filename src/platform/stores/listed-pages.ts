import type { ObjectEntry } from '../model/object.ts';
import { compareKeys } from './keys.ts';

/** Whether a page has a key without the prefix; it would make us copy or delete what we must not. */
export function strangerIn(entries: readonly ObjectEntry[], prefix: string): string | undefined {
  const stranger = entries.find(({ key }) => !key.startsWith(prefix));
  return stranger && `a key without the requested prefix: ${stranger.key}`;
}

/**
 * Where a page breaks the order, which is that of the keys' UTF-8 bytes; undefined where it does not. Two
 * listings that are compared must be in order: a key out of order would count as missing.
 *
 * @param after The key that the page must begin behind.
 */
export function mistakeInOrder(
  entries: readonly ObjectEntry[],
  after: string | undefined,
): string | undefined {
  let before = after;
  for (const { key } of entries) {
    if (before !== undefined && compareKeys(before, key) >= 0) {
      return `keys out of order: ${before} before ${key}`;
    }
    before = key;
  }
  return undefined;
}

/**
 * Notices that tokens of pages lead in a circle, however long it is, and keeps one of them only
 * (Brent's algorithm).
 */
export class TokenTrail {
  #kept: string | undefined;
  #steps = 0;
  #stepsMax = 1;

  /** Whether the token may lead to pages that were not seen. */
  leadsOn(token: string): boolean {
    if (token === this.#kept) return false;
    this.#steps += 1;
    if (this.#kept === undefined || this.#steps >= this.#stepsMax) {
      this.#kept = token;
      this.#stepsMax *= 2;
      this.#steps = 0;
    }
    return true;
  }
}
