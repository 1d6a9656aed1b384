import { type Static, Type } from 'typebox';
import {
  type CheckMethod,
  checkMethods,
  copyProofs,
  type CopyProof,
  type ListedOutcome,
  listedOutcomes,
} from '../../platform/model/outcome.ts';
import { oneOf, snakeCase, sqlType, time } from '../record-fields.ts';

/**
 * One row of the object list: how the last look at a key ended, or why it is retried. The columns of the
 * table, the rows of the statements, what a settlement writes and the fields of the API derive from
 * this. A field that is not known is absent.
 */
export const ObjectRecord = Type.Object({
  key: Type.String(),
  outcome: oneOf<ListedOutcome>(listedOutcomes),
  reason: Type.Optional(
    Type.String({
      description: 'Why the object was skipped, failed or is retried; null if it was copied',
    }),
  ),
  message: Type.Optional(Type.String({ description: 'For people: the cause and the remedy' })),
  size: Type.Optional(Type.Integer({ description: 'In bytes; null if not known' })),
  checkMethod: Type.Optional(oneOf<CheckMethod>(checkMethods)),
  checkPassed: Type.Optional(Type.Boolean()),
  checkDetail: Type.Optional(Type.String()),
  proof: Type.Optional(
    oneOf<CopyProof>(copyProofs, {
      description:
        'What the checksums prove. source_checksum: the target equals a checksum that the source has for the object. ' +
        'transport: the target holds the bytes that were read; no checksum of the source was compared. ' +
        'size: no checksum could be compared. null where nothing was copied',
    }),
  ),
  targetEtag: Type.Optional(
    Type.String({
      description: 'ETag of the target object when the object was settled; null if not known',
    }),
  ),
  targetVersion: Type.Optional(
    Type.String({ description: 'Its version, if the target reports versions' }),
  ),
  crc64: Type.Optional(
    Type.String({
      description:
        'CRC-64 of its bytes, in decimal (ECMA-182, as OBS, OSS and COS report it); null if not known',
    }),
  ),
  crc64nvme: Type.Optional(
    Type.String({ description: 'CRC-64/NVME in Base64, as S3 reports it; null if not known' }),
  ),
  attempts: Type.Optional(
    Type.Integer({ description: 'Counted from 1; null after old details were cleared' }),
  ),
  acceptedAt: time('Milliseconds; when its event was accepted'),
  startedAt: time('Milliseconds; when the last attempt began'),
  settledAt: Type.Optional(time('Milliseconds; when it ended; null while it is retried')),
  dueAt: Type.Optional(time('Milliseconds; when it is tried again; null once it is settled')),
});
export type ObjectRecord = Readonly<Static<typeof ObjectRecord>>;
export type RecordField = keyof ObjectRecord;

/** Fields that the database itself knows, or that the settlement treats in a way of their own. */
const special = [
  'key',
  'targetEtag',
  'targetVersion',
  'attempts',
  'acceptedAt',
  'startedAt',
  'settledAt',
  'dueAt',
] as const satisfies readonly RecordField[];
type Special = (typeof special)[number];

/** What a settlement writes as it was given. A new field belongs to these unless {@link special} names it. */
export type SettledFields = {
  readonly [Field in Exclude<RecordField, Special>]?: ObjectRecord[Field] | undefined;
};

interface Field {
  readonly name: string;
  readonly column: string;
  readonly type: string;
}

const fields: readonly Field[] = Object.entries(ObjectRecord.properties).map(([name, schema]) => ({
  name,
  column: name === 'key' ? 'object_key' : snakeCase(name),
  type: sqlType(schema),
}));

const isSpecial = (name: string): boolean => special.some((one) => one === name);
const settled = fields.filter(({ name }) => !isSpecial(name));

function list(each: (field: Field) => string): string {
  return settled.map(each).join(', ');
}

/** Pieces of the statements that read and write the fields. */
export const recordSql = {
  /** For a `select` from `objects`: every field but `dueAt`, which a settled key has not. */
  selected: fields
    .filter(({ name }) => name !== 'dueAt')
    .map(({ name, column }) => `${column} as "${name}"`)
    .join(', '),
  /** For `json_to_recordset`. */
  settledTypes: list(({ name, type }) => `"${name}" ${type}`),
  settledColumns: list(({ column }) => column),
  settledValues: list(({ name }) => `"${name}"`),
  /** For `on conflict do update set`. */
  settledReplaced: list(({ column }) => `${column} = excluded.${column}`),
};
