import { isDeepStrictEqual } from 'node:util';
import { type TOptional, type TSchema, type TUnsafe, Type } from 'typebox';
import { consistencyChecks } from '../../../platform/model/sync-task.ts';
import { type SnakeCase, snakeCase } from '../../../domain/record-fields.ts';
import { defaultChoices, TaskChoices } from '../../../domain/tasks/task-record.ts';
import { oneOf, orNull } from '../kit/common-schemas.ts';
import { nameFields } from '../kit/neutral-names.ts';

/*
 * The fields of a task that say how objects are copied, as clients send and get them: made from the schema of the
 * task's record. Here is only where OMS differs.
 */

type Choice = keyof TaskChoices;

/** Fields with a name of their own in the API; the others have that of their column. */
const ownNames = {
  metadataMigration: 'enable_metadata_migration',
  kms: 'enable_kms',
  restore: 'enable_restore',
  overwriteMode: 'object_overwrite_mode',
  storagePolicy: 'dst_storage_policy',
  sourcePrefix: 'src_prefix',
  targetPrefix: 'dst_prefix',
} as const satisfies Readonly<Partial<Record<Choice, string>>>;
type OwnNames = typeof ownNames;

/** The fields that OMS has, too, each always in a reply; the others are extensions. */
const ofOms = [
  'description',
  'metadataMigration',
  'kms',
  'restore',
  'overwriteMode',
  'storagePolicy',
  'appId',
  'consistencyCheck',
] as const satisfies readonly Choice[];
type OfOms = (typeof ofOms)[number];

type NameOf<Field extends Choice> = Field extends keyof OwnNames
  ? OwnNames[Field]
  : SnakeCase<Field>;

/** A value with the API's names in it. */
type Spelled<Value> = Value extends readonly (infer Item)[]
  ? Spelled<Item>[]
  : Value extends object
    ? { [Field in keyof Value & string as SnakeCase<Field>]: Spelled<Value[Field]> }
    : Value;

type Sent<Field extends Choice> =
  | Spelled<NonNullable<TaskChoices[Field]>>
  | (Field extends 'consistencyCheck' ? 'transmission' : never);

type Shown<Field extends Choice> = undefined extends TaskChoices[Field]
  ? Spelled<NonNullable<TaskChoices[Field]>> | null
  : Spelled<TaskChoices[Field]>;

type InBody = { [Field in Choice as NameOf<Field>]: TOptional<TUnsafe<Sent<Field>>> };
type InReply = { [Field in OfOms as NameOf<Field>]: TUnsafe<Shown<Field>> } & {
  [Field in Exclude<Choice, OfOms> as NameOf<Field>]: TOptional<TUnsafe<Shown<Field>>>;
};
type ChoicesInBody = { readonly [Field in Choice as NameOf<Field>]?: Sent<Field> };
type ChoicesInReply = { readonly [Field in OfOms as NameOf<Field>]: Shown<Field> } & {
  readonly [Field in Exclude<Choice, OfOms> as NameOf<Field>]?: Shown<Field>;
};

/** What of JSON Schema the record's schemas use. */
export interface Schema {
  readonly default?: unknown;
  readonly description?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[] | undefined;
}

const namesInApi: ReadonlyMap<string, string> = new Map(Object.entries(ownNames));
const alwaysThere = new Set<string>(TaskChoices.required);

// TypeBox's schemas are JSON Schema.
const choices = Object.entries(TaskChoices.properties as Record<string, Schema>).map(
  ([field, schema]) => ({
    field,
    name: namesInApi.get(field) ?? snakeCase(field),
    schema,
    isOfOms: ofOms.some((one) => one === field),
  }),
);

/** A schema with the API's names in it and in its description. */
export function spelled({ description, items, properties, required, ...rest }: Schema): Schema {
  return {
    ...rest,
    ...(description !== undefined && { description: nameFields(description) }),
    ...(items !== undefined && { items: spelled(items) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [snakeCase(name), spelled(inner)]),
      ),
    }),
    ...(required !== undefined && { required: required.map(snakeCase) }),
  };
}

function extension(schema: Schema, when = ''): Schema {
  return { ...schema, description: `Extension: ${when}${schema.description ?? ''}` };
}

const limits = new Set([
  'default',
  'pattern',
  'maxLength',
  'maxItems',
  'minimum',
  'maximum',
  'x-hint',
]);

/** A reply has no limits; they are for what is sent. */
function shown(schema: Schema): Schema {
  const rest = Object.entries(spelled(schema)).filter(([name]) => !limits.has(name));
  return Object.fromEntries(rest);
}

/** OMS's creation has no mode, only its replies. */
const notInOmsBody = 'overwriteMode';

function inBody(): Readonly<Record<string, TSchema>> {
  return Object.fromEntries(
    choices.map(({ field, name, schema, isOfOms }) => {
      const own = spelled(schema);
      const isExtension = !isOfOms || field === notInOmsBody;
      return [name, Type.Optional(Type.Unsafe(isExtension ? extension(own) : own))];
    }),
  );
}

function inReply(): Readonly<Record<string, TSchema>> {
  return Object.fromEntries(
    choices.map(({ field, name, schema, isOfOms }) => {
      const own = shown(schema);
      if (!isOfOms)
        return [name, Type.Optional(Type.Unsafe(extension(own, 'only where it was given. ')))];
      return [name, alwaysThere.has(field) ? Type.Unsafe(own) : orNull(Type.Unsafe(own))];
    }),
  );
}

/** Properties of the body of a creation. The types have the names and values that {@link inBody} makes. */
export const choicesInBody = {
  ...(inBody() as InBody),
  consistency_check: Type.Optional(
    oneOf([...consistencyChecks, 'transmission'], {
      default: 'size_last_modified',
      description: 'transmission is another name of no_check',
    }),
  ),
};

/** Properties of a reply. The types have the names and values that {@link inReply} makes. */
export const choicesInReply = inReply() as InReply;

/** What a creation chose, with the defaults for what it left out. */
export function readChoices(body: ChoicesInBody): TaskChoices {
  const sent = new Map<string, unknown>(Object.entries(body));
  if (sent.get('consistency_check') === 'transmission') sent.set('consistency_check', 'no_check');
  const read = choices.flatMap(({ field, name, schema }) =>
    sent.has(name) ? [[field, renamed(schema, sent.get(name), 'read')] as const] : [],
  );
  // The validator has compared the body with the schemas.
  return { ...defaultChoices, ...(Object.fromEntries(read) as Partial<TaskChoices>) };
}

/** The same as a reply shows it: an extension only where it differs from its default. */
export function showChoices(task: TaskChoices): ChoicesInReply {
  const values = new Map<string, unknown>(Object.entries(task));
  const fields = choices.flatMap(({ field, name, schema, isOfOms }) => {
    const value = values.get(field);
    if (!isOfOms && isDeepStrictEqual(value, schema.default)) return [];
    return [[name, value === undefined ? null : renamed(schema, value, 'show')]] as const;
  });
  // The names and types of the record's schema.
  return Object.fromEntries(fields) as ChoicesInReply;
}

/** A value of a schema of the record with the names of the other side. */
export function renamed(schema: Schema, value: unknown, way: 'read' | 'show'): unknown {
  const { items, properties } = schema;
  if (items !== undefined && Array.isArray(value)) {
    return value.map((item: unknown) => renamed(items, item, way));
  }
  if (properties === undefined || typeof value !== 'object' || value === null) return value;
  const inside = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, inner]) => {
      const [from, to] = way === 'read' ? [snakeCase(name), name] : [name, snakeCase(name)];
      return inside.has(from) ? [[to, renamed(inner, inside.get(from), way)]] : [];
    }),
  );
}
