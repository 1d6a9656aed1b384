import type { Db } from './db.ts';

/** A signature is accepted up to 15 minutes before its date and after it; clocks may differ a little. */
const KEPT = `interval '1 hour'`;

export interface SignedCreation {
  readonly createdId: string;
  readonly ageMs: number;
}

const COLUMNS = `created_id as "createdId", extract(epoch from clock_timestamp() - created_at)::float8 * 1000 as "ageMs"`;

/** What an equal signed request has created before. */
export async function findSignedCreation(
  db: Db,
  digest: Uint8Array,
): Promise<SignedCreation | undefined> {
  const { rows } = await db.query<SignedCreation>(
    `select ${COLUMNS} from signed_creations where digest = $1`,
    [digest],
  );
  return rows[0];
}

/**
 * Stores what a signed request creates, in the transaction that creates it. Waits for another transaction
 * that has stored the same request and is still open.
 *
 * @returns What an equal request has created before, and then nothing is stored; undefined for the first.
 */
export async function insertSignedCreation(
  db: Db,
  digest: Uint8Array,
  createdId: string,
): Promise<SignedCreation | undefined> {
  // Without the update a row that is there would not be returned.
  const { rows } = await db.query<SignedCreation>(
    `insert into signed_creations (digest, created_id) values ($1, $2)
     on conflict (digest) do update set created_id = signed_creations.created_id
     returning ${COLUMNS}`,
    [digest, createdId],
  );
  return rows[0]?.createdId === createdId ? undefined : rows[0];
}

/** Removes those whose signature is not accepted any more. */
export async function deleteOldSignedCreations(db: Db): Promise<void> {
  await db.query(`delete from signed_creations where created_at < now() - ${KEPT}`);
}
