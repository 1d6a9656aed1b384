import type { Policy } from '../../platform/model/policy.ts';
import type { Db } from '../../platform/postgres/db.ts';

export interface PolicyRow {
  readonly name: string;
  readonly document: Policy;
  readonly createdAt: number;
}

/** Inserts a policy, or replaces the policy of the same name. */
export async function putPolicy(db: Db, name: string, document: Policy): Promise<void> {
  await db.query(
    `insert into policies (name, document) values ($1, $2)
     on conflict (name) do update set document = excluded.document`,
    [name, JSON.stringify(document)],
  );
}

export async function listPolicies(db: Db): Promise<PolicyRow[]> {
  const { rows } = await db.query<PolicyRow>(
    `select name, document, created_at as "createdAt" from policies order by name`,
  );
  return rows;
}

/** Deletes a policy unless it is granted. @returns Whether it was deleted. */
export async function deletePolicy(db: Db, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from policies where name = $1 and not exists (select from grants where policy = $1)`,
    [name],
  );
  return rowCount > 0;
}

export interface GrantRow {
  readonly id: string;
  /** Names: of one of the two. */
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly projectId: string;
  readonly policy: string;
}

/** @returns False where it is granted already. */
export async function insertGrant(
  db: Db,
  grant: {
    readonly id: string;
    readonly userId: string | undefined;
    readonly groupId: string | undefined;
    readonly projectId: string;
    readonly policy: string;
  },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into grants (id, user_id, group_id, project_id, policy) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [grant.id, grant.userId ?? null, grant.groupId ?? null, grant.projectId, grant.policy],
  );
  return rowCount > 0;
}

export async function listGrants(db: Db): Promise<GrantRow[]> {
  const { rows } = await db.query<GrantRow>(
    `select grants.id, users.name as user, groups.name as group, project_id as "projectId", policy
     from grants left join users on users.id = user_id left join groups on groups.id = group_id
     order by project_id, policy, 2, 3`,
  );
  return rows;
}

export async function deleteGrant(db: Db, id: string): Promise<boolean> {
  return (await db.query(`delete from grants where id = $1`, [id])).rowCount > 0;
}

export interface Grantee {
  readonly userId: string | undefined;
  /** Names of groups that an issuer vouches for, beside those of the user. */
  readonly groups: readonly string[];
}

const HELD = `
  (user_id = $1
    or group_id in (select group_id from group_members where user_id = $1)
    or group_id in (select id from groups where name = any($2)))`;

/** What a holder was granted in a project: the names, and the documents of policies that are not system roles. */
export async function grantedPolicies(
  db: Db,
  { userId, groups }: Grantee,
  projectId: string,
): Promise<{ readonly name: string; readonly document?: Policy }[]> {
  const { rows } = await db.query<{ name: string; document?: Policy }>(
    `select distinct grants.policy as name, policies.document
     from grants left join policies on policies.name = grants.policy
     where project_id = $3 and ${HELD}`,
    [userId ?? null, groups, projectId],
  );
  return rows;
}

/** The projects in which a holder was granted anything. */
export async function grantedProjects(db: Db, { userId, groups }: Grantee): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select distinct project_id as id from grants where ${HELD} order by 1`,
    [userId ?? null, groups],
  );
  return rows.map(({ id }) => id);
}
