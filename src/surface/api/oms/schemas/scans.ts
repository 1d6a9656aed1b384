import { type Static, Type } from 'typebox';
import { scanKinds, scanStates } from '../../../../domain/scan/scan.ts';
import { choicesInBody } from '../task-choices.ts';
import { oneOf, orNull, TaskPath, timestamp } from '../../kit/common-schemas.ts';
import { truncated } from './differences.ts';
import { Estimate } from './estimate.ts';

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
      'backfill and reconcile copy the objects that are missing or different at the target; verify only reports them; ' +
      'estimate counts what a backfill would do',
  }),
  deep: Type.Optional(
    Type.Object(
      {
        share: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 1,
            description: 'Of all keys; 1: all of them',
          }),
        ),
        count: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 1_000_000_000,
            description:
              'About so many keys, by the number of objects that the last complete scan listed',
          }),
        ),
      },
      {
        description:
          'Of a verification: of which keys the bytes of both sides are read and compared. Either a share or a count; ' +
          'the keys follow from their names, so that equal shares read equal keys',
      },
    ),
  ),
});

const { copy_filters, missing_source } = choicesInBody;

/** What of a task may change. A filter without bounds removes the filters. */
export const ChangeSyncTaskBody = Type.Object({
  copy_filters,
  missing_source,
  reconcile_hours: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 8_760,
      description: 'Hours between scheduled reconciles; 0 for none',
    }),
  ),
});

export type ChangeSyncTaskBody = Static<typeof ChangeSyncTaskBody>;

const count = (description: string) => Type.Integer({ minimum: 0, description });

const Enqueueing = Type.Object(
  {
    state: oneOf(['running', 'paused', 'done'], { description: 'paused: the task is stopped' }),
    enqueued: count('Keys that were enqueued so far'),
    position: orNull(Type.String({ description: 'Differences up to this key are enqueued' })),
  },
  { description: 'Progress of enqueueing the report; null if it was not requested' },
);

const Verified = Type.Object(
  {
    equal_bytes: count('Equal keys whose bytes at both ends were read and compared'),
    equal_checksum: count('Equal keys with one checksum at both ends'),
    equal_recorded: count(
      'Equal keys with the ETags at both ends that the service recorded when a checksum proved its copy',
    ),
    equal_size_time: count('Equal keys of which only sizes and times could be compared'),
    unreadable: count('Keys of which an object could not be read; they are in the report'),
    head_requests: count('HEAD requests of both sides'),
    deep_share: orNull(
      Type.Number({ minimum: 0, maximum: 1, description: 'Of the keys whose bytes are read' }),
    ),
    deep_objects: count('Keys whose bytes were read at both ends'),
    deep_bytes: count('Bytes that were read, of both ends together'),
    truncated,
  },
  { description: 'What a verification has proven' },
);

export const Scan = Type.Object(
  {
    scan_id: Type.String(),
    kind: oneOf(scanKinds),
    state: oneOf(scanStates, {
      description:
        'paused: stopped, or its task is. incomplete: its counters are "at least". ' +
        'complete: every key of both buckets was listed, once',
    }),
    reason: orNull(Type.String({ description: 'Why the scan is incomplete' })),
    source_unordered: Type.Boolean({
      description:
        'Whether the source does not list in the order of keys, so that its complete listing was read first',
    }),
    target_unordered: Type.Boolean({ description: 'The same for the target' }),
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
    filtered: count('Missing or different objects that a copy filter of the task excludes'),
    enqueued: count('Objects that wait, or waited, to be copied because of this scan'),
    without_event: count('Of a reconcile: objects among these that no event had named'),
    oldest_without_event_time: orNull(
      timestamp('Milliseconds; when the oldest of them was modified at the source'),
    ),
    verified: orNull(Verified),
    estimate: orNull(Estimate),
    enqueueing: orNull(Enqueueing),
    pages: count('Answers to list requests of both sides'),
    pairs_per_second: orNull(
      Type.Number({
        minimum: 0,
        description: 'Keys compared, averaged since it began; null before',
      }),
    ),
    seconds_left: orNull(
      Type.Number({
        minimum: 0,
        description:
          'At that rate, if it has as many keys as the last complete scan of the task; null where that is not known',
      }),
    ),
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
        description: 'SHA-256 over both listings, in the order of the keys; complete scans only',
      }),
    ),
  },
  { description: 'OK' },
);
export type Scan = Static<typeof Scan>;

const listed = (of: string) => count(`Of ${of}, in this range`);

export const ScanCertificate = Type.Object(
  {
    scan: Scan,
    ranges: Type.Array(
      Type.Object({
        after: Type.String({
          description: 'Its keys are above this one; empty: from the first on',
        }),
        until: orNull(Type.String({ description: 'Up to this one, included; null: to the last' })),
        state: oneOf(['open', 'done', 'failed']),
        message: orNull(Type.String({ description: 'Why it is not done' })),
        pages: count('Answers to list requests of both sides'),
        source_objects: listed('the objects of the source'),
        source_bytes: listed('their bytes'),
        target_objects: listed('the objects of the target'),
        target_bytes: listed('their bytes'),
        equal: listed('the equal keys'),
        different: listed('the different keys'),
        missing: listed('the keys that the target lacks'),
        extra: listed('the keys that only the target has'),
        filtered: listed('the keys that copy filters exclude'),
        digest: Type.String({ description: 'SHA-256 in hexadecimal; empty before the first page' }),
      }),
      { description: 'In the order of their keys' },
    ),
  },
  { description: 'OK' },
);
export type ScanCertificate = Static<typeof ScanCertificate>;

export const ListScansReply = Type.Object(
  { scans: Type.Array(Scan, { description: 'Newest first' }) },
  { description: 'OK' },
);
