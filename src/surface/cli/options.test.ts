import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { Type } from 'typebox';
import { readingOptions } from './options.ts';

function parsed(...args: string[]): Command {
  const command = new Command('list')
    .option('--limit <number>', 'how many', Number)
    .option('--all');
  return command.parse(args, { from: 'user' });
}

test('options have the types of their schema', () => {
  const schema = Type.Object({
    limit: Type.Optional(Type.Integer()),
    all: Type.Optional(Type.Boolean()),
  });
  assert.deepEqual(readingOptions(parsed('--limit', '5'))(schema), { limit: 5 });
  assert.deepEqual(readingOptions(parsed('--all'))(schema), { all: true });
});

test('a schema that is not that of the command is an error that names both', () => {
  const limitAsText = Type.Object({ limit: Type.String() });
  assert.throws(() => readingOptions(parsed('--limit', '5'))(limitAsText), {
    name: 'TypeError',
    message: /the options of "list" are not those of its schema: \/limit must be string/,
  });
  const other = Type.Object({ project: Type.String() });
  assert.throws(() => readingOptions(parsed())(other), /project/);
});
