/*
 * Names of objects are parts of primary keys, and an entry of such an index has 2,704 bytes at most. A longer name
 * (Azure has names of 1,024 characters, up to 3,072 bytes) is kept in another form that is shorter and leads back
 * to the name: its UTF-16, four bytes in five characters of ASCII.
 */

/** Bytes; room is left for what else an entry has: IDs and headers. */
const RAW_MAX = 2_500;
/** Begins every other form: no text contains it, and it sorts after all names. */
const MARK = '\u{10ffff}';
const FIRST = 33;
const DIGITS = 85;

/** The form in which a name is a part of an index. */
export function indexedKey(key: string): string {
  const fits = key.length * 3 <= RAW_MAX || Buffer.byteLength(key) <= RAW_MAX;
  return fits && !key.startsWith(MARK) ? key : `${MARK}${packed(Buffer.from(key, 'utf16le'))}`;
}

/** The name of an object that {@link indexedKey} has given this form. */
export function keyOfIndexed(indexed: string): string {
  if (!indexed.startsWith(MARK)) return indexed;
  return unpacked(indexed.slice(MARK.length)).toString('utf16le');
}

function packed(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const left = Math.min(bytes.length - at, 4);
    const word = Buffer.alloc(4);
    bytes.copy(word, 0, at, at + left);
    const digits: number[] = [];
    for (let value = word.readUInt32BE(), digit = 0; digit < 5; digit++) {
      digits.unshift(FIRST + (value % DIGITS));
      value = Math.floor(value / DIGITS);
    }
    text += String.fromCharCode(...digits.slice(0, left + 1));
  }
  return text;
}

function unpacked(text: string): Buffer {
  const words: Buffer[] = [];
  for (let at = 0; at < text.length; at += 5) {
    const digits = text.slice(at, at + 5);
    let value = 0;
    for (let digit = 0; digit < 5; digit++) {
      // The highest digits in place of those that were left out.
      const code = digit < digits.length ? digits.charCodeAt(digit) - FIRST : DIGITS - 1;
      value = value * DIGITS + code;
    }
    const word = Buffer.alloc(4);
    word.writeUInt32BE(value % 2 ** 32);
    words.push(word.subarray(0, digits.length - 1));
  }
  return Buffer.concat(words);
}
