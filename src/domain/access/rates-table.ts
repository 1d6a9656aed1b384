import { type Db, prepared } from '../../platform/postgres/db.ts';

export interface Grant {
  readonly granted: number;
  /** What is left for others, less than one where nothing is. */
  readonly leftOver: number;
}

const GRANT = prepared(`
  insert into rates (digest, granted, left_over, at)
  values ($1, least($3::float8, $2::float8), $2::float8 - least($3::float8, $2::float8), clock_timestamp())
  on conflict (digest) do update set at = clock_timestamp(), (granted, left_over) = (
    select least($3::float8, floor(available)), available - least($3::float8, floor(available))
    from (
      select least($2::float8, rates.left_over
        + greatest(0, extract(epoch from clock_timestamp() - rates.at)::float8) * $2::float8 / 60) as available
    ) refilled)
  returning granted, left_over as "leftOver"`);

/**
 * Takes up to so many of what all processes may do in a minute. What is taken comes back evenly within a minute.
 */
export async function takeOfRate(
  db: Db,
  digest: Uint8Array,
  { perMinute, wanted }: { readonly perMinute: number; readonly wanted: number },
): Promise<Grant> {
  const { rows } = await db.query<Grant>(GRANT, [digest, perMinute, wanted]);
  return rows[0] ?? { granted: 0, leftOver: 0 };
}

/** Removes rates that have been unused for so long that they are full again. */
export async function deleteUnusedRates(db: Db): Promise<void> {
  await db.query(`delete from rates where at < now() - interval '2 minutes'`);
}
