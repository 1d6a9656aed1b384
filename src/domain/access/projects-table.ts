import type { Db } from '../../platform/postgres/db.ts';

export interface ProjectRow {
  readonly id: string;
  readonly name?: string | undefined;
  /** Absent: the limit in the settings applies. */
  readonly tasksMax?: number | undefined;
  readonly eventKeysMax?: number | undefined;
}

const PROJECT = `
  select id, name, tasks_max as "tasksMax", event_keys_max as "eventKeysMax" from projects`;

/** @throws {DatabaseError} `duplicate` where the ID or the name is taken. */
export async function insertNamedProject(
  db: Db,
  project: { readonly id: string; readonly name: string },
): Promise<void> {
  await db.query(`insert into projects (id, name) values ($1, $2)`, [project.id, project.name]);
}

export async function listProjects(db: Db): Promise<ProjectRow[]> {
  return (await db.query<ProjectRow>(`${PROJECT} order by created_at, id`)).rows;
}

/** Finds a project by ID or name. An ID takes precedence over an equal name. */
export async function findProject(db: Db, nameOrId: string): Promise<ProjectRow | undefined> {
  const { rows } = await db.query<ProjectRow>(
    `${PROJECT} where id = $1 or name = $1 order by id = $1 desc`,
    [nameOrId],
  );
  return rows[0];
}

/** Writes the whole row. @throws {DatabaseError} `duplicate` where the name is taken. */
export async function updateProject(db: Db, project: ProjectRow): Promise<void> {
  await db.query(
    `update projects set name = $2, tasks_max = $3, event_keys_max = $4 where id = $1`,
    [project.id, project.name, project.tasksMax, project.eventKeysMax],
  );
}
