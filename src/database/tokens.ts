import type { Db } from './db.ts';

/** Makes sure that a project is there. */
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

/** Keeps a token by its SHA-256. One that is kept already stays as it is. */
export async function insertToken(
  db: Db,
  token: { readonly hash: Uint8Array; readonly projectId: string },
): Promise<void> {
  await db.query(
    `insert into tokens (hash, project_id) values ($1, $2) on conflict (hash) do nothing`,
    [token.hash, token.projectId],
  );
}

export async function projectOfToken(db: Db, hash: Uint8Array): Promise<string | undefined> {
  const { rows } = await db.query<{ project_id: string }>(
    `select project_id from tokens where hash = $1`,
    [hash],
  );
  return rows[0]?.project_id;
}

/** Whether any token is there: the first start of a database has none. */
export async function hasTokens(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(`select exists (select from tokens) as any`);
  return rows[0]?.any ?? false;
}
