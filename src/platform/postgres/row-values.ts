import pg from 'pg';

const { INT8, TIMESTAMPTZ } = pg.types.builtins;

/** A `bigint` as a number. @throws Where no number is exactly it. */
function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new Error(`${text} is not exact as a number`);
  return number;
}

// `pg` declares that its parsers return `any`; the one of this type returns these.
const toDate = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date | number;

/** `infinity` stays infinite. Fractions of a millisecond are cut off. */
function milliseconds(text: string): number {
  return Number(toDate(text));
}

const own = new Map<number, (text: string) => unknown>([
  [INT8, wholeNumber],
  [TIMESTAMPTZ, milliseconds],
]);

/** How the texts that PostgreSQL sends become values. */
export const rowTypes: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    // `pg` declares that its parsers return `any`.
    return own.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown);
  },
};

/** The row without the columns that are null. */
export function presentColumns(row: Record<string, unknown>): Record<string, unknown> {
  const present: Record<string, unknown> = {};
  for (const name of Object.keys(row)) if (row[name] !== null) present[name] = row[name];
  return present;
}
