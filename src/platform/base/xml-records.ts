import { readXml, unescapeXml, type XmlElement } from './xml.ts';

/** Elements of one name that stand directly in the root, and those of their children whose text counts. */
export interface RecordShape {
  readonly record: string;
  /** In the order in which most documents have them. */
  readonly fields: readonly string[];
}

export interface Records<T> {
  /** What remains of the document without its records. */
  readonly root: XmlElement;
  /** In the order of the document. */
  readonly records: readonly T[];
}

/** The fields of one record, by their places in {@link RecordShape.fields}. It is used again for the next record. */
export interface RecordFields {
  /** Undefined where the record has none. */
  text(field: number): string | undefined;
  /** NaN where the text is anything but digits. */
  integer(field: number): number;
  /** Parses a date in ISO 8601 format into milliseconds since the Unix epoch; NaN if it is not such a date. */
  time(field: number): number;
}

export type MakeRecord<T> = (fields: RecordFields) => T;

/**
 * Reads a document that consists mostly of records, such as a listing, without an element for each of its fields.
 *
 * It reads bytes, so that no text of the whole document comes to be: a field that is a part of such a text would keep
 * all of it, and a scan would promote megabytes with each collection of young garbage.
 *
 * It takes only what it knows to be well formed: records without attributes, comments or sections, that stand directly in
 * the root. Of any other document it says nothing, and the caller reads it with {@link readXml}, which decides what is wrong.
 *
 * @param source UTF-8; it is not kept, and may be used again.
 * @returns Undefined where the document is not that plain.
 * @throws {XmlError} if the rest, without the records, is not XML.
 *
 * @example
 * readRecords(Buffer.from('<List><Item><Name>a</Name></Item><More>false</More></List>'),
 *   { record: 'Item', fields: ['Name'] }, (fields) => fields.text(0))?.records // ['a']
 */
export function readRecords<T>(
  source: Buffer,
  shape: RecordShape,
  make: MakeRecord<T>,
): Records<T> | undefined {
  const open = `<${shape.record}>`;
  const first = source.indexOf(open);
  // Within a comment or a CDATA section, an element is not a record.
  if (first === -1 || source.includes(PLACE) || source.includes('<!')) return undefined;
  const reader = new RecordReader(source, shape, make);
  let rest = source.toString('utf8', 0, first);
  let runs = 0;
  for (let at = first; at !== -1; ) {
    const end = reader.readRun(at);
    if (end === undefined) return undefined;
    rest += `<${PLACE}/>`;
    runs += 1;
    at = source.indexOf(open, end);
    rest += source.toString('utf8', end, at === -1 ? undefined : at);
  }
  const root = readXml(rest);
  // Elements elsewhere than directly in the root are not records, and records in another notation would be left out.
  const places = root.children.filter(({ name }) => name === PLACE).length;
  if (places !== runs || root.child(shape.record) !== undefined) return undefined;
  return { root, records: reader.records };
}

/** The records of a document that has been read into elements: where one has a field twice, the first one counts. */
export function recordsOf<T>(
  root: XmlElement,
  { record, fields }: RecordShape,
  make: MakeRecord<T>,
): Records<T> {
  const found = root.all(record);
  return {
    root,
    records: found.map((element) => {
      const text = (field: number): string | undefined => element.textOf(fields[field] ?? '');
      return make({
        text,
        integer: (field) => integerOf(text(field)),
        time: (field) => Date.parse(text(field) ?? ''),
      });
    }),
  };
}

function integerOf(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** Stands for a run of records in what remains. */
const PLACE = 'records-were-here';

const LESS_THAN = 0x3c;
const SLASH = 0x2f;
const AMPERSAND = 0x26;
const QUOTE = 0x22;
const CARRIAGE_RETURN = 0x0d;
const LAST_ASCII = 0x7f;
const DEPTH_MAX = 8;
const QUOTED = Buffer.from('&quot;');
const leafName = /^<([A-Za-z][A-Za-z0-9]*)>/;
const NAME_MAX = 64;

class RecordReader<T> implements RecordFields {
  readonly records: T[] = [];
  readonly #source: Buffer;
  readonly #open: Buffer;
  readonly #close: Buffer;
  readonly #opens: readonly Buffer[];
  readonly #closes: readonly Buffer[];
  readonly #make: MakeRecord<T>;
  /** Where the text of each field begins; -1 where the record has none. */
  readonly #starts: number[];
  readonly #ends: number[];
  /** How many references its text has; -1 beyond ASCII. */
  readonly #references: number[];
  /** The last text of each field, and where it was: the class of most objects is that of the one before. */
  readonly #texts: string[];
  readonly #textStarts: number[];

  constructor(source: Buffer, { record, fields }: RecordShape, make: MakeRecord<T>) {
    this.#source = source;
    this.#open = Buffer.from(`<${record}>`);
    this.#close = Buffer.from(`</${record}>`);
    this.#opens = fields.map((field) => Buffer.from(`<${field}>`));
    this.#closes = fields.map((field) => Buffer.from(`</${field}>`));
    this.#make = make;
    this.#starts = fields.map(() => -1);
    this.#ends = fields.map(() => -1);
    this.#references = fields.map(() => 0);
    this.#texts = fields.map(() => '');
    this.#textStarts = fields.map(() => 0);
  }

  text(field: number): string | undefined {
    const source = this.#source;
    const start = this.#starts[field] ?? -1;
    const end = this.#ends[field] ?? -1;
    if (start === -1) return undefined;
    const references = this.#references[field] ?? 0;
    if (references < 0) return unescapeXml(source.toString('utf8', start, end));
    if (references > 0) return this.#resolved(start, end, references);
    const before = this.#texts[field] ?? '';
    const textStart = this.#textStarts[field] ?? 0;
    if (before.length === end - start && isSame(source, start, textStart, before.length)) {
      return before;
    }
    const text = source.toString('latin1', start, end);
    this.#texts[field] = text;
    this.#textStarts[field] = start;
    return text;
  }

  integer(field: number): number {
    const start = this.#starts[field] ?? -1;
    const end = this.#ends[field] ?? -1;
    return end > start ? digitsAt(this.#source, start, end) : Number.NaN;
  }

  time(field: number): number {
    const start = this.#starts[field] ?? -1;
    if (start === -1) return Number.NaN;
    const time = timeAt(this.#source, start, this.#ends[field] ?? -1);
    return time ?? Date.parse(this.text(field) ?? '');
  }

  /** Reads records that follow each other. @returns Where they end; undefined where one is not plain. */
  readRun(start: number): number | undefined {
    let at = start;
    while (isAt(this.#source, at, this.#open)) {
      const end = this.#readRecord(at + this.#open.length);
      if (end === undefined) return undefined;
      at = pastSpace(this.#source, end);
    }
    return at;
  }

  #readRecord(start: number): number | undefined {
    const source = this.#source;
    const opens = this.#opens;
    const close = this.#close;
    this.#starts.fill(-1);
    let expected = 0;
    for (let at = pastSpace(source, start); ; at = pastSpace(source, at)) {
      if (isAt(source, at, close)) {
        this.records.push(this.#make(this));
        return at + close.length;
      }
      let field = expected;
      if (!isAt(source, at, opens[field] ?? close)) {
        field = opens.findIndex((open) => isAt(source, at, open));
      }
      const end = field === -1 ? this.#skip(at, 0) : this.#readField(at, field);
      if (end === undefined) return undefined;
      at = end;
      if (field !== -1) expected = field + 1;
    }
  }

  #readField(at: number, field: number): number | undefined {
    const source = this.#source;
    const close = this.#closes[field] ?? this.#close;
    const start = at + close.length - 1;
    const end = this.#readText(start, field);
    if (!isAt(source, end, close) || this.#starts[field] !== -1) return undefined;
    const references = this.#references[field] ?? 0;
    this.#starts[field] = start;
    this.#ends[field] = end;
    // What a reader does not look at must be right too.
    if (references !== 0 && !this.#isQuoted(start, end, references)) {
      unescapeXml(source.toString('utf8', start, end));
    }
    return end + close.length;
  }

  /** Counts the references of a text. @returns Where it ends. */
  #readText(start: number, field: number): number {
    const source = this.#source;
    let references = 0;
    let isAscii = true;
    let at = start;
    for (let byte = source[at]; byte !== undefined && byte !== LESS_THAN; byte = source[at]) {
      if (byte === AMPERSAND) references += 1;
      else if (byte === CARRIAGE_RETURN || byte > LAST_ASCII) isAscii = false;
      at += 1;
    }
    this.#references[field] = isAscii ? references : -1;
    return at;
  }

  #resolved(start: number, end: number, references: number): string {
    return this.#isQuoted(start, end, references)
      ? betweenQuotes(this.#source, start + QUOTED.length - 1, end - QUOTED.length)
      : unescapeXml(this.#source.toString('latin1', start, end));
  }

  /** An ETag, as most stores write it: to resolve two references in each entry would take half of the time of a page. */
  #isQuoted(start: number, end: number, references: number): boolean {
    if (references !== 2 || end - start < 2 * QUOTED.length) return false;
    return isAt(this.#source, start, QUOTED) && isAt(this.#source, end - QUOTED.length, QUOTED);
  }

  /** Passes over an element whose text does not count. */
  #skip(at: number, depth: number): number | undefined {
    const source = this.#source;
    if (source[at] !== LESS_THAN) return undefined;
    const name = leafName.exec(source.toString('latin1', at, at + NAME_MAX))?.[1];
    if (name === undefined) return undefined;
    const close = Buffer.from(`</${name}>`);
    for (let inner = at + close.length - 1; ; ) {
      const next = source.indexOf(LESS_THAN, inner);
      if (next === -1) return undefined;
      unescapeXml(source.toString('utf8', inner, next));
      if (source[next + 1] === SLASH) {
        return isAt(source, next, close) ? next + close.length : undefined;
      }
      const end = depth < DEPTH_MAX ? this.#skip(next, depth + 1) : undefined;
      if (end === undefined) return undefined;
      inner = end;
    }
  }
}

/** What lies between two places, with a quotation mark at each. The bytes are as before when it returns. */
function betweenQuotes(source: Buffer, first: number, last: number): string {
  const [before, after] = [source[first] ?? 0, source[last] ?? 0];
  source[first] = QUOTE;
  source[last] = QUOTE;
  const text = source.toString('latin1', first, last + 1);
  source[first] = before;
  source[last] = after;
  return text;
}

function pastSpace(source: Buffer, start: number): number {
  let at = start;
  for (let byte = source[at]; byte === 0x0a || byte === 0x20 || byte === 0x09; byte = source[at]) {
    at += 1;
  }
  return at;
}

function isAt(source: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) {
    if (source[at + index] !== text[index]) return false;
  }
  return true;
}

/** Whether the same bytes are at two places. */
function isSame(source: Buffer, one: number, other: number, length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (source[one + index] !== source[other + index]) return false;
  }
  return true;
}

const ZERO = 0x30;

/** The number that is written there; NaN where it is anything but digits. */
function digitsAt(source: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = (source[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

const ANY = 0x3f;
const POINT = 0x2e;
const TIME_FORMS: ReadonlyMap<number, Buffer> = new Map(
  ['????-??-??T??:??:??Z', '????-??-??T??:??:??.???Z'].map((form) => [
    form.length,
    Buffer.from(form),
  ]),
);
/** No month has fewer days: what lies beyond is for `Date.parse` to judge, as is a year of fewer than four digits. */
const DAYS_MIN = 28;
const YEAR_MIN = 1000;

/** Of a date as nearly all stores write it, `2026-01-02T03:04:05.678Z`; undefined of any other. */
function timeAt(source: Buffer, start: number, end: number): number | undefined {
  const form = TIME_FORMS.get(end - start);
  if (form === undefined || !hasForm(source, start, form)) return undefined;
  const part = (from: number, to: number): number => digitsAt(source, start + from, start + to);
  const [year, month, day] = [part(0, 4), part(5, 7), part(8, 10)];
  const isDate = year >= YEAR_MIN && isWithin(month, 1, 12) && isWithin(day, 1, DAYS_MIN);
  const [hour, minute, second] = [part(11, 13), part(14, 16), part(17, 19)];
  const isTime = hour <= 23 && minute <= 59 && second <= 59;
  const millisecond = source[start + 19] === POINT ? part(20, 23) : 0;
  if (!isDate || !isTime || Number.isNaN(millisecond)) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function hasForm(source: Buffer, start: number, form: Buffer): boolean {
  for (let index = 0; index < form.length; index++) {
    if (form[index] !== ANY && source[start + index] !== form[index]) return false;
  }
  return true;
}
