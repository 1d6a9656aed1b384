import type { InjectOptions } from 'fastify';
import type { Chance } from './seeded-random.ts';

/** JSON Schema as in the OpenAPI document, with its references resolved. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly body: Schema | undefined;
  /** By status. No schema: the body is empty, or it is no JSON. */
  readonly replies: ReadonlyMap<number, Schema | undefined>;
}

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All operations of an OpenAPI document. */
export function operationsOf(document: Json): Operation[] {
  const whole = withoutReferences(document, document) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  };
  return Object.entries(whole.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, described]) => ({
      // The document has the names of methods in lower case.
      method: method.toUpperCase() as Operation['method'],
      path,
      parameters: described.parameters ?? [],
      body: described.requestBody?.content['application/json']?.schema,
      replies: new Map(
        Object.entries(described.responses).map(([status, { content }]) => [
          Number(status),
          content?.['application/json']?.schema,
        ]),
      ),
    })),
  );
}

interface DescribedOperation {
  readonly parameters?: Operation['parameters'];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

function withoutReferences(value: unknown, document: Json): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, document));
  if (!isJson(value)) return value;
  const { $ref: reference } = value;
  if (typeof reference === 'string') {
    const found = reference
      .split('/')
      .slice(1)
      .reduce<unknown>((at, name) => (isJson(at) ? at[name] : undefined), document);
    return withoutReferences(found, document);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withoutReferences(field, document)]),
  );
}

/** Values that answers had, by the name of their field, so that later requests name what is there. */
export class SeenValues {
  readonly #values = new Map<string, unknown[]>();

  add(name: string, value: unknown): void {
    const values = this.#values.get(name) ?? [];
    // The first stays: what the test itself knows to be there.
    if (values.length >= 40) values.splice(1, 1);
    values.push(value);
    this.#values.set(name, values);
  }

  addAll(body: unknown): void {
    if (Array.isArray(body)) for (const item of body.slice(0, 5)) this.addAll(item);
    if (!isJson(body)) return;
    for (const [name, value] of Object.entries(body)) {
      if (typeof value === 'string') this.add(name, value);
      else this.addAll(value);
    }
  }

  pick(chance: Chance, name: string): unknown {
    const [value, ...others] = this.#values.get(name) ?? [];
    return value === undefined || chance.once(2) ? value : chance.pick([value, ...others]);
  }
}

/** A value that a schema allows, as far as a generator can know. */
export function valueOf(schema: Schema, chance: Chance, seen: SeenValues, name = ''): unknown {
  const known = seen.pick(chance, name);
  const fits = typeof known === 'string' ? isText(schema) : known !== undefined;
  if (fits && !chance.once(4)) return known;
  const { anyOf, enum: words } = schema;
  if (words !== undefined) return words[chance.below(words.length)];
  if (anyOf?.[0] === undefined) return madeOf(schema, chance, seen, name);
  return valueOf(anyOf[chance.below(anyOf.length)] ?? anyOf[0], chance, seen, name);
}

function madeOf(schema: Schema, chance: Chance, seen: SeenValues, name: string): unknown {
  const types = [schema.type ?? 'string'].flat();
  const type = types[chance.below(types.length)];
  if (type === 'object') return objectOf(schema, chance, seen);
  if (type === 'array') return listOf(schema, chance, seen, name);
  if (type === 'integer' || type === 'number') return numberOf(schema, chance);
  if (type === 'boolean') return chance.once(2);
  return type === 'null' ? null : textOf(schema, chance);
}

function isText({ type, enum: words }: Schema): boolean {
  return words === undefined && [type].flat().includes('string');
}

function objectOf(schema: Schema, chance: Chance, seen: SeenValues): Json {
  const fields = Object.entries(schema.properties ?? {})
    .filter(([name]) => schema.required?.includes(name) === true || chance.once(3))
    .map(([name, field]) => [name, valueOf(field, chance, seen, name)] as const);
  return Object.fromEntries(fields);
}

function listOf(schema: Schema, chance: Chance, seen: SeenValues, name: string): unknown[] {
  const { minItems = 0, maxItems = 4, items = {} } = schema;
  const length = Math.min(maxItems, minItems + chance.below(4));
  return Array.from({ length }, () => valueOf(items, chance, seen, name));
}

function numberOf({ minimum = -1e9, maximum = 1e9 }: Schema, chance: Chance): number {
  const between = Math.floor(minimum + chance.below(1e9) * ((maximum - minimum) / 1e9));
  return chance.pick([minimum, maximum, Math.min(minimum + 1, maximum), between]);
}

const WORDS = ['a', 'some', 'x-1', '12', 'here', 'https://127.0.0.1', 'a.example.com'] as const;

function textOf({ minLength = 0, maxLength = 300, pattern }: Schema, chance: Chance): string {
  const fits = (text: string): boolean =>
    text.length >= minLength &&
    text.length <= maxLength &&
    (pattern === undefined || new RegExp(pattern, 'u').test(text));
  const long = 'a'.repeat(Math.min(maxLength, 1_024));
  const tries = [chance.text(), chance.pick(WORDS), 'a'.repeat(minLength), long, ...WORDS];
  const valid = tries.map((text) => text.replaceAll('\0', '').toWellFormed()).filter(fits);
  return valid[0] ?? chance.pick(WORDS);
}

interface Making {
  readonly chance: Chance;
  readonly seen: SeenValues;
  /** Whether it keeps to the schemas; else a part of it may be anything. */
  readonly valid: boolean;
}

/** A request to an operation. */
export function requestTo(operation: Operation, making: Making): InjectOptions {
  const { method, body: schema } = operation;
  const { url, headers } = headOf(operation, making);
  if (schema === undefined) return { method, url, headers };
  const { chance, seen, valid } = making;
  const sent = valueOf(schema, chance, seen);
  const body = valid || chance.once(3) ? sent : chance.mutate(sent);
  const json = { ...headers, 'content-type': 'application/json' };
  return { method, url, headers: json, payload: JSON.stringify(body) };
}

function headOf({ path, parameters }: Operation, { chance, seen, valid }: Making) {
  const odd = (value: unknown): unknown =>
    valid || !chance.once(4) ? value : chance.pick<unknown>([chance.text(), chance.json()]);
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let filled = path;
  for (const { name, in: where, required = false, schema } of parameters) {
    if (!required && chance.once(2)) continue;
    const value = odd(valueOf(schema, chance, seen, name));
    const text = (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
    if (where === 'path') filled = filled.replace(`{${name}}`, segment(text));
    else if (where === 'query') query.append(name, text);
    else headers[name] = text.replaceAll(/[^!-~]/g, '');
  }
  return { url: query.size === 0 ? filled : `${filled}?${query.toString()}`, headers };
}

/** A part of a path that stays one: neither empty nor a step, nor longer than any server takes. */
function segment(text: string): string {
  const part = text.slice(0, 1_500).toWellFormed();
  return ['', '.', '..'].includes(part) ? 'none' : encodeURIComponent(part);
}
