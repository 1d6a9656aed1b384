import type { Database } from './db.ts';

/**
 * With a fill factor of 10 % no second row of this length goes into a page: 500 bytes used leave less
 * than the 7,372 bytes that must stay free beside another 500.
 */
const PADDING = 'x'.repeat(500);

/**
 * Writes a row and removes it, in one durable transaction: about one KiB of log, and one new page.
 *
 * An update of one row would find a database that is read-only, but not a full disk: it reuses the
 * space of the row's last version. A lock is never waited for: only inserts and deletes come here,
 * which a backup does not hold up.
 *
 * @throws {DatabaseError} that says why nothing can be written.
 */
export async function checkWrites(database: Database, timeoutMs: number): Promise<void> {
  await database.transaction(
    async (db) => {
      const { rows } = await db.query<{ place: string }>(
        'insert into write_checks (padding) values ($1) returning ctid::text as place',
        [PADDING],
      );
      // By its place: a scan would free the pages of earlier turns, and the next row would go there.
      await db.query('delete from write_checks where ctid = $1::tid', [rows[0]?.place]);
    },
    { statementTimeoutMs: timeoutMs },
  );
}
