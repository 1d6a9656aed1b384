import { Type } from 'typebox';

/** What the schemas of records are made of: from them derive columns, rows and fields of the API. */

/** One of a closed list of words. */
export const oneOf = <Word extends string>(
  words: readonly Word[],
  options: { readonly description?: string; readonly default?: NoInfer<Word> } = {},
) => Type.Enum<Word[]>([...words], { type: 'string', ...options });

/** Milliseconds since the Unix epoch, up to the end of the year 9999. */
export const time = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 253_402_300_799_999, description });

/** As {@link snakeCase}, for types. */
export type SnakeCase<Name extends string> = Name extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `_${Lowercase<Letter>}`}${SnakeCase<Rest>}`
  : Name;

/** The name of a column, or of a field of the API: `checkMethod` is `check_method`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const sqlTypes: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'bigint',
  number: 'double precision',
  boolean: 'boolean',
  array: 'jsonb',
  object: 'jsonb',
};

/** The type that SQL has for the values of a schema. */
export function sqlType(schema: object): string {
  const type = 'type' in schema && typeof schema.type === 'string' ? schema.type : '';
  return sqlTypes[type] ?? 'text';
}
