import { type Static, type TSchema, Type } from 'typebox';
import type { TaskBehaviour } from '../../platform/model/behaviour.ts';
import { type CloudType, cloudTypes } from '../../platform/model/cloud.ts';
import {
  type CdnAuthenticationType,
  cdnAuthenticationTypes,
  type CdnProtocol,
  cdnProtocols,
} from '../../platform/model/source-cdn.ts';
import { KEY_FILTERS_MAX } from '../../platform/model/key-scope.ts';
import {
  type StoragePolicy,
  storagePolicies,
  type StorageTier,
  storageTiers,
} from '../../platform/model/storage-class.ts';
import {
  type ConsistencyCheck,
  consistencyChecks,
  type MissingSource,
  missingSources,
  type OverwriteMode,
  overwriteModes,
  type SyncTaskStatus,
} from '../../platform/model/sync-task.ts';
import { oneOf, snakeCase, sqlType, time } from '../record-fields.ts';

/*
 * The record of a task, spelled once. The columns and types in the statements, the rows, the types below, and the
 * fields of the API derive from these schemas. Text in braces is a field that the API names as its clients know it.
 */

/** One end of a task, as the request named it. */
const BucketPlace = Type.Object({
  cloud: oneOf<CloudType>(cloudTypes),
  region: Type.String(),
  bucket: Type.String(),
  /** An address the request gave; absent where the operator's file or the cloud's own serves. */
  endpoint: Type.Optional(Type.String()),
});

/** Where the source's bytes are read, unless it is the bucket itself. */
const SourceCdn = Type.Object({
  domain: Type.String(),
  protocol: oneOf<CdnProtocol>(cdnProtocols),
  authenticationType: oneOf<CdnAuthenticationType>(cdnAuthenticationTypes),
});

const PATTERN_LENGTH_MAX = 1_024;

const patterns = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: PATTERN_LENGTH_MAX }), {
      maxItems: KEY_FILTERS_MAX,
      description,
    }),
  );

const keyPrefix = (description: string) =>
  Type.Optional(Type.String({ maxLength: PATTERN_LENGTH_MAX, description }));

const bytes = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }));

/** Which keys of the source a task is about. See `KeyScope`. */
const KeyFilters = Type.Object(
  {
    includePrefixes: patterns('Keys that begin with one of these are in scope'),
    includeGlobs: patterns('And those that match one of these; all, without any include'),
    excludePrefixes: patterns('But not those that begin with one of these'),
    excludeGlobs: patterns('Nor those that match one of these'),
  },
  {
    description:
      'The keys that the task is about; 100 prefixes and globs in all, and 16,384 characters of globs. They can never change',
  },
);

/** Which objects of these are copied, by what the source says of them. */
const CopyFilters = Type.Object(
  {
    minSize: bytes('Bytes, inclusive'),
    maxSize: bytes('Bytes, inclusive'),
    modifiedFrom: Type.Optional(time('Milliseconds, inclusive')),
    modifiedTo: Type.Optional(time('Milliseconds, inclusive')),
    storageClasses: Type.Optional(
      Type.Array(oneOf<StorageTier>(storageTiers), { minItems: 1, maxItems: storageTiers.length }),
    ),
  },
  { description: 'Only objects are copied that the source shows to be so' },
);

/**
 * How objects are to be copied. A creation may leave out each of these: then it has its default, or, without one,
 * is absent. The API gives each the name of its column, unless `src/surface/api/oms/task-choices.ts` names it.
 */
export const TaskChoices = Type.Object({
  description: Type.String({
    'default': '',
    'maxLength': 255,
    'pattern': '^[^<>()"\'&]*$',
    'description': 'Without the characters < > ( ) " \' &',
    'x-hint': 'must not have any of the characters < > ( ) " \' &',
  }),
  metadataMigration: Type.Boolean({
    default: false,
    description: 'Whether user metadata is copied; Content-Type always is',
  }),
  kms: Type.Boolean({
    default: false,
    description: 'Whether the destination encrypts with the default key of its key service',
  }),
  restore: Type.Boolean({
    default: false,
    description: 'Whether archived objects of the source are restored and then copied',
  }),
  overwriteMode: oneOf<OverwriteMode>(overwriteModes, {
    default: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
    description: 'Whether an existing object of the destination is overwritten',
  }),
  storagePolicy: Type.Optional(
    oneOf<StoragePolicy>(storagePolicies, {
      description: 'By default the class that the bucket chooses (STANDARD in OMS)',
    }),
  ),
  appId: Type.Optional(
    Type.String({
      maxLength: 255,
      description:
        'Required if {source.cloud} is Tencent: the number at the end of its bucket name, unless the name contains it',
    }),
  ),
  consistencyCheck: oneOf<ConsistencyCheck>(consistencyChecks, {
    default: 'size_last_modified',
  }),
  keyFilters: Type.Optional(KeyFilters),
  sourcePrefix: keyPrefix('Only keys that begin so are in scope, and they lose it at the target'),
  targetPrefix: keyPrefix('What keys begin with at the target'),
  copyFilters: Type.Optional(CopyFilters),
  missingSource: oneOf<MissingSource>(missingSources, {
    default: 'fail',
    description: 'What becomes of an event for an object that the source does not have',
  }),
});

/** What a client decided when it created a task. */
export const TaskPlan = Type.Object({
  source: BucketPlace,
  target: BucketPlace,
  sourceCdn: Type.Optional(SourceCdn),
  ...TaskChoices.properties,
});

/** What every task has, whatever its kind. */
const Task = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  createdAt: time('Milliseconds'),
  lastStartedAt: time('Milliseconds'),
  ...TaskPlan.properties,
  /** How its stores were seen to behave; absent where they were not probed. */
  behaviour: Type.Optional(Type.Unsafe<TaskBehaviour>(Type.Object({}))),
});

/** What may be absent may be undefined, too. */
type Loose<Value> = {
  readonly [Field in keyof Value]: object extends Pick<Value, Field>
    ? Value[Field] | undefined
    : Value[Field];
};

/** A field that is an object with columns of its own. */
type Nested = 'source' | 'target' | 'sourceCdn';
const nested: ReadonlySet<string> = new Set<Nested>(['source', 'target', 'sourceCdn']);

export type BucketPlace = Loose<Static<typeof BucketPlace>>;
type Ends = { readonly [End in 'source' | 'target']: BucketPlace };
export type TaskChoices = Loose<Static<typeof TaskChoices>>;
export type TaskPlan = Ends & Loose<Omit<Static<typeof TaskPlan>, keyof Ends>>;
export type Task = Ends & Loose<Omit<Static<typeof Task>, keyof Ends>>;

/** What a client that chooses nothing gets. */
export const defaultChoices = Object.fromEntries(
  Object.entries(TaskChoices.properties).flatMap(([name, schema]) =>
    'default' in schema ? [[name, schema.default]] : [],
  ),
  // What has no default may be absent.
) as TaskChoices;

/** A task that runs until it is stopped. */
export type SyncTask = Task & { readonly status: SyncTaskStatus };

type Dotted<Field extends Nested, Value = NonNullable<Task[Field]>> = {
  readonly [Inner in keyof Value as Inner extends string
    ? `${Field}.${Inner}`
    : never]: Value[Inner];
};

/** What a statement that selects {@link taskSql} returns: a column for each field, `source.cloud` for nested ones. */
export type TaskRow = Omit<Task, Nested> &
  Dotted<'source'> &
  Dotted<'target'> &
  Partial<Dotted<'sourceCdn'>>;

interface Field {
  /** With a dot where it is nested. */
  readonly name: string;
  readonly column: string;
  readonly type: string;
}

const ownColumns: ReadonlyMap<string, string> = new Map([
  ['sourceCdn.authenticationType', 'source_cdn_authentication'],
]);

function fieldsOf(schemas: Readonly<Record<string, TSchema>>): Field[] {
  return Object.entries(schemas).flatMap(([name, schema]) => {
    if (!nested.has(name)) return { name, column: snakeCase(name), type: sqlType(schema) };
    // TypeBox's objects have their fields here.
    const { properties = {} } = schema as { readonly properties?: Record<string, TSchema> };
    return Object.entries(properties).map(([inner, type]) => {
      const whole = `${name}.${inner}`;
      const column = ownColumns.get(whole) ?? snakeCase(whole).replace('.', '_');
      return { name: whole, column, type: sqlType(type) };
    });
  });
}

const planFields = fieldsOf(TaskPlan.properties);

/** Pieces of the statements that read and write the fields. */
export const taskSql = {
  /** For a `select` from `tasks` or `sync_tasks`, or a `returning`. */
  selected: fieldsOf(Task.properties)
    .map(({ name, column }) => `${column} as "${name}"`)
    .join(', '),
  planColumns: planFields.map(({ column }) => column).join(', '),
  planValues: planFields.map(({ name }) => `"${name}"`).join(', '),
  /** For `json_to_record`, of what {@link planToRow} makes. */
  planTypes: planFields.map(({ name, type }) => `"${name}" ${type}`).join(', '),
};

/** A plan as one object of columns, `source.cloud` for nested ones; in JSON what is undefined is missing. */
export function planToRow(plan: TaskPlan): Readonly<Record<string, unknown>> {
  const outer = new Map<string, unknown>(Object.entries(plan));
  return Object.fromEntries(planFields.map(({ name }) => [name, valueAt(outer, name)]));
}

function valueAt(outer: ReadonlyMap<string, unknown>, name: string): unknown {
  const [field = '', inner] = name.split('.');
  const value = outer.get(field);
  if (inner === undefined || typeof value !== 'object' || value === null) return value;
  return new Map<string, unknown>(Object.entries(value)).get(inner);
}

/** The task of a row. Fields without a value are absent. */
export function toTask(row: TaskRow): Task {
  const task: Record<string, unknown> = {};
  const inside = new Map<string, Record<string, unknown>>();
  for (const [name, value] of Object.entries(row)) {
    const [field = '', inner] = name.split('.');
    if (inner === undefined) task[field] = value;
    else {
      const object = inside.get(field) ?? {};
      inside.set(field, Object.assign(object, { [inner]: value }));
      task[field] = object;
    }
  }
  // The fields of the row, by the names of the type.
  return task as Task;
}
