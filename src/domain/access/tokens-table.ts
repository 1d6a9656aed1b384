import type { Db } from '../../platform/postgres/db.ts';

/** Makes sure that a project exists. */
export async function insertProject(db: Db, projectId: string): Promise<void> {
  await db.query(`insert into projects (id) values ($1) on conflict do nothing`, [projectId]);
}

/** The project that was made first, if any. */
export async function firstProject(db: Db): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `select id from projects order by created_at, id limit 1`,
  );
  return rows[0]?.id;
}

/** Stores a token as its SHA-256. A token that is stored already stays as it is. */
export async function insertToken(
  db: Db,
  token: {
    readonly hash: Uint8Array;
    readonly projectId: string;
    /** Absent: a first token, which may do everything and does not end. */
    readonly userId?: string;
    readonly lifetimeMs?: number;
  },
): Promise<void> {
  await db.query(
    `insert into tokens (hash, project_id, user_id, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 millisecond') on conflict (hash) do nothing`,
    [token.hash, token.projectId, token.userId ?? null, token.lifetimeMs ?? null],
  );
}

export interface TokenRow {
  readonly projectId: string;
  /** Absent: a first token. */
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
}

/** The holder and project of a token that has not expired and whose user is enabled. */
export async function findToken(db: Db, hash: Uint8Array): Promise<TokenRow | undefined> {
  const { rows } = await db.query<TokenRow>(
    `select project_id as "projectId", user_id as "userId", users.name as "userName"
     from tokens left join users on users.id = user_id
     where hash = $1 and (expires_at is null or expires_at > now()) and (user_id is null or users.enabled)`,
    [hash],
  );
  return rows[0];
}

/** Ends a token that was issued for a password. */
export async function deleteToken(db: Db, hash: Uint8Array): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from tokens where hash = $1 and user_id is not null`,
    [hash],
  );
  return rowCount > 0;
}

/** Removes expired tokens. */
export async function deleteExpiredTokens(db: Db): Promise<void> {
  await db.query(`delete from tokens where expires_at < now()`);
}

/** Whether any token exists: at the first start of a database there is none. */
export async function hasTokens(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(`select exists (select from tokens) as any`);
  return rows[0]?.any ?? false;
}
