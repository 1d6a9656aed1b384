import { setImmediate } from 'node:timers/promises';
import { MiB } from '../../../platform/base/bytes.ts';
import type { BodyLimits } from './body-limits.ts';
import { RequestError } from './request-error.ts';

/** The deepest schema has 7 levels. */
export const DEPTH_MAX = 32;
type ValueLimits = Pick<BodyLimits, 'values' | 'hint'>;

/** Longer than any number or literal that JSON needs. */
const LITERAL_MAX = 64;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];

/** What a byte outside of strings means: part of a literal, or one of these. */
const [LITERAL, BLANK, STRING, SEPARATOR, OPENING, CLOSING] = [0, 1, 2, 3, 4, 5];
const kinds = new Uint8Array(256).fill(LITERAL).fill(BLANK, 0, 0x21);
kinds[QUOTE] = STRING;
kinds[COMMA] = SEPARATOR;
kinds[0x3a] = BLANK; // A colon ends a literal as well.
for (const opening of Buffer.from('[{')) kinds[opening] = OPENING;
for (const closing of Buffer.from(']}')) kinds[closing] = CLOSING;

/**
 * Bounds the depth and the number of values of a JSON text while its bytes arrive, before anything is
 * built from it: six million values need 12 MiB as text, and more than 2 GiB once they are parsed. It does
 * not check the syntax; the parser does.
 */
export class JsonScan {
  readonly #limits: ValueLimits;
  #depth = 0;
  #values = 1;
  #literal = 0;
  #inString = false;
  #escaped = false;

  constructor(limits: ValueLimits) {
    this.#limits = limits;
  }

  /** @throws {RequestError} as soon as the text has too much of something. */
  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.#inString ? this.#string(bytes, at) : this.#rest(bytes, at);
  }

  /** Skips a string; fields are copied to variables because this runs for every byte. */
  #string(bytes: Uint8Array, from: number): number {
    let at = from;
    let escaped = this.#escaped;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) break;
    }
    this.#escaped = escaped;
    this.#inString = at === bytes.length;
    return at + 1;
  }

  #rest(bytes: Uint8Array, from: number): number {
    let literal = this.#literal;
    let at = from;
    for (; at < bytes.length; at++) {
      const kind = kinds[bytes[at] ?? 0];
      if (kind === LITERAL) {
        literal += 1;
        if (literal > LITERAL_MAX) throw notJson();
      } else {
        literal = 0;
        if (kind === STRING) break;
        if (kind !== BLANK) this.#structure(kind);
      }
    }
    this.#literal = literal;
    this.#inString = at < bytes.length;
    return at + 1;
  }

  #structure(kind: number | undefined): void {
    if (kind === CLOSING) {
      this.#depth -= 1;
      return;
    }
    if (kind === OPENING) this.#depth += 1;
    this.#values += 1;
    if (this.#depth > DEPTH_MAX) throw tooComplex(`is nested deeper than ${DEPTH_MAX} levels`);
    const { values, hint } = this.#limits;
    if (this.#values > values) {
      const rule = `has more than ${values} fields and list items`;
      throw tooComplex(hint === undefined ? rule : `${rule}; ${hint}`);
    }
  }
}

/** Slices of a long text, between which others get a turn: a MiB takes some 2 ms. */
const SLICE_BYTES = MiB;

/** Checks a text that is there already. @throws {RequestError} as {@link JsonScan.add}. */
export async function scanWhole(bytes: Uint8Array, limits: ValueLimits): Promise<void> {
  const scan = new JsonScan(limits);
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    if (from > 0) await setImmediate();
    scan.add(bytes.subarray(from, from + SLICE_BYTES));
  }
}

function notJson(): RequestError {
  const what = `a number or word of more than ${LITERAL_MAX} characters`;
  return new RequestError('not-json', `the body is not valid JSON: it has ${what}`);
}

function tooComplex(rule: string): RequestError {
  return new RequestError('invalid-parameter', `request parameter [body] ${rule}`);
}
