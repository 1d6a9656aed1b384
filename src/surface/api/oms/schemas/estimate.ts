import { type Static, Type } from 'typebox';
import { orNull } from '../../kit/common-schemas.ts';

/* What an estimate has counted: an extension. */

const count = (description: string) => Type.Integer({ minimum: 0, description });
const rate = (description: string) => Type.Number({ minimum: 0, description });

export const Estimate = Type.Object(
  {
    copy_objects: count('Objects that a backfill would copy'),
    copy_bytes: count('Their bytes'),
    look_objects: count('Objects that it would copy only if the checksums of both sides differ'),
    look_bytes: count('Their bytes'),
    skip_objects: count('Objects that it would not look at'),
    skip_bytes: count('Their bytes'),
    too_large_objects: count('Objects that the target cannot take'),
    size_classes: Type.Array(
      Type.Object({
        bytes_max: orNull(Type.Integer({ description: 'Of the largest; null: no limit' })),
        objects: count('Objects of the source'),
        bytes: count('Their bytes'),
      }),
      { description: 'By size, the smallest first' },
    ),
    list_requests: count('List requests of both sides together'),
    source_requests: Type.Object(
      { head: count('HEAD requests'), get: count('GET requests, of ranges too') },
      { description: 'Of copies that succeed at once' },
    ),
    target_requests: Type.Object(
      {
        head: count('HEAD requests'),
        put: count('PUT requests of whole objects'),
        create_upload: count('Uploads in parts that are begun'),
        upload_part: count('Parts'),
        complete_upload: count('Uploads in parts that are completed'),
      },
      { description: 'Of copies that succeed at once' },
    ),
    seconds: orNull(
      rate(
        'Time of the copies at the rate below; null where it is not known, and outside ShowScan',
      ),
    ),
    rate: orNull(
      Type.Object(
        { objects_per_second: rate('Copied objects'), bytes_per_second: rate('Their bytes') },
        { description: 'Of the busiest five minutes of this task in the last days' },
      ),
    ),
  },
  { description: 'What a backfill would do' },
);
export type Estimate = Static<typeof Estimate>;
