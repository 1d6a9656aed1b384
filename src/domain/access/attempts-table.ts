import { type Db, prepared } from '../../platform/postgres/db.ts';

/** A count that all processes share, until it ends. */
export interface Attempts {
  readonly count: number;
  readonly leftMs: number;
}

const COLUMNS = `count, extract(epoch from until - clock_timestamp())::float8 * 1000 as "leftMs"`;

const COUNT = prepared(`
  insert into attempts (digest, count, until)
  values ($1, 1, now() + $2::float8 * interval '1 millisecond')
  on conflict (digest) do update set
    count = case when attempts.until > now() then attempts.count + 1 else 1 end,
    until = case when attempts.until > now() and not $3::boolean then attempts.until else excluded.until end
  returning ${COLUMNS}`);

/**
 * Counts one more.
 *
 * @param window How long a count lasts, milliseconds: from its first attempt, or `extends` from its last one.
 */
export async function countAttempt(
  db: Db,
  digest: Uint8Array,
  window: { readonly forMs: number; readonly extends: boolean },
): Promise<Attempts> {
  const { rows } = await db.query<Attempts>(COUNT, [digest, window.forMs, window.extends]);
  return rows[0] ?? { count: 1, leftMs: window.forMs };
}

const FIND = prepared(`select ${COLUMNS} from attempts where digest = $1 and until > now()`);

export async function findAttempts(db: Db, digest: Uint8Array): Promise<Attempts | undefined> {
  const { rows } = await db.query<Attempts>(FIND, [digest]);
  return rows[0];
}

export async function forgetAttempts(db: Db, digest: Uint8Array): Promise<void> {
  await db.query('delete from attempts where digest = $1', [digest]);
}

export async function deleteEndedAttempts(db: Db): Promise<void> {
  await db.query('delete from attempts where until < now()');
}
