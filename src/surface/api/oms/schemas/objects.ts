import { type Static, Type } from 'typebox';
import { checkMethods, copyProofs, listedOutcomes } from '../../../../platform/model/outcome.ts';
import { oneOf, orNull, timestamp } from '../../kit/common-schemas.ts';

export const OBJECTS_LIMIT_DEFAULT = 100;

const prefix = Type.Optional(
  Type.String({ maxLength: 1024, description: 'Only objects whose names begin so' }),
);

export const ListSyncTaskObjectsQuery = Type.Object({
  outcome: Type.Optional(
    oneOf(listedOutcomes, {
      description:
        'Absent: settled objects of any outcome. retrying: those that failed and come again',
    }),
  ),
  prefix,
  cursor: Type.Optional(
    Type.String({ maxLength: 2048, description: 'The next_cursor of the page before' }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: OBJECTS_LIMIT_DEFAULT })),
});

const ObjectRecord = Type.Object({
  object_key: Type.String(),
  outcome: oneOf(listedOutcomes),
  reason: orNull(
    Type.String({ description: 'Why it was skipped, failed or is retried; null for a copy' }),
  ),
  message: orNull(Type.String({ description: 'For people' })),
  size: orNull(Type.Integer({ description: 'Bytes; null where not known' })),
  check_method: orNull(oneOf(checkMethods)),
  check_passed: orNull(Type.Boolean()),
  check_detail: orNull(Type.String()),
  proof: orNull(
    oneOf(copyProofs, {
      description:
        'What the checksums prove. source_checksum: the target equals a checksum that the source has for the object. ' +
        'transport: the target holds the bytes that were read; no checksum of the source was compared. ' +
        'size: no checksum could be compared. null where nothing was copied',
    }),
  ),
  target_etag: orNull(
    Type.String({
      description: 'What the target had when the object was settled; null where not known',
    }),
  ),
  target_version_id: orNull(
    Type.String({ description: 'The same, where the target keeps versions and names them' }),
  ),
  crc64: orNull(
    Type.String({
      description:
        'Of its bytes, in decimal (ECMA-182, as OBS, OSS and COS tell it); null where not known',
    }),
  ),
  crc64nvme: orNull(
    Type.String({ description: 'CRC-64/NVME in Base64, as S3 tells it; null where not known' }),
  ),
  attempts: orNull(
    Type.Integer({ description: 'Counted from 1; null once old details were cleared' }),
  ),
  accept_time: timestamp('Milliseconds; when its event was accepted'),
  start_time: timestamp('Milliseconds; when the last attempt began'),
  settle_time: orNull(timestamp('Milliseconds; when it ended; null while it is retried')),
  due_time: orNull(timestamp('Milliseconds; when it is tried again; null once it is settled')),
});

export const ListSyncTaskObjectsReply = Type.Object(
  {
    objects: Type.Array(ObjectRecord, { description: 'In the order of their names' }),
    next_cursor: orNull(Type.String({ description: 'null on the last page' })),
  },
  { description: 'OK' },
);
export type ListSyncTaskObjectsReply = Static<typeof ListSyncTaskObjectsReply>;

export const RetryFailedBody = Type.Object({ prefix });

export const RetryFailedReply = Type.Object(
  {
    retried: Type.Integer({ description: 'How many objects became due again' }),
  },
  { description: 'OK' },
);
