import { Type } from 'typebox';
import { ObjectRecord, type RecordField } from '../../../../domain/queue/object-record.ts';
import { type SnakeCase, snakeCase } from '../../../../domain/record-fields.ts';
import { listedOutcomes } from '../../../../platform/model/outcome.ts';
import { CURSOR_CHARACTERS_MAX, oneOf, orNull } from '../../kit/common-schemas.ts';

export const OBJECTS_LIMIT_DEFAULT = 100;

const prefix = Type.Optional(
  Type.String({ maxLength: 1024, description: 'Only objects whose keys begin with this prefix' }),
);

export const ListSyncTaskObjectsQuery = Type.Object({
  outcome: Type.Optional(
    oneOf(listedOutcomes, {
      description:
        'By default all settled objects. retrying: objects that failed and will be tried again',
    }),
  ),
  prefix,
  cursor: Type.Optional(
    Type.String({
      maxLength: CURSOR_CHARACTERS_MAX,
      description: 'next_cursor of the previous page',
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: OBJECTS_LIMIT_DEFAULT })),
});

/** Fields with a name of their own in the API; the others have that of their column. */
const ownNames = {
  key: 'object_key',
  targetVersion: 'target_version_id',
  acceptedAt: 'accept_time',
  startedAt: 'start_time',
  settledAt: 'settle_time',
  dueAt: 'due_time',
} as const satisfies Readonly<Partial<Record<RecordField, string>>>;
type OwnNames = typeof ownNames;
const namesInReply = new Map(Object.entries(ownNames));
const always = new Set<string>(ObjectRecord.required);

/** The fields of a record, in the order of the reply; what is not known is an explicit `null`. */
export const replyFields = Object.entries(ObjectRecord.properties).map(([name, schema]) => ({
  name,
  field: namesInReply.get(name) ?? snakeCase(name),
  schema: always.has(name) ? schema : orNull(schema),
}));

type NameInReply<Field extends RecordField> = Field extends keyof OwnNames
  ? OwnNames[Field]
  : SnakeCase<Field>;

/** A line of the object list as clients get it. */
export type ObjectInReply = {
  readonly [Field in RecordField as NameInReply<Field>]: undefined extends ObjectRecord[Field]
    ? NonNullable<ObjectRecord[Field]> | null
    : ObjectRecord[Field];
};

const ObjectInReply = Type.Object(
  Object.fromEntries(replyFields.map(({ field, schema }) => [field, schema])),
);
const ObjectsInReply = Type.Array(ObjectInReply, { description: 'In the order of their keys' });

export const ListSyncTaskObjectsReply = Type.Object(
  {
    objects: Type.Unsafe<ObjectInReply[]>(ObjectsInReply),
    next_cursor: orNull(Type.String({ description: 'null on the last page' })),
  },
  { description: 'OK' },
);

export const RetryFailedBody = Type.Object({
  prefix,
  include_retrying: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Whether objects that will be tried again later are tried at once as well',
    }),
  ),
});

export const RetryFailedReply = Type.Object(
  {
    retried: Type.Integer({ description: 'Number of objects that became due again' }),
  },
  { description: 'OK' },
);
