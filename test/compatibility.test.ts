import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openApi } from './kit/api-in-memory.ts';

/*
 * docs/reference/compatibility.md has a row for every field of every operation of OMS, and for no other.
 * What the column "Here" says is made of the schemas; the rest is written by people:
 *
 *   UPDATE_DOCS=1 node --test test/compatibility.test.ts
 */

const page = join(import.meta.dirname, '../docs/reference/compatibility.md');
const update = process.env['UPDATE_DOCS'] === '1';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface Content {
  readonly content?: { readonly 'application/json'?: { readonly schema: Schema } };
}

interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** What the page says of one field. */
interface Row {
  readonly where: string;
  readonly field: string;
  readonly oms: string;
  readonly here: string;
  readonly difference: string;
}

type Field = Pick<Row, 'where' | 'field' | 'here'>;

/** The fields of each operation, by its name; those of refusals as `Errors`. */
function fieldsOf({ paths, components }: Document): Map<string, readonly Field[]> {
  const operations = Object.values(paths)
    .flatMap((path) => Object.values(path))
    .filter(
      ({ tags = [] }) => tags.includes('Synchronization tasks') || tags.includes('API versions'),
    );
  const all = new Map(operations.map((one) => [one.operationId, fieldsOfOperation(one)]));
  const { Problem } = components.schemas;
  assert.ok(Problem);
  return all.set('Errors', within(Problem, 'answer', ''));
}

function fieldsOfOperation(operation: Operation): Field[] {
  const order = ['path', 'query', 'header'];
  const parameters = (operation.parameters ?? []).toSorted(
    (one, other) => order.indexOf(one.in) - order.indexOf(other.in),
  );
  return [
    ...parameters.map(({ name, in: where, required, schema }) => ({
      ...{ where, field: name, here: needed(describeSchema(schema), required) },
    })),
    ...inBody(operation.requestBody, 'body'),
    ...inBody(operation.responses['200'], 'answer'),
  ];
}

function inBody(body: Content | undefined, where: string): Field[] {
  const schema = body?.content?.['application/json']?.schema;
  return schema === undefined ? [] : within(schema, where, '');
}

function within(schema: Schema, where: string, prefix: string): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const whole = `${prefix}${name}`;
    const words = describeSchema(field);
    // Of an answer, what need not be there is said; of a request, what must.
    const required = schema.required?.includes(name);
    const here =
      where === 'body'
        ? needed(words, required)
        : required === true
          ? words
          : `${words}, or absent`;
    return [{ where, field: whole, here }, ...inside(field, where, whole)];
  });
}

function inside(field: Schema, where: string, name: string): Field[] {
  if (field.items !== undefined) return within(field.items, where, `${name}[].`);
  return [field, ...(field.anyOf ?? [])].flatMap((one) => within(one, where, `${name}.`));
}

function needed(words: string, required: boolean | undefined): string {
  return required === true ? `${words}; needed` : words;
}

function describeSchema(schema: Schema): string {
  const { anyOf, enum: values, items } = schema;
  if (anyOf !== undefined) return anyOf.map(describeSchema).join(' or ');
  const fallback =
    schema.default === undefined ? '' : `; default ${JSON.stringify(schema.default)}`;
  if (values !== undefined) return `${wordsOf(values)}${fallback.replaceAll('"', '')}`;
  const type = [schema.type ?? []].flat().find((one) => one !== 'null') ?? 'null';
  if (items !== undefined) {
    const many = bounds(schema.minItems, schema.maxItems);
    return `array${many} of ${describeSchema(items)}${fallback}`;
  }
  const { minimum = schema.minLength, maximum = schema.maxLength } = schema;
  return `${type}${bounds(minimum, maximum)}${fallback}`;
}

function wordsOf(values: readonly unknown[]): string {
  const words = values.filter((value) => value !== null).map(String);
  const [first = '', last = ''] = [words[0], words.at(-1)];
  return words.length > 5 ? `${first} … ${last} (${words.length})` : words.join(', ');
}

function bounds(least: number | undefined, most: number | undefined): string {
  if (most !== undefined) return ` ${least ?? 0}..${most}`;
  return least === undefined ? '' : ` from ${least}`;
}

/** The tables of the page, by their headings. */
function rowsOf(text: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  let heading = '';
  for (const line of text.split('\n')) {
    heading = /^## (\S+)/.exec(line)?.[1] ?? heading;
    const cells = /^\| (path|query|body|answer) \|/.test(line)
      ? line.slice(1, -1).split(' |')
      : undefined;
    if (cells === undefined) continue;
    const [where = '', field = '', oms = '', here = '', difference = ''] = cells.map((cell) =>
      cell.trim(),
    );
    const row = { where, field: field.replaceAll('`', ''), oms, here, difference };
    tables.set(heading, [...(tables.get(heading) ?? []), row]);
  }
  return tables;
}

function lineOf({ where, field, oms, here, difference }: Row): string {
  return `| ${[where, `\`${field}\``, oms, here, difference].join(' | ')} |`.replace(/ +\|$/, ' |');
}

/** The page with the fields of today: what people wrote stays, what is new has empty cells. */
function rewritten(text: string, fields: ReadonlyMap<string, readonly Field[]>): string {
  const said = rowsOf(text);
  return text.replaceAll(/^## (\S+)[^]*?(?=^## |(?![^]))/gm, (section, name: string) => {
    const wanted = fields.get(name);
    if (wanted === undefined) return section;
    const lines = wanted.map((one) => {
      const row = said.get(name)?.find((old) => key(old) === key(one));
      return lineOf({ oms: '', difference: '', ...row, ...one });
    });
    const table = ['| In | Field | OMS | Here | What differs, and why |', '|---|---|---|---|---|'];
    return `${section.replaceAll(/^\|.*\n/gm, '').trimEnd()}\n\n${[...table, ...lines].join('\n')}\n\n`;
  });
}

function key({ where, field }: Field): string {
  return `${where} ${field}`;
}

describe('compatibility.md', () => {
  let fields: Map<string, readonly Field[]>;
  let text: string;
  before(async () => {
    await using api = await openApi();
    fields = fieldsOf((await api.app.inject('/openapi.json')).json<Document>());
    text = readFileSync(page, 'utf8');
    if (update) writeFileSync(page, (text = `${rewritten(text, fields).trimEnd()}\n`));
  });

  test('has a section for each operation of OMS that is here, and its list names no other', () => {
    const operations = [...fields.keys()].filter((name) => name !== 'Errors').sort();
    assert.equal(operations.length, 10);
    assert.deepEqual([...rowsOf(text).keys()].sort(), [...operations, 'Errors'].sort());
    const listed = Array.from(text.matchAll(/^\| `(\w+)` \| [^|]+ \| yes/gm), ([, name]) => name);
    assert.deepEqual(listed.sort(), operations);
  });

  test('has a row for every field of the schemas, with what they say, and for no other', () => {
    const rows = rowsOf(text);
    for (const [operation, wanted] of fields) {
      const said = (rows.get(operation) ?? []).map(({ where, field, here }) => ({
        ...{ where, field, here },
      }));
      assert.deepEqual(said, wanted, `${operation}: run this test with UPDATE_DOCS=1`);
    }
  });

  test('says of every field what OMS says', () => {
    for (const [operation, rows] of rowsOf(text)) {
      for (const row of rows) assert.notEqual(row.oms, '', `${operation}: ${key(row)}`);
    }
  });
});
