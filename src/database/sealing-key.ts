import type { Db } from './db.ts';

/**
 * Keeps the ID of the key that seals all credentials in this database: that of the first process to
 * ask, however many start at once.
 *
 * @param mayReplace Whether another key may take its place where there is no task: then nothing is
 *   sealed. Not while other processes may be at work.
 * @returns The ID that is kept.
 */
export async function keepSealingKey(
  db: Db,
  { keyId, mayReplace }: { readonly keyId: string; readonly mayReplace: boolean },
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into sealing_key (id) values ($1)
    on conflict (single) do update
    set id = case when $2 and not exists (select from sync_tasks) then excluded.id else sealing_key.id end
    returning id`,
    [keyId, mayReplace],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('no sealing key was kept');
  return row.id;
}
