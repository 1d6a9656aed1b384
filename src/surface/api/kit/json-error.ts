/** Where a text stops being JSON. Both count from 1, the column in UTF-16 units as editors do. */
export interface JsonErrorPlace {
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the first character that cannot be part of a JSON text, or the end of a text that ends too early. Node's own
 * messages quote what is around it, which may be a secret, and often have no position.
 *
 * @param text Not deeper than some hundred levels: every level is a call.
 * @returns Undefined where the text is JSON.
 */
export function jsonErrorIn(text: string): JsonErrorPlace | undefined {
  const reader = new JsonReader(text);
  if (reader.readsWhole()) return undefined;
  const before = text.slice(0, reader.at);
  const line = before.split('\n').length;
  return { line, column: reader.at - before.lastIndexOf('\n') };
}

const BLANK = /[ \t\n\r]*/y;
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class JsonReader {
  readonly #text: string;
  /** How far the text was JSON. */
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readsWhole(): boolean {
    return this.#value() && this.at === this.#text.length;
  }

  /** With the blanks around it. */
  #value(): boolean {
    this.#skip(BLANK);
    const isRead = this.#bare();
    if (isRead) this.#skip(BLANK);
    return isRead;
  }

  #bare(): boolean {
    const first = this.#text[this.at];
    if (first === '{') return this.#list('}', () => this.#member());
    if (first === '[') return this.#list(']', () => this.#value());
    return first === '"' ? this.#string() : this.#skip(LITERAL);
  }

  #list(end: string, item: () => boolean): boolean {
    this.at += 1;
    this.#skip(BLANK);
    if (this.#takes(end)) return true;
    do {
      if (!item()) return false;
    } while (this.#takes(','));
    return this.#takes(end);
  }

  #member(): boolean {
    this.#skip(BLANK);
    if (this.#text[this.at] !== '"' || !this.#string()) return false;
    this.#skip(BLANK);
    return this.#takes(':') && this.#value();
  }

  #string(): boolean {
    for (this.at += 1; this.at < this.#text.length; ) {
      const character = this.#text[this.at] ?? '';
      if (character === '"') {
        this.at += 1;
        return true;
      }
      if (character < ' ') return false;
      if (character !== '\\') this.at += 1;
      else if (!this.#skip(ESCAPE)) return false;
    }
    return false;
  }

  #takes(character: string): boolean {
    if (this.#text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.#text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }
}
