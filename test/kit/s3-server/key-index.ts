/**
 * Orders keys as their UTF-8 bytes do.
 *
 * JavaScript compares UTF-16 units, which puts characters beyond U+FFFF (written as surrogates)
 * before U+E000 to U+FFFF; S3 lists them after.
 */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The first index whose key is greater than `key`, or not smaller when `inclusive`. */
export function indexAfter(keys: readonly string[], key: string, inclusive: boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareKeys(keys[middle] ?? '', key);
    if (order < 0 || (order === 0 && !inclusive)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sorted keys of a bucket. Adding is cheap; keys are sorted when they are read. */
export class KeyIndex {
  #sorted: string[] = [];
  #added: string[] = [];
  #removed = 0;

  add(key: string): void {
    this.#added.push(key);
  }

  remove(): void {
    this.#removed += 1;
  }

  /** Every key that `has` knows, and perhaps a few more that are gone: look before using one. */
  sorted(has: (key: string) => boolean): readonly string[] {
    if (this.#removed > 1000 && this.#removed > this.#sorted.length / 2) {
      this.#sorted = this.#sorted.filter(has);
      this.#removed = 0;
    }
    if (this.#added.length > 0) {
      this.#sorted = merge(this.#sorted, this.#added.sort(compareKeys));
      this.#added = [];
    }
    return this.#sorted;
  }
}

function merge(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    const takeLeft = right === undefined || (left !== undefined && compareKeys(left, right) <= 0);
    const key = takeLeft ? left : right;
    if (takeLeft) i += 1;
    else j += 1;
    if (key !== undefined && key !== merged.at(-1)) merged.push(key);
  }
  return merged;
}
