import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMigrations } from './migrate.ts';

/**
 * What a migration may do while processes of the version before it still run on the database; the
 * reasons are in ARCHITECTURE.md, "What a schema migration may do". A statement that matches none
 * of these forms is refused, so that a new kind of statement is decided here first.
 */

/** Migrations up to this one were made before anything was released, and before these rules. */
const EXEMPT = 5;

interface Statement {
  readonly text: string;
  /** In lower case, with single spaces. */
  readonly code: string;
  /** What the comment directly above it announces: `-- contracts 0007: the reason`. */
  readonly contracts: string | undefined;
}

/** Cuts at each `;` that ends a line outside a function's body. */
function statementsOf(sql: string): Statement[] {
  const bodies = sql.split('$$');
  const pieces = bodies.flatMap((piece, index) =>
    index % 2 === 0 ? piece.split(/;[ ]*$/m) : [''],
  );
  return pieces
    .map((text) => ({
      text,
      code: text.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ').trim().toLowerCase(),
      contracts: /^-- contracts (\d{4}): \S/m.exec(text)?.[1],
    }))
    .filter(({ code }) => code !== '');
}

function tablesMadeBy(statements: readonly Statement[]): Set<string> {
  const names = statements.map(({ code }) => /^create (?:unlogged )?table (\w+)/.exec(code)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

/**
 * Views that are locked before anything else. A query locks the view and then its table: a migration that
 * holds the table and waits for the view would be a deadlock.
 */
function viewsLockedBy(statements: readonly Statement[]): Set<string> {
  const [, name] = /^lock table (\w+) /.exec(statements[0]?.code ?? '') ?? [];
  return new Set(name === undefined ? [] : [name]);
}

/** Statements that neither rewrite a table, nor scan it under a lock, nor break an insert or a read. */
const additive: readonly RegExp[] = [
  /^create (?:unlogged )?table /,
  /^create sequence /,
  /^create view /,
  /^lock table \w+ in access exclusive mode$/,
  /^create function /,
  /^language \w+$/, // What follows the body of a function.
  /^alter table \w+ alter column \w+ set default /,
  /^alter table \w+ add constraint \w+ (?:check|foreign key) .* not valid$/,
  /^alter table \w+ validate constraint \w+$/,
  /^alter table \w+ (?:re)?set \(/,
];

/** Forms that end what an earlier migration began; only under `-- contracts NNNN: reason`. */
const contracting: readonly RegExp[] = [
  /^drop (?:table|sequence|function|index) /,
  /^alter table \w+ drop (?:column|constraint) /,
  /^alter table \w+ alter column \w+ (?:set not null|drop not null|drop default)$/,
];

/** `add column`, also several: nullable, or with a constant default, which rewrites nothing. */
function addsColumns(code: string): boolean {
  const [, list] = /^alter table \w+ (add column .*)$/.exec(code) ?? [];
  return (
    list !== undefined &&
    list.split(/, (?=add column)/).every((column) => {
      const constant = / default (?:'[^']*'|-?\d+|true|false|null|now\(\))(?: |$)/.test(column);
      const plain = !/ (?:unique|primary key|references|check|generated|default)\b/.test(column);
      return plain
        ? !column.includes(' not null')
        : constant && !/ (?:unique|check)\b/.test(column);
    })
  );
}

/** PostgreSQL itself sees to it that a view keeps its columns, and gets others only at its end. */
function replacesLockedView(code: string, locked: ReadonlySet<string>): boolean {
  const [, view] = /^create or replace view (\w+) /.exec(code) ?? [];
  return view !== undefined && locked.has(view);
}

function objection(
  { code, contracts }: Statement,
  context: {
    readonly number: number;
    readonly made: ReadonlySet<string>;
    readonly locked: ReadonlySet<string>;
    readonly outside: boolean;
  },
): string | undefined {
  if (context.outside) {
    const concurrent =
      /^(?:create (?:unique )?index concurrently \w+ on|drop index concurrently if exists) /;
    return concurrent.test(code) ? undefined : 'only indexes are made outside a transaction';
  }
  const [, table] =
    /^(?:create (?:unique )?index \w+ on|create trigger .*? on|alter table|insert into) (\w+)/.exec(
      code,
    ) ?? [];
  if (table !== undefined && context.made.has(table)) return undefined;
  if (replacesLockedView(code, context.locked)) return undefined;
  if (additive.some((form) => form.test(code)) || addsColumns(code)) return undefined;
  if (contracting.some((form) => form.test(code))) {
    const earlier = contracts !== undefined && Number(contracts) < context.number;
    return earlier ? undefined : 'name the migration that it completes: -- contracts NNNN: reason';
  }
  return 'not a form that is safe beside processes of the version before';
}

function objections(number: number, sql: string): string[] {
  const statements = statementsOf(sql);
  const context = {
    number,
    made: tablesMadeBy(statements),
    locked: viewsLockedBy(statements),
    outside: sql.startsWith('-- outside a transaction'),
  };
  return statements.flatMap((statement) => {
    const found = objection(statement, context);
    return found === undefined ? [] : [`${statement.text.trim()}: ${found}`];
  });
}

describe('the rules for migrations', () => {
  test('every migration keeps them', async () => {
    for (const { number, name, sql } of await readMigrations()) {
      if (number <= EXEMPT) continue;
      assert.deepEqual(objections(number, sql), [], `${number}-${name}`);
    }
  });

  for (const allowed of [
    'create view v as select size from objects;',
    'lock table v in access exclusive mode;\ncreate or replace view v as select size, digest from objects;',
    'create table a (n int not null unique);\ncreate index a_n on a (n);\ninsert into a values (1);',
    'alter table changes add column lane smallint not null default 0, add column origin text;',
    `create function f() returns trigger language plpgsql as $$\nbegin\n  return null;\nend $$;`,
    '-- outside a transaction\ndrop index concurrently if exists i;\ncreate index concurrently i on objects (size);',
    '-- contracts 0006: the version before reads the new column\nalter table objects drop column old;',
    'alter table objects add constraint c check (size >= 0) not valid;',
  ]) {
    test(`allow: ${allowed.replaceAll('\n', ' ')}`, () => {
      assert.deepEqual(objections(9, allowed), []);
    });
  }

  for (const refused of [
    'create index i on objects (size);',
    'create or replace view v as select size, digest from objects;',
    'alter table objects add column n int not null;',
    'alter table objects add column at timestamptz default clock_timestamp();',
    'alter table objects add column n int unique;',
    'alter table objects alter column size type numeric;',
    'alter table objects rename column size to bytes;',
    'alter table objects add check (size >= 0);',
    'alter table sync_tasks alter column kms drop default;',
    '-- contracts 0009: itself\nalter table objects drop column old;',
    'update objects set size = 0;',
    'vacuum full objects;',
    '-- outside a transaction\nalter table objects add column n int;',
  ]) {
    test(`refuse: ${refused.replaceAll('\n', ' ')}`, () => {
      assert.equal(objections(9, refused).length, 1);
    });
  }
});
