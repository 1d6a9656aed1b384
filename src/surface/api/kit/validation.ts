import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { Settings } from 'typebox/system';
import { longListIn } from './list-bounds.ts';
import { RequestError } from './request-error.ts';

// Only the first error is reported; looking for more would cost time for every item of a list.
Settings.Set({ maxErrors: 1 });

type Properties = Readonly<Record<string, { readonly type?: unknown }>>;

/**
 * Checks requests against the schemas of the routes.
 *
 * Bodies are taken as they are: nothing is coerced; a `null` is an absent field, and so is no body
 * an empty object. Query strings have no types: whole numbers are read where the schema wants them,
 * an empty value is an absent one, unknown parameters are left out. Nowhere may a text have what no
 * database takes: a NUL or half a surrogate pair.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const { properties = {} } = schema as { readonly properties?: Properties };
  const read = httpPart === 'body' ? readBody : readText;
  return (sent: unknown) => {
    const long = longListIn(schema, sent);
    if (long !== undefined) {
      const rule = `must not have more than ${long.maxItems} items`;
      return { error: invalid(nameOf(long.path), rule) };
    }
    const repeated = httpPart === 'body' ? undefined : repeatedParameter(sent, properties);
    if (repeated !== undefined) return { error: repeated };
    const value = read(sent, properties);
    const broken = brokenText(value, properties);
    if (broken !== undefined) return { error: broken };
    if (validator.Check(value)) return { value };
    return { error: describe(validator.Errors(value)[0], schema) };
  };
};

/** No schema is as deep; what lies deeper stays as it is. */
const DEPTH_MAX = 32;

function readBody(sent: unknown): unknown {
  return sent === null ? {} : withoutNulls(sent, DEPTH_MAX);
}

/** @param depth How many levels below this one are read too. */
function withoutNulls(value: unknown, depth: number): unknown {
  if (depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth - 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNulls(field, depth - 1)]),
  );
}

function readText(sent: unknown, properties: Properties): unknown {
  const given = isRecord(sent) ? sent : {};
  return Object.fromEntries(
    Object.entries(properties)
      .map(([name, { type }]) => [name, readValue(given[name], type)] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
}

/** A number with too many digits stays a finite one, so that a schema refuses it by its largest or smallest value. */
function readValue(text: unknown, type: unknown): unknown {
  const whole = type === 'integer' && typeof text === 'string' && /^-?\d+$/.test(text);
  if (!whole) return text;
  return Math.max(-Number.MAX_VALUE, Math.min(Number(text), Number.MAX_VALUE));
}

/** A query string has a known parameter more than once, so that it is unclear which of the values counts. */
function repeatedParameter(sent: unknown, properties: Properties): RequestError | undefined {
  const given = isRecord(sent) ? sent : {};
  for (const name of Object.keys(properties)) {
    const values = given[name];
    if (!Array.isArray(values)) continue;
    const times = values.length === 2 ? 'twice' : `${values.length} times`;
    return invalid(name, `is given ${times}; send it once`);
  }
  return undefined;
}

function brokenText(value: unknown, properties: Properties): RequestError | undefined {
  if (!isRecord(value)) return undefined;
  for (const name of Object.keys(properties)) {
    const field = value[name];
    if (typeof field === 'string' && isBroken(field)) return brokenField(name);
    // A text of its own within an object is judged by its reader, which knows more of it.
    const lists = isRecord(field) ? Object.entries(field) : [];
    const broken = lists.find(([, list]) => Array.isArray(list) && list.some(isBrokenItem));
    if (broken !== undefined) return brokenField(`${name}.${broken[0]}`);
  }
  return undefined;
}

function isBrokenItem(item: unknown): boolean {
  return typeof item === 'string' && isBroken(item);
}

function brokenField(name: string): RequestError {
  return invalid(name, 'has a NUL character or half a surrogate pair');
}

/** Whether a text has characters that PostgreSQL cannot store. */
function isBroken(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}

/** @throws {RequestError} for a path parameter that PostgreSQL cannot store; call it before a query with one. */
export function refuseBroken(params: Readonly<Record<string, string | undefined>>): void {
  const broken = Object.entries(params).find(([, text]) => text !== undefined && isBroken(text));
  if (broken !== undefined) throw brokenField(broken[0]);
}

function describe(error: TLocalizedValidationError | undefined, schema: TSchema): RequestError {
  if (error === undefined) return invalid('body', 'is invalid');
  const parameter = nameOf(error.instancePath);
  if (error.keyword === 'required') {
    const inside = error.instancePath === '' ? '' : `${parameter}.`;
    return missingParameters(error.params.requiredProperties.map((name) => `${inside}${name}`));
  }
  if (error.keyword === 'type') {
    return new RequestError('wrong-type', says(parameter, `must be ${typeName(error.params)}`));
  }
  return ruleBroken(error, parameter, schema);
}

function ruleBroken(
  error: TLocalizedValidationError,
  parameter: string,
  schema: TSchema,
): RequestError {
  const { keyword } = error;
  const hint = hinted.has(keyword) ? hintAt(schema, error.schemaPath) : undefined;
  if (keyword === 'pattern' && parameter === 'description') {
    return new RequestError('forbidden-characters', says(parameter, hint ?? ruleOf(error)));
  }
  // A schema allows no value for this field. The caller chose its name, so only its beginning is repeated.
  if (keyword === 'boolean') return invalid(parameter.slice(0, 100), ruleOf(error));
  if (keyword === 'not' && hint !== undefined) return invalid(parameter, hint);
  return invalid(parameter, hint === undefined ? ruleOf(error) : `${ruleOf(error)}: ${hint}`);
}

/** The rules that a hint explains. */
const hinted: ReadonlySet<string> = new Set(['enum', 'maximum', 'minimum', 'not', 'pattern']);

/** Completes the sentence "request parameter [x] …". */
function ruleOf(error: TLocalizedValidationError): string {
  const { keyword, message } = error;
  if (keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`;
  if (keyword === 'pattern') return `must match ${error.params.pattern.toString()}`;
  if (keyword === 'minimum') return `must be at least ${error.params.limit}`;
  if (keyword === 'maximum') return `must be at most ${error.params.limit}`;
  return keyword === 'boolean' ? 'is not known here' : message;
}

/** What the schema of a field adds to its rules in a refusal, where they do not say enough: its `x-hint`. */
function hintAt(schema: TSchema, schemaPath: string): string | undefined {
  let at: unknown = schema;
  for (const step of schemaPath.split('/').slice(1)) at = isRecord(at) ? at[step] : undefined;
  const hint = isRecord(at) ? at['x-hint'] : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

/** `object_keys[3]` for `/object_keys/3`; `body` for the whole. */
function nameOf(instancePath: string): string {
  const [, name = 'body', ...rest] = instancePath.split('/');
  return [name, ...rest.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))].join('');
}

function typeName({ type }: { readonly type: string | string[] }): string {
  const name = [type].flat().join(' or ');
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** A parameter breaks a rule. @param rule Completes the sentence "request parameter [x] …". */
export function invalid(parameter: string, rule: string): RequestError {
  return new RequestError('invalid-parameter', says(parameter, rule));
}

/** Required parameters are missing. */
export function missingParameters(parameters: readonly string[]): RequestError {
  const [first = 'body', ...others] = parameters;
  if (others.length === 0) return new RequestError('missing-parameter', says(first, 'is missing'));
  const named = parameters.map((parameter) => `[${parameter}]`).join(', ');
  return new RequestError('missing-parameter', `request parameters ${named} are missing`);
}

function says(parameter: string, rule: string): string {
  return `request parameter [${parameter}] ${rule}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
