import type { Db } from '../../platform/postgres/db.ts';

export interface AccessKeyRow {
  readonly id: string;
  /** The name of its user. */
  readonly user: string;
  readonly enabled: boolean;
  readonly createdAt: number;
}

export interface SealedAccessKey {
  readonly id: string;
  readonly userId: string;
  readonly userName: string;
  readonly sealedSecret: Uint8Array;
  readonly sealingKeyId: string;
}

/** @throws {DatabaseError} `duplicate` where the ID is taken. */
export async function insertAccessKey(
  db: Db,
  key: Omit<SealedAccessKey, 'userName'>,
): Promise<void> {
  await db.query(
    `insert into access_keys (id, user_id, sealed_secret, sealing_key_id) values ($1, $2, $3, $4)`,
    [key.id, key.userId, key.sealedSecret, key.sealingKeyId],
  );
}

/** The key, where it and its user are enabled. */
export async function findAccessKey(db: Db, id: string): Promise<SealedAccessKey | undefined> {
  const { rows } = await db.query<SealedAccessKey>(
    `select access_keys.id, user_id as "userId", users.name as "userName",
       sealed_secret as "sealedSecret", sealing_key_id as "sealingKeyId"
     from access_keys join users on users.id = user_id
     where access_keys.id = $1 and access_keys.enabled and users.enabled`,
    [id],
  );
  return rows[0];
}

export async function listAccessKeys(db: Db): Promise<AccessKeyRow[]> {
  const { rows } = await db.query<AccessKeyRow>(
    `select access_keys.id, users.name as user, access_keys.enabled, access_keys.created_at as "createdAt"
     from access_keys join users on users.id = user_id order by users.name, access_keys.id`,
  );
  return rows;
}

export async function enableAccessKey(db: Db, id: string, enabled: boolean): Promise<boolean> {
  const { rowCount } = await db.query(`update access_keys set enabled = $2 where id = $1`, [
    id,
    enabled,
  ]);
  return rowCount > 0;
}

export async function deleteAccessKey(db: Db, id: string): Promise<boolean> {
  return (await db.query(`delete from access_keys where id = $1`, [id])).rowCount > 0;
}
