import { S3Error } from './s3-error.ts';

const EMPTY: ReadonlyMap<string, string> = new Map();

/** @throws {S3Error} `InvalidURI` for broken escapes and for what is not UTF-8. */
export function decode(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.");
  }
}

/** The pairs of a query, in their order; a plus sign is a space. */
export function queryPairs(rawQuery: string): [name: string, value: string][] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const spaced = pair.replaceAll('+', ' ');
      const equals = spaced.indexOf('=');
      return equals < 0
        ? [decode(spaced), '']
        : [decode(spaced.slice(0, equals)), decode(spaced.slice(equals + 1))];
    });
}

export function parseQuery(rawQuery: string): ReadonlyMap<string, string> {
  return rawQuery === '' ? EMPTY : new Map(queryPairs(rawQuery));
}
