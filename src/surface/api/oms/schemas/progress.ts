import { type Static, Type } from 'typebox';
import { COUNTED_MAX } from '../../../../domain/queue/progress.ts';
import { orNull, timestamp } from '../../kit/common-schemas.ts';
import { Scan } from './scans.ts';

/* An extension: OMS reports only the numbers of a month. */

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const ShowProgressReply = Type.Object(
  {
    sync_task_id: Type.String(),
    waiting_events: count('Objects that events named and that wait for their first attempt'),
    waiting_scans: count('Objects that scans found and that wait for their first attempt'),
    in_work: count('Objects in work now'),
    retrying: count('Objects whose last attempt failed and that are tried again'),
    next_retry_time: orNull(timestamp('Milliseconds: when the first of them is due')),
    rechecking: count('Objects whose copy is compared again after a lost claim'),
    exact: Type.Boolean({
      description: `false: more than ${COUNTED_MAX} objects wait, and the counts and the lag are minimums`,
    }),
    lag_seconds: Type.Number({
      minimum: 0,
      description: 'Age of the oldest object that waits or is being copied; 0 if there is none',
    }),
    rate_seconds: Type.Number({
      minimum: 0,
      description:
        'The period in seconds over which the rates are averaged: five to ten minutes at most',
    }),
    objects_per_second: Type.Number({
      minimum: 0,
      description: 'Objects that ended: copied, skipped or failed',
    }),
    bytes_per_second: Type.Number({ minimum: 0, description: 'Bytes that were copied' }),
    scan: Type.Union([Scan, Type.Null()], { description: 'The newest scan that has not ended' }),
    last_reconcile: Type.Union([Scan, Type.Null()], {
      description:
        'The newest reconcile, ended or not: its without_event says how many events were missing',
    }),
  },
  { description: 'OK' },
);
export type ShowProgressReply = Static<typeof ShowProgressReply>;
