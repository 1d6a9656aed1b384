import { faultOfLength, KEY_MAX, type KeyUnit } from '../model/object-key.ts';

/** What is wrong with a key that no store of this kind can take; undefined for a good one. */
export function faultOfKey(key: string, unit: KeyUnit): string | undefined {
  if (key === '') return 'an empty key';
  if (faultOfLength(key, unit) !== undefined) {
    return `a key of more than ${KEY_MAX} ${unit}, which is the limit of this store`;
  }
  return key.isWellFormed() ? undefined : 'a key that is no Unicode text';
}

/**
 * Compares keys as stores order them, by their UTF-8 bytes; below, at or above zero.
 *
 * That is not JavaScript's order: UTF-16 puts the characters beyond U+FFFF before U+E000.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    if (left < 0xd800 || right < 0xd800) return left - right;
    return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Moves surrogates above the rest of the plane, where their code points belong. */
function rank(codeUnit: number): number {
  return codeUnit < 0xe000 ? codeUnit + 0x2000 : codeUnit - 0x800;
}
