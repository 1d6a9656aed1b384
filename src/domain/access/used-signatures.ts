import { type Db, prepared } from '../../platform/postgres/db.ts';

/** Remembers used signatures for as long as they are accepted. */
export interface UsedSignatures {
  /**
   * Whether a signed request may be carried out now: the first time, or so soon after it that the client itself
   * may have sent an equal request, because clients sign to the second.
   *
   * @param signedCall Identifies the request, 64 hexadecimal digits.
   */
  mayUse(signedCall: string, graceMs: number): Promise<boolean>;
}

// Without the update, an existing row would not be returned.
const USE = prepared(`
  insert into used_signatures (digest) values ($1)
  on conflict (digest) do update set used_at = used_signatures.used_at
  returning xmax::text = '0' as first, extract(epoch from clock_timestamp() - used_at)::float8 * 1000 as "ageMs"`);

/** Uses a table and the clock of the database, so that a signature is used once across processes and restarts. */
export class DatabaseUsedSignatures implements UsedSignatures {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async mayUse(signedCall: string, graceMs: number): Promise<boolean> {
    const digest = Buffer.from(signedCall, 'hex');
    const { rows } = await this.#db.query<{ first: boolean; ageMs: number }>(USE, [digest]);
    return rows.every(({ first, ageMs }) => first || ageMs < graceMs);
  }
}

/** Removes those whose signature is not accepted any more. */
export async function deleteOldUsedSignatures(db: Db): Promise<void> {
  await db.query(`delete from used_signatures where used_at < now() - interval '1 hour'`);
}
