import type { SealedKind } from '../sealed-kind.ts';
import type { Db } from '../../platform/postgres/db.ts';

/**
 * Keeps the ID of the key that seals all secrets in this database: that of the first process to
 * call this, however many start at once.
 *
 * @param mayReplace Whether another key may take its place where nothing is sealed. Not while other
 *   processes may be at work.
 * @returns The ID that is kept.
 */
export async function keepSealingKey(
  db: Db,
  { keyId, mayReplace }: { readonly keyId: string; readonly mayReplace: boolean },
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into sealing_key (id) values ($1)
    on conflict (single) do update
    set id = case when $2 and not exists (select from sync_tasks) and not exists (select from access_keys)
      then excluded.id else sealing_key.id end
    returning id`,
    [keyId, mayReplace],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('no sealing key was kept');
  return row.id;
}

/** Says that this key seals from now on. */
export async function replaceSealingKey(db: Db, keyId: string): Promise<void> {
  await db.query(
    `insert into sealing_key (id) values ($1) on conflict (single) do update set id = excluded.id`,
    [keyId],
  );
}

/** The statements for one kind of sealed values: where they lie. */
function sealedIn(table: string, column: string) {
  return {
    select: `select id::text as id, ${column} as sealed from ${table}
      where sealing_key_id <> all ($1) order by id limit $2`,
    replace: `update ${table} set ${column} = $3, sealing_key_id = $4
      where id::text = $1 and ${column} = $2`,
  };
}

/** Everything that is sealed, by what its row is called. */
const sealedSql = {
  'task': sealedIn('sync_tasks', 'sealed_credentials'),
  'access key': sealedIn('access_keys', 'sealed_secret'),
} satisfies Record<SealedKind, unknown>;

export interface SealedValue {
  readonly kind: SealedKind;
  readonly id: string;
  readonly sealed: Uint8Array;
}

/** What is sealed by none of these keys, up to `limit` of each kind. Tasks that are being deleted too. */
export async function sealedByOthers(
  db: Db,
  keyIds: readonly string[],
  limit: number,
): Promise<SealedValue[]> {
  const found: SealedValue[] = [];
  for (const kind of Object.keys(sealedSql) as SealedKind[]) {
    const { rows } = await db.query<{ id: string; sealed: Uint8Array }>(sealedSql[kind].select, [
      keyIds,
      limit,
    ]);
    found.push(...rows.map((row) => ({ kind, ...row })));
  }
  return found;
}

/** Puts a value in the place of another, unless that was replaced meanwhile. @returns Whether it did. */
export async function replaceSealed(
  db: Db,
  { kind, id, sealed }: SealedValue,
  by: { readonly sealed: Uint8Array; readonly keyId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(sealedSql[kind].replace, [id, sealed, by.sealed, by.keyId]);
  return rowCount > 0;
}
