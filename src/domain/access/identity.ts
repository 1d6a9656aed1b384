import { randomBytes } from 'node:crypto';
import { hashPassword, isPassword } from '../../platform/base/password.ts';
import { Secret, type Sealer } from '../../platform/base/seal.ts';
import * as accessKeys from './access-keys-table.ts';
import { type Database, DatabaseError } from '../../platform/postgres/db.ts';
import * as grants from './grants-table.ts';
import * as projects from './projects-table.ts';
import { deleteToken, findToken, insertToken } from './tokens-table.ts';
import * as users from './users-table.ts';
import { policyProblem } from '../../platform/model/policy-problem.ts';
import { isSystemRole, type Policy, systemRoles } from '../../platform/model/policy.ts';
import { sealAccessKey } from './sealed-access-key.ts';
import { type DatabaseGatekeeper, hashOfToken } from './gatekeeper.ts';
import type {
  AccessKey,
  Grant,
  Group,
  IdentityService,
  IssuedToken,
  NamedPolicy,
  Principal,
  Project,
  User,
} from './identity-service.ts';
import type { EventQuotas } from './quotas.ts';
import { ServiceError } from '../service-error.ts';

export interface IdentityOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly gatekeeper: DatabaseGatekeeper;
  readonly eventQuotas: EventQuotas;
  readonly now: () => number;
}

const TOKEN_LIFETIME_MS = 24 * 3_600_000;

/** Users, groups, projects, keys and grants, over the database. */
export class Identity implements IdentityService {
  readonly #options: IdentityOptions;
  readonly #database: Database;
  /** Checked when there is no such user, so that this takes as long as a wrong password. */
  readonly #nobody: Promise<string>;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#nobody = hashPassword(randomBytes(16).toString('hex'));
  }

  async logIn(...[login]: Parameters<IdentityService['logIn']>): Promise<IssuedToken> {
    const found = await users.passwordHashOf(this.#database, login.user);
    const right = await isPassword(login.password, found?.hash ?? (await this.#nobody));
    if (found?.hash === undefined || !right) {
      throw new ServiceError('wrong-password', 'The username or password is wrong.');
    }
    const grantee = { userId: found.id, groups: [] };
    const granted = await grants.grantedProjects(this.#database, grantee);
    const only = granted.length === 1 ? granted[0] : undefined;
    const project = await projects.findProject(this.#database, login.project ?? only ?? '');
    if (project === undefined || !granted.includes(project.id)) {
      throw new ServiceError('wrong-password', 'The user has no rights in this project.');
    }
    const token = `bb_${randomBytes(32).toString('base64url')}`;
    const hash = hashOfToken(token);
    const projectId = project.id;
    await insertToken(this.#database, {
      ...{ hash, projectId, userId: found.id, lifetimeMs: TOKEN_LIFETIME_MS },
    });
    const user = await this.#user(found.id);
    const issuedAt = this.#options.now();
    const expiresAt = issuedAt + TOKEN_LIFETIME_MS;
    return { token, issuedAt, expiresAt, user, project: toProject(project) };
  }

  async revokeToken(token: string): Promise<void> {
    const hash = hashOfToken(token);
    if (this.#changed(await deleteToken(this.#database, hash))) return;
    const left = await findToken(this.#database, hash);
    if (left === undefined) {
      const message = 'There is no such token here: it has ended, or is of another issuer.';
      throw new ServiceError('not-found', message);
    }
    const message = 'A first token is not ended by a call.';
    const how = 'switch first tokens off: start with {settings.firstTokens}=false';
    throw new ServiceError('not-supported', message, how);
  }

  async projectsOf(principal: Principal, name: string | undefined): Promise<Project[]> {
    const bound = principal.projectId;
    const ids =
      bound === undefined ? await grants.grantedProjects(this.#database, principal) : [bound];
    const all = await this.listProjects();
    return all.filter(
      (project) => ids.includes(project.id) && (name === undefined || project.name === name),
    );
  }

  async listProjects(): Promise<Project[]> {
    return (await projects.listProjects(this.#database)).map(toProject);
  }

  async createProject(
    ...[{ name, id = newId() }]: Parameters<IdentityService['createProject']>
  ): Promise<Project> {
    await taken(`project ${name}`, projects.insertNamedProject(this.#database, { id, name }));
    return { id, name, tasksMax: undefined, eventKeysMax: undefined };
  }

  async updateProject(
    ...[nameOrId, change]: Parameters<IdentityService['updateProject']>
  ): Promise<Project> {
    const project = await this.#project(nameOrId);
    const { name = project.name, tasksMax, eventKeysMax } = change;
    const row = {
      id: project.id,
      name,
      tasksMax: tasksMax === undefined ? project.tasksMax : (tasksMax ?? undefined),
      eventKeysMax: eventKeysMax === undefined ? project.eventKeysMax : (eventKeysMax ?? undefined),
    };
    await taken(`project ${name ?? ''}`, projects.updateProject(this.#database, row));
    this.#options.eventQuotas.forget();
    return toProject(row);
  }

  listUsers(): Promise<User[]> {
    return users.listUsers(this.#database);
  }

  async createUser(
    ...[{ name, password }]: Parameters<IdentityService['createUser']>
  ): Promise<User> {
    const id = newId();
    const passwordHash = password === undefined ? undefined : await hashPassword(password);
    await taken(`user ${name}`, users.insertUser(this.#database, { id, name, passwordHash }));
    return this.#changed(await this.#user(id));
  }

  async updateUser(
    ...[nameOrId, { enabled, password }]: Parameters<IdentityService['updateUser']>
  ): Promise<User> {
    const { id } = await this.#user(nameOrId);
    const passwordHash = password === undefined ? undefined : await hashPassword(password);
    await users.updateUser(this.#database, id, {
      ...(enabled !== undefined && { enabled }),
      ...(passwordHash !== undefined && { passwordHash }),
    });
    return this.#changed(await this.#user(id));
  }

  async deleteUser(nameOrId: string): Promise<void> {
    const { id } = await this.#user(nameOrId);
    await users.deleteUser(this.#database, id);
    this.#options.gatekeeper.forget();
  }

  listGroups(): Promise<Group[]> {
    return users.listGroups(this.#database);
  }

  async createGroup(name: string): Promise<Group> {
    const id = newId();
    await taken(`group ${name}`, users.insertGroup(this.#database, { id, name }));
    return { id, name, members: [] };
  }

  async deleteGroup(nameOrId: string): Promise<void> {
    const { id } = await this.#group(nameOrId);
    await users.deleteGroup(this.#database, id);
    this.#options.gatekeeper.forget();
  }

  async addMember(group: string, user: string): Promise<void> {
    const membership = await this.#membership(group, user);
    await users.insertMember(this.#database, membership);
    this.#options.gatekeeper.forget();
  }

  async removeMember(group: string, user: string): Promise<void> {
    const membership = await this.#membership(group, user);
    await users.deleteMember(this.#database, membership);
    this.#options.gatekeeper.forget();
  }

  async listPolicies(): Promise<NamedPolicy[]> {
    const ours = Object.entries(systemRoles).map(([name, document]) => ({
      ...{ name, document, system: true },
    }));
    const theirs = await grants.listPolicies(this.#database);
    return [...ours, ...theirs.map(({ name, document }) => ({ name, document, system: false }))];
  }

  async putPolicy(name: string, document: Policy): Promise<void> {
    if (isSystemRole(name))
      throw new ServiceError('name-taken', `${name} is a role of the system.`);
    const problem = policyProblem(document);
    if (problem !== undefined) {
      const detail = `[${problem.at}] ${problem.rule}`;
      throw new ServiceError('invalid-request', 'Invalid request parameters.', detail);
    }
    await grants.putPolicy(this.#database, name, document);
    this.#options.gatekeeper.forget();
  }

  async deletePolicy(name: string): Promise<void> {
    if (await grants.deletePolicy(this.#database, name)) return;
    const known = await this.listPolicies();
    if (!known.some((policy) => policy.name === name)) throw unknown('policy', name);
    throw new ServiceError('in-use', `The policy ${name} is granted, or a role of the system.`);
  }

  async listGrants(): Promise<Grant[]> {
    return (await grants.listGrants(this.#database)).map((row) => ({
      ...row,
      user: row.user,
      group: row.group,
    }));
  }

  async createGrant(grant: Omit<Grant, 'id'>): Promise<Grant> {
    const known = await this.listPolicies();
    if (!known.some(({ name }) => name === grant.policy)) throw unknown('policy', grant.policy);
    const user = grant.user === undefined ? undefined : await this.#user(grant.user);
    const group = grant.group === undefined ? undefined : await this.#group(grant.group);
    const { id: projectId } = await this.#project(grant.projectId);
    const id = newId();
    const row = { id, userId: user?.id, groupId: group?.id, projectId, policy: grant.policy };
    if (!(await grants.insertGrant(this.#database, row))) {
      throw new ServiceError('name-taken', 'This is granted already.');
    }
    const { policy } = grant;
    return this.#changed({ id, user: user?.name, group: group?.name, projectId, policy });
  }

  async deleteGrant(id: string): Promise<Grant> {
    const grant = (await this.listGrants()).find((one) => one.id === id);
    const deleted = this.#changed(await grants.deleteGrant(this.#database, id));
    if (grant === undefined || !deleted) throw unknown('grant', id);
    return grant;
  }

  listAccessKeys(): Promise<AccessKey[]> {
    return accessKeys.listAccessKeys(this.#database);
  }

  async createAccessKey(nameOrId: string): Promise<{ id: string; secret: Secret }> {
    const { id: userId } = await this.#user(nameOrId);
    const id = randomBytes(10).toString('hex').toUpperCase();
    const secret = new Secret(randomBytes(30).toString('base64url'));
    const sealed = sealAccessKey(this.#options.sealer, id, secret);
    await accessKeys.insertAccessKey(this.#database, { id, userId, ...sealed });
    return { id, secret };
  }

  async enableAccessKey(id: string, enabled: boolean): Promise<void> {
    const done = await accessKeys.enableAccessKey(this.#database, id, enabled);
    if (!this.#changed(done)) throw unknown('access key', id);
  }

  async deleteAccessKey(id: string): Promise<void> {
    const done = await accessKeys.deleteAccessKey(this.#database, id);
    if (!this.#changed(done)) throw unknown('access key', id);
  }

  /** Makes a change take effect at once in this process. */
  #changed<T>(result: T): T {
    this.#options.gatekeeper.forget();
    return result;
  }

  async #user(nameOrId: string): Promise<User> {
    const user = await users.findUser(this.#database, nameOrId);
    if (user === undefined) throw unknown('user', nameOrId);
    return user;
  }

  async #group(nameOrId: string): Promise<Group> {
    const group = await users.findGroup(this.#database, nameOrId);
    if (group === undefined) throw unknown('group', nameOrId);
    return group;
  }

  async #project(nameOrId: string): Promise<projects.ProjectRow> {
    const project = await projects.findProject(this.#database, nameOrId);
    if (project === undefined) throw unknown('project', nameOrId);
    return project;
  }

  async #membership(group: string, user: string): Promise<{ groupId: string; userId: string }> {
    return { groupId: (await this.#group(group)).id, userId: (await this.#user(user)).id };
  }
}

function newId(): string {
  return randomBytes(16).toString('hex');
}

function unknown(what: string, name: string): ServiceError {
  return new ServiceError('not-found', `There is no ${what} ${name.slice(0, 100)}.`);
}

/** @throws {ServiceError} `name-taken` where the database has one of this name. */
async function taken(what: string, done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.fault !== 'duplicate') throw error;
    throw new ServiceError('name-taken', `There is a ${what} already.`, undefined, {
      cause: error,
    });
  }
}

function toProject({ id, name, tasksMax, eventKeysMax }: projects.ProjectRow): Project {
  return {
    id,
    name: name ?? undefined,
    tasksMax,
    eventKeysMax,
  };
}
