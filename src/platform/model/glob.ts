/** A pattern that is not a glob. `position` counts its characters from 1. */
export class GlobError extends Error {
  override readonly name = 'GlobError';
  readonly pattern: string;
  readonly position: number;

  constructor(pattern: string, position: number, problem: string, remedy?: string) {
    super(`${problem} at position ${position}${remedy === undefined ? '' : `; ${remedy}`}`);
    this.pattern = pattern;
    this.position = position;
  }
}

export const GLOB_LENGTH_MAX = 1_024;

/** A pattern for whole keys. */
export interface Glob {
  /** Every key that matches begins with this text. */
  readonly prefix: string;
  readonly matches: (key: string) => boolean;
}

/**
 * `star`: any characters but `/`, or none. `any`: any characters, or none. `one`: one character but `/`.
 * `directories`: nothing, or any characters up to and including a `/`.
 */
type Token =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'star' | 'any' | 'one' | 'directories' };

/** Characters that mean themselves only after a backslash. */
const special: ReadonlySet<string> = new Set(['*', '?', '\\', '[', '{']);
/** Those, and their counterparts, which need none and may have one. */
const escapable: ReadonlySet<string> = new Set([...special, ']', '}']);

/**
 * Compiles a glob. `*` stands for any characters but `/`, `?` for one of these, `**` for any characters, and
 * `**\/` at the beginning or after a `/` for any number of directories, also none. A backslash takes the meaning from
 * the character that follows. The pattern matches whole keys and distinguishes upper and lower case.
 *
 * @throws {GlobError} for a text that is not a glob. `[` and `{` have a meaning elsewhere, so they need a backslash.
 */
export function compileGlob(pattern: string): Glob {
  const tokens = parse(pattern);
  const wild = tokens.findIndex(({ kind }) => kind !== 'literal');
  const literals = wild === -1 ? tokens : tokens.slice(0, wild);
  const prefix = literals.map((token) => (token.kind === 'literal' ? token.char : '')).join('');
  if (wild === -1) return { prefix, matches: (key) => key === prefix };
  const automaton = new Automaton(tokens);
  return { prefix, matches: (key) => key.startsWith(prefix) && automaton.accepts(key) };
}

function parse(pattern: string): readonly Token[] {
  const chars = Array.from(pattern);
  if (chars.length === 0) throw new GlobError(pattern, 1, 'has no character');
  if (chars.length > GLOB_LENGTH_MAX) {
    throw new GlobError(
      pattern,
      GLOB_LENGTH_MAX + 1,
      `has more than ${GLOB_LENGTH_MAX} characters`,
    );
  }
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; ) {
    const { token, length } = tokenAt(pattern, chars, { at, previous: tokens.at(-1) });
    // `**/**/` means what `**/` means.
    if (token.kind !== 'directories' || tokens.at(-1)?.kind !== 'directories') tokens.push(token);
    at += length;
  }
  return tokens;
}

function tokenAt(
  pattern: string,
  chars: readonly string[],
  { at, previous }: { readonly at: number; readonly previous: Token | undefined },
): { readonly token: Token; readonly length: number } {
  const char = chars[at] ?? '';
  if (char === '*') return starsAt(pattern, chars, { at, previous });
  if (char === '?') return { token: { kind: 'one' }, length: 1 };
  if (char === '\\') {
    const next = chars[at + 1];
    if (next === undefined || !escapable.has(next)) {
      const problem = 'has a backslash that no special character follows';
      throw new GlobError(pattern, at + 1, problem, 'write "\\\\" for a backslash');
    }
    return { token: { kind: 'literal', char: next }, length: 2 };
  }
  if (special.has(char)) {
    const problem = `has "${char}", which these globs do not have,`;
    throw new GlobError(pattern, at + 1, problem, `write "\\${char}" for the character`);
  }
  return { token: { kind: 'literal', char }, length: 1 };
}

function starsAt(
  pattern: string,
  chars: readonly string[],
  { at, previous }: { readonly at: number; readonly previous: Token | undefined },
): { readonly token: Token; readonly length: number } {
  if (chars[at + 1] !== '*') return { token: { kind: 'star' }, length: 1 };
  if (chars[at + 2] === '*') {
    throw new GlobError(pattern, at + 3, 'has more than two "*" in a row');
  }
  const begins =
    previous === undefined ||
    previous.kind === 'directories' ||
    (previous.kind === 'literal' && previous.char === '/');
  if (begins && chars[at + 2] === '/') return { token: { kind: 'directories' }, length: 3 };
  return { token: { kind: 'any' }, length: 2 };
}

const WORD_BITS = 32;

/**
 * All places that a match may have come to are bits of one set, so that a key takes one pass: the time grows with
 * the length of the key times that of the pattern by 32, whatever both are.
 *
 * A place stands before the token that follows it; the last one is the end. `directories` has two: one to enter by,
 * which is left at once, and one that waits for a `/`.
 */
class Automaton {
  readonly #words: number;
  readonly #end: number;
  /** Places that a character, other than those of `#moves`, leads on from. */
  readonly #others: Uint32Array;
  /** The same of each character that the pattern has, and of `/`. */
  readonly #moves = new Map<string, Uint32Array>();
  /** Places that any character leaves as they are, and those that only a `/` does not. */
  readonly #stays: Uint32Array;
  readonly #staysAtSlash: Uint32Array;
  /** Places that may be passed without a character: the one after, or the two after. */
  readonly #passed: Uint32Array;
  readonly #passedByTwo: Uint32Array;
  readonly #start: Uint32Array;

  constructor(tokens: readonly Token[]) {
    this.#end = tokens.reduce((total, { kind }) => total + (kind === 'directories' ? 2 : 1), 0);
    this.#words = Math.floor(this.#end / WORD_BITS) + 1;
    this.#others = this.#set();
    this.#stays = this.#set();
    this.#staysAtSlash = this.#set();
    this.#passed = this.#set();
    this.#passedByTwo = this.#set();
    const slash = this.#set();
    this.#moves.set('/', slash);
    let place = 0;
    for (const token of tokens) {
      this.#place(token, place, slash);
      place += token.kind === 'directories' ? 2 : 1;
    }
    for (const [char, set] of this.#moves) {
      if (char !== '/')
        for (const [word, bits] of this.#others.entries()) set[word] = (set[word] ?? 0) | bits;
    }
    this.#start = this.#set();
    this.#start[0] = 1;
    this.#pass(this.#start);
  }

  accepts(key: string): boolean {
    let [now, next] = [Uint32Array.from(this.#start), this.#set()];
    for (const char of key) {
      const moves = this.#moves.get(char) ?? this.#others;
      const stays = char === '/' ? this.#staysAtSlash : this.#stays;
      if (!this.#step(now, next, { moves, stays })) return false;
      [now, next] = [next, now];
    }
    return isIn(now, this.#end);
  }

  #set(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#words);
  }

  #place(token: Token, place: number, slash: Uint32Array): void {
    switch (token.kind) {
      case 'literal': {
        const set = this.#moves.get(token.char) ?? this.#set();
        add(set, place);
        this.#moves.set(token.char, set);
        return;
      }
      case 'one':
        add(this.#others, place);
        return;
      case 'star':
        add(this.#stays, place);
        add(this.#passed, place);
        return;
      case 'any':
        add(this.#stays, place);
        add(this.#staysAtSlash, place);
        add(this.#passed, place);
        return;
      case 'directories':
        add(this.#passedByTwo, place);
        add(this.#stays, place + 1);
        add(this.#staysAtSlash, place + 1);
        add(slash, place + 1);
    }
  }

  /** @returns Whether any place is left. */
  #step(
    now: Uint32Array,
    next: Uint32Array,
    { moves, stays }: { readonly moves: Uint32Array; readonly stays: Uint32Array },
  ): boolean {
    let carry = 0;
    let left = 0;
    for (let word = 0; word < this.#words; word++) {
      const bits = now[word] ?? 0;
      const moved = bits & (moves[word] ?? 0);
      next[word] = (bits & (stays[word] ?? 0)) | (moved << 1) | carry;
      carry = moved >>> (WORD_BITS - 1);
      left |= next[word] ?? 0;
    }
    if (left === 0) return false;
    this.#pass(next);
    return true;
  }

  /**
   * Adds the places that are reached without a character. No place of one kind leads to another of its kind, and
   * none that may be passed alone leads to one that is passed by two: one round finds them all.
   */
  #pass(places: Uint32Array): void {
    let carry = 0;
    let carryOfOne = 0;
    for (let word = 0; word < this.#words; word++) {
      let bits = (places[word] ?? 0) | carry;
      const entered = bits & (this.#passedByTwo[word] ?? 0);
      bits |= (entered << 1) | (entered << 2);
      carry = (entered >>> (WORD_BITS - 1)) | (entered >>> (WORD_BITS - 2));
      bits |= carryOfOne;
      const passed = bits & (this.#passed[word] ?? 0);
      bits |= passed << 1;
      carryOfOne = passed >>> (WORD_BITS - 1);
      places[word] = bits;
    }
  }
}

function add(set: Uint32Array, place: number): void {
  const word = Math.floor(place / WORD_BITS);
  set[word] = (set[word] ?? 0) | (1 << (place % WORD_BITS));
}

function isIn(set: Uint32Array, place: number): boolean {
  return ((set[Math.floor(place / WORD_BITS)] ?? 0) & (1 << (place % WORD_BITS))) !== 0;
}
