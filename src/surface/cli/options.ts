import type { Command } from 'commander';
import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';

/** Gives the options of a command by a schema of them. */
export type ReadOptions = <Schema extends TSchema>(schema: Schema) => Static<Schema>;

/**
 * Reads options by a schema, since their types follow from texts like `--limit <number>`, which the compiler
 * does not read.
 *
 * @throws {TypeError} when the command declares another option, or gives it another type, than the schema says.
 */
export function readingOptions(command: Pick<Command, 'name' | 'opts'>): ReadOptions {
  return (schema) => {
    const given: unknown = command.opts();
    if (Check(schema, given)) return given;
    const [first] = Errors(schema, given);
    const where = `${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim();
    throw new TypeError(`the options of "${command.name()}" are not those of its schema: ${where}`);
  };
}
