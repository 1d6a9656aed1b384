import { type Static, Type } from 'typebox';
import { DIFFERENCES_MAX } from '../../../../domain/scan/differences-table.ts';
import { faults } from '../../../../platform/model/fault.ts';
import { CURSOR_CHARACTERS_MAX, oneOf, orNull, timestamp } from '../../kit/common-schemas.ts';

/* The report of a verification: an extension. */

export const DIFFERENCES_LIMIT_DEFAULT = 100;

const cursor = Type.Optional(
  Type.String({
    maxLength: CURSOR_CHARACTERS_MAX,
    description: 'next_cursor of the previous page',
  }),
);

export const ListDifferencesQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, default: DIFFERENCES_LIMIT_DEFAULT }),
  ),
  cursor,
});

export const ExportDifferencesQuery = Type.Object({
  format: Type.Optional(
    oneOf(['ndjson', 'csv'], {
      default: 'ndjson',
      description: 'A JSON object on each line, or comma-separated values with a line of names',
    }),
  ),
  cursor,
});

const side = (whose: string) => ({
  size: orNull(Type.Integer({ description: `Bytes at the ${whose}; null where it lacks the key` })),
  etag: orNull(Type.String({ description: `As the listing of the ${whose} has it` })),
  time: orNull(timestamp('Milliseconds; when it was modified last')),
  checksum: orNull(
    Type.String({ description: 'Kind and value; null where no checksums were compared' }),
  ),
});

const Difference = Type.Object({
  object_key: Type.String(),
  comparison: oneOf(['different', 'missing', 'extra', 'unreadable'], {
    description: 'missing: at the source only; extra: at the target only',
  }),
  reason: orNull(
    oneOf(['size', 'time', 'checksum', 'bytes', ...faults], {
      description:
        'The difference of the objects, or the fault if one is unreadable; ' +
        'null where one side lacks the key',
    }),
  ),
  source_size: side('source').size,
  source_etag: side('source').etag,
  source_time: side('source').time,
  source_checksum: side('source').checksum,
  target_size: side('target').size,
  target_etag: side('target').etag,
  target_time: side('target').time,
  target_checksum: side('target').checksum,
  message: orNull(Type.String({ description: 'Why an object is unreadable' })),
});

export const truncated = Type.Boolean({
  description: `Whether there are more differences than the ${DIFFERENCES_MAX} that a report has`,
});

export const ListDifferencesReply = Type.Object(
  {
    differences: Type.Array(Difference, { description: 'In the order of their keys' }),
    truncated,
    next_cursor: orNull(Type.String()),
  },
  { description: 'OK' },
);
export type ListDifferencesReply = Static<typeof ListDifferencesReply>;

/** With its content types, since it is no JSON document. */
export const DifferencesText = {
  description: 'The report, in the order of the keys',
  content: {
    'application/x-ndjson': { schema: Type.String() },
    'text/csv': { schema: Type.String() },
  },
};
