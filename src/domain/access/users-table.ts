import type { Db } from '../../platform/postgres/db.ts';

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly hasPassword: boolean;
  /** Names. */
  readonly groups: readonly string[];
  readonly createdAt: number;
}

const USER = `
  select id, name, enabled, password_hash is not null as "hasPassword", created_at as "createdAt",
    array(
      select groups.name from group_members join groups on groups.id = group_id
      where user_id = users.id order by 1
    ) as groups
  from users`;

/** @throws {DatabaseError} `duplicate` where the name is taken. */
export async function insertUser(
  db: Db,
  user: { readonly id: string; readonly name: string; readonly passwordHash: string | undefined },
): Promise<void> {
  await db.query(`insert into users (id, name, password_hash) values ($1, $2, $3)`, [
    user.id,
    user.name,
    user.passwordHash ?? null,
  ]);
}

export async function listUsers(db: Db): Promise<UserRow[]> {
  return (await db.query<UserRow>(`${USER} order by name`)).rows;
}

/** Finds a user by ID or name. An ID takes precedence over an equal name. */
export async function findUser(db: Db, nameOrId: string): Promise<UserRow | undefined> {
  const { rows } = await db.query<UserRow>(
    `${USER} where id = $1 or name = $1 order by id = $1 desc`,
    [nameOrId],
  );
  return rows[0];
}

/** Finds a user by its name only. */
export async function findUserNamed(
  db: Db,
  name: string,
): Promise<{ id: string; enabled: boolean } | undefined> {
  const { rows } = await db.query<{ id: string; enabled: boolean }>(
    `select id, enabled from users where name = $1`,
    [name],
  );
  return rows[0];
}

/** The password hash of an enabled user; absent where it has no password. */
export async function passwordHashOf(
  db: Db,
  name: string,
): Promise<{ readonly id: string; readonly hash?: string } | undefined> {
  const { rows } = await db.query<{ id: string; hash?: string }>(
    `select id, password_hash as hash from users where (id = $1 or name = $1) and enabled
     order by id = $1 desc`,
    [name],
  );
  return rows[0];
}

/** Changes the given fields, and ends the tokens of the user. */
export async function updateUser(
  db: Db,
  id: string,
  { enabled, passwordHash }: { readonly enabled?: boolean; readonly passwordHash?: string },
): Promise<void> {
  await db.query(
    `with changed as (
       update users set enabled = coalesce($2, enabled), password_hash = coalesce($3, password_hash)
       where id = $1
     )
     delete from tokens where user_id = $1`,
    [id, enabled ?? null, passwordHash ?? null],
  );
}

/** Deletes a user with its keys, tokens, grants and memberships. */
export async function deleteUser(db: Db, id: string): Promise<void> {
  await db.query(`delete from users where id = $1`, [id]);
}

export interface GroupRow {
  readonly id: string;
  readonly name: string;
  /** Names of users. */
  readonly members: readonly string[];
  readonly createdAt: number;
}

const GROUP = `
  select id, name, created_at as "createdAt",
    array(
      select users.name from group_members join users on users.id = user_id
      where group_id = groups.id order by 1
    ) as members
  from groups`;

/** @throws {DatabaseError} `duplicate` where the name is taken. */
export async function insertGroup(
  db: Db,
  group: { readonly id: string; readonly name: string },
): Promise<void> {
  await db.query(`insert into groups (id, name) values ($1, $2)`, [group.id, group.name]);
}

export async function listGroups(db: Db): Promise<GroupRow[]> {
  return (await db.query<GroupRow>(`${GROUP} order by name`)).rows;
}

/** As {@link findUser}. */
export async function findGroup(db: Db, nameOrId: string): Promise<GroupRow | undefined> {
  const { rows } = await db.query<GroupRow>(
    `${GROUP} where id = $1 or name = $1 order by id = $1 desc`,
    [nameOrId],
  );
  return rows[0];
}

export async function deleteGroup(db: Db, id: string): Promise<void> {
  await db.query(`delete from groups where id = $1`, [id]);
}

interface Membership {
  readonly groupId: string;
  readonly userId: string;
}

export async function insertMember(db: Db, { groupId, userId }: Membership): Promise<void> {
  await db.query(
    `insert into group_members (group_id, user_id) values ($1, $2) on conflict do nothing`,
    [groupId, userId],
  );
}

export async function deleteMember(db: Db, { groupId, userId }: Membership): Promise<void> {
  await db.query(`delete from group_members where group_id = $1 and user_id = $2`, [
    groupId,
    userId,
  ]);
}
