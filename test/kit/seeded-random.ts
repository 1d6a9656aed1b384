/** Numbers in [0, 1) that a seed repeats: https://en.wikipedia.org/wiki/Xorshift */
export function randomFrom(seed: number): () => number {
  let state = seed === 0 ? 1 : seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Chance by a seed, in the shapes that fuzzing wants. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  /** Whether something happens that does so once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Any bytes. */
  bytes(lengthMax: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(lengthMax + 1) }, () => this.below(256)));
  }

  /** The same bytes, but for a few that are others, too many or missing. */
  damage(bytes: Uint8Array): Buffer {
    let damaged = Buffer.from(bytes);
    for (let times = 1 + this.below(3); times > 0; times--) {
      const at = this.below(damaged.length + 1);
      const rest = damaged.subarray(at);
      const inserted = this.once(2) ? this.bytes(4) : Buffer.from(this.pick(SIGNS));
      const kept = this.pick([
        rest,
        rest.subarray(1),
        rest.subarray(this.below(8)),
        Buffer.alloc(0),
      ]);
      damaged = Buffer.concat([damaged.subarray(0, at), inserted, kept]);
    }
    return damaged;
  }

  /** A text that parsers and databases do not expect. */
  text(): string {
    const text = this.pick(TEXTS);
    if (this.once(4)) return this.damage(Buffer.from(text)).toString('latin1');
    return this.once(6) ? text.repeat(this.below(300)) : text;
  }

  /** Any value of JSON, nested a little. */
  json(depth = 3): unknown {
    const kind = this.below(depth > 0 ? 9 : 6);
    if (kind < 3) return this.text();
    if (kind === 3) return this.pick(NUMBERS);
    if (kind === 4) return this.pick([null, true, false]);
    if (kind === 5) return this.below(1000) - 500;
    const length = this.below(4);
    if (kind < 8) return Array.from({ length }, () => this.json(depth - 1));
    const entries = Array.from({ length }, () => [this.text(), this.json(depth - 1)] as const);
    return Object.fromEntries(entries);
  }

  /** The same value with one place of it another. */
  mutate(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.once(8)) return this.json();
    const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) };
    const keys = Object.keys(copy);
    const key = keys[this.below(keys.length)];
    if (key === undefined || this.once(12)) copy[this.text()] = this.json();
    else if (this.once(8)) Reflect.deleteProperty(copy, key);
    else copy[key] = this.mutate(copy[key]);
    return Array.isArray(value) ? Object.values(copy) : copy;
  }
}

const SIGNS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '%',
  '\0',
  '\r\n',
  '=',
  ';',
  '/',
  ' ',
] as const;

const TEXTS = [
  '',
  ' ',
  'a',
  '0',
  'null',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u0007\u001b[2J',
  '\uffff',
  'é\u0301',
  '𝔘😀',
  "'; drop table users; --",
  '%s%n%d',
  '%',
  '%zz',
  '%00',
  '%ff%fe',
  '%c0%ae%c0%ae/',
  '%25%30%30',
  '+',
  '../../etc/passwd',
  '/',
  '//',
  '\\',
  '*',
  '__proto__',
  'constructor',
  'toString',
  '${7*7}',
  '<script>',
  '-1',
  '1e309',
  '00000000-0000-0000-0000-000000000000',
  'SYNCHRONIZING',
  'http://127.0.0.1',
  'http://[::1',
  '2024-13-99T99:99:99Z',
  'line\r\nSet-Cookie: a=b',
  'x'.repeat(1025),
  '\ufeff{}',
] as const;

const NUMBERS = [
  0,
  -0,
  -1,
  0.1,
  1e308,
  5e-324,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  -(2 ** 63) - 1,
  8.64e15,
  8.64e15 + 1,
] as const;
