import { type Static, Type } from 'typebox';
import { scanKinds, scanStates } from '../../../../domain/scan/scan.ts';
import { oneOf, orNull, TaskPath, timestamp } from '../../kit/common-schemas.ts';

/* Scans are an extension: OMS has none. */

export const SCANS_LIMIT_DEFAULT = 20;

export const ScanPath = Type.Object({
  ...TaskPath.properties,
  scan_id: Type.String({ minLength: 1, maxLength: 1024, description: 'The scan ID' }),
});

export const ListScansQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: SCANS_LIMIT_DEFAULT })),
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: 0,
      description: 'Index of the first record',
    }),
  ),
});

export const StartScanBody = Type.Object({
  kind: oneOf(scanKinds, {
    description:
      'backfill and reconcile copy what the target lacks or has otherwise; verify only reports it',
  }),
});

export const ChangeSyncTaskBody = Type.Object({
  reconcile_hours: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 8_760,
      description: 'Hours between the reconciles that begin by themselves; 0: none do',
    }),
  ),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const Scan = Type.Object(
  {
    scan_id: Type.String(),
    kind: oneOf(scanKinds),
    state: oneOf(scanStates, {
      description:
        'paused: stopped, or its task is. incomplete: its counters are "at least". ' +
        'complete: every key of both buckets was listed, once',
    }),
    reason: orNull(Type.String({ description: 'Why it is incomplete' })),
    source_unordered: Type.Boolean({
      description:
        'The source does not list in the order of keys: its listing was read whole first',
    }),
    target_unordered: Type.Boolean({ description: 'The same of the target' }),
    create_time: timestamp('Milliseconds'),
    start_time: orNull(timestamp('Milliseconds')),
    end_time: orNull(timestamp('Milliseconds')),
    source_objects: count('Objects listed at the source'),
    source_bytes: count('Their bytes'),
    target_objects: count('Objects listed at the target'),
    target_bytes: count('Their bytes'),
    equal: count('Objects that both have, and that need no look'),
    different: count('Objects that both have, and that need a look'),
    missing: count('Objects that the target lacks'),
    extra: count('Objects that only the target has; they stay'),
    enqueued: count('Objects that wait, or waited, to be copied because of this scan'),
    without_event: count('Of a reconcile: objects among these that no event had named'),
    oldest_without_event_time: orNull(
      timestamp('Milliseconds; when the oldest of them was modified at the source'),
    ),
    pages: count('Answers to list requests of both sides'),
    ranges_open: count('Ranges of keys that are not walked to their end'),
    ranges_done: count('Ranges of keys that are'),
    ranges_failed: count('Ranges of keys that could not be'),
    position: orNull(
      Type.String({
        description: 'Every key up to this one is compared; null at the beginning and at the end',
      }),
    ),
    digest: orNull(
      Type.String({
        description:
          'SHA-256 over all that was listed, in the order of the keys; of a complete scan only',
      }),
    ),
  },
  { description: 'OK' },
);
export type Scan = Static<typeof Scan>;

export const DIFFERENCES_LIMIT_DEFAULT = 100;

export const ListDifferencesQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, default: DIFFERENCES_LIMIT_DEFAULT }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 8192, description: 'The next_cursor of the page before' }),
  ),
});

const side = (whose: string) => ({
  size: orNull(Type.Integer({ description: `Bytes at the ${whose}; null where it lacks the key` })),
  etag: orNull(Type.String({ description: `As the listing of the ${whose} has it` })),
  time: orNull(timestamp('Milliseconds; when it was modified last')),
});

export const ListDifferencesReply = Type.Object(
  {
    differences: Type.Array(
      Type.Object({
        object_key: Type.String(),
        comparison: oneOf(['different', 'missing', 'extra'], {
          description: 'missing: at the source only; extra: at the target only',
        }),
        source_size: side('source').size,
        source_etag: side('source').etag,
        source_time: side('source').time,
        target_size: side('target').size,
        target_etag: side('target').etag,
        target_time: side('target').time,
      }),
      { description: 'In the order of their keys' },
    ),
    next_cursor: orNull(Type.String()),
  },
  { description: 'OK' },
);
export type ListDifferencesReply = Static<typeof ListDifferencesReply>;

export const EnqueueDifferencesReply = Type.Object(
  { enqueued: Type.Integer({ description: 'Keys that were made due' }) },
  { description: 'OK' },
);

export const ListScansReply = Type.Object(
  { scans: Type.Array(Scan, { description: 'The newest first' }) },
  { description: 'OK' },
);
