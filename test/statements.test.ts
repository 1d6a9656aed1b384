import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, type FieldDef } from 'pg';
import { testDatabaseUrl } from './kit/postgres.ts';
import { describeStatement } from './kit/statements/describe-statement.ts';
import {
  type DeclaredColumn,
  findStatements,
  type Statement,
} from './kit/statements/find-statements.ts';

/** Every statement of the product is parsed by PostgreSQL, and returns what its row type declares. */

/** Their statements make the schema, or come from files. */
const driver = new Set(['src/platform/postgres/db.ts', 'src/platform/postgres/migrate.ts']);

const statements = await findStatements(driver);

/** What the driver makes of a type of PostgreSQL, by its name: see `row-values.ts`. */
const kinds: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int2: 'number',
  int4: 'number',
  int8: 'number',
  float4: 'number',
  float8: 'number',
  timestamptz: 'number',
  text: 'string',
  uuid: 'string',
  numeric: 'string',
  bytea: 'bytes',
  json: 'object',
  jsonb: 'object',
  _text: 'object',
};

interface Catalog {
  readonly types: ReadonlyMap<number, string>;
  /** `table.column`, by their numbers, of columns of tables that may be null. */
  readonly nullable: ReadonlySet<string>;
}

async function readCatalog(client: Client): Promise<Catalog> {
  const types = await client.query<{ oid: number; typname: string }>(
    'select oid, typname from pg_type',
  );
  const nullable = await client.query<{ column: string }>(
    `select attrelid || '.' || attnum as column from pg_attribute
    join pg_class on pg_class.oid = attrelid where relkind = 'r' and not attnotnull`,
  );
  return {
    types: new Map(types.rows.map(({ oid, typname }) => [oid, typname])),
    nullable: new Set(nullable.rows.map(({ column }) => column)),
  };
}

function columnProblem(
  { name, optional, kind }: DeclaredColumn,
  field: FieldDef | undefined,
  { types, nullable }: Catalog,
): string | undefined {
  if (field === undefined) return optional ? undefined : `"${name}" is declared and not returned`;
  const type = types.get(field.dataTypeID) ?? '?';
  if (kinds[type] !== kind) return `"${name}" is ${type}, and declared as ${kind}`;
  if (!optional && nullable.has(`${field.tableID}.${field.columnID}`)) {
    return `"${name}" can be null, and is not declared as optional`;
  }
  return undefined;
}

function problemsOf(
  { row, text }: Statement,
  fields: readonly FieldDef[],
  catalog: Catalog,
): string[] {
  if (row === undefined) return [];
  const returned = new Map(fields.map((field) => [field.name, field]));
  const declared = new Set(row.map(({ name }) => name));
  const problems = row.map((column) => columnProblem(column, returned.get(column.name), catalog));
  // A statement that returns whole rows returns the columns that later versions add, too.
  const more = /(?:select|returning) \*/.test(text) ? [] : [...returned.keys()];
  const unknown = more.filter((name) => !declared.has(name));
  return [
    ...problems.filter((problem) => problem !== undefined),
    ...unknown.map((name) => `"${name}" is returned and not declared`),
  ];
}

describe('the statements of the product', () => {
  let client: Client;
  let catalog: Catalog;
  before(async () => {
    client = new Client({ connectionString: (await testDatabaseUrl()).reveal() });
    await client.connect();
    catalog = await readCatalog(client);
  });
  after(() => client.end());

  test('are all found', () => {
    assert.ok(statements.length > 90, `${statements.length} statements`);
  });

  for (const statement of statements) {
    test(statement.place, async () => {
      const fields = await describeStatement(client, statement.text);
      assert.deepEqual(problemsOf(statement, fields, catalog), [], statement.text);
    });
  }
});
