import type { Secret } from '../../platform/base/seal.ts';
import type { Access, Policy } from '../../platform/model/policy.ts';

/** Who calls, and by what. */
export interface Principal {
  readonly kind:
    | 'first-token'
    | 'token'
    | 'access-key'
    /** The request names the key, and was refused before its signature could be verified. */
    | 'access-key-unverified'
    | 'single-sign-on'
    | 'password';
  /** What the audit calls them. */
  readonly name: string;
  readonly userId: string | undefined;
  /** Names of groups that an issuer vouches for, beside those that we know of. */
  readonly groups: readonly string[];
  /** The only project that the credential is for; undefined: wherever its holder was granted something. */
  readonly projectId: string | undefined;
}

/** Who holds a credential, and what they may do. */
export interface Gatekeeper {
  /** Undefined for a token that is not ours, or has ended. */
  principalOf(token: string): Promise<Principal | undefined>;
  /**
   * Undefined for a key that is not ours, or is disabled.
   *
   * @param believe Whether a remembered secret may be the current one; otherwise the database is read.
   */
  accessKey(
    id: string,
    believe?: (secret: Secret) => boolean,
  ): Promise<{ principal: Principal; secret: Secret } | undefined>;
  /** A user by name, never by ID. */
  userNamed(name: string): Promise<{ readonly id: string; readonly enabled: boolean } | undefined>;
  may(principal: Principal, projectId: string | undefined, access: Access): Promise<boolean>;
}

export interface Project {
  readonly id: string;
  readonly name: string | undefined;
  readonly tasksMax: number | undefined;
  readonly eventKeysMax: number | undefined;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly hasPassword: boolean;
  readonly groups: readonly string[];
}

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}

export interface Grant {
  readonly id: string;
  /** One of the two. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly projectId: string;
  readonly policy: string;
}

export interface AccessKey {
  readonly id: string;
  readonly user: string;
  readonly enabled: boolean;
}

export interface NamedPolicy {
  readonly name: string;
  readonly document: Policy;
  /** Of the system: it cannot be changed. */
  readonly system: boolean;
}

/** A token that was given for a password. */
export interface IssuedToken {
  readonly token: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly user: { readonly id: string; readonly name: string };
  readonly project: Project;
}

/** Every user, group and project can be given by its name or its ID. */
export interface IdentityService {
  /** @throws {ServiceError} `wrong-password`, the same for a wrong name as for a wrong password. */
  logIn(login: {
    readonly user: string;
    readonly password: string;
    /** Name or ID; undefined: the only one that the user has rights in. */
    readonly project: string | undefined;
  }): Promise<IssuedToken>;
  /** @throws {ServiceError} for a token that is not there, and for one that cannot be ended so. */
  revokeToken(token: string): Promise<void>;

  /** The projects that a principal may look at. */
  projectsOf(principal: Principal, name: string | undefined): Promise<Project[]>;
  listProjects(): Promise<Project[]>;
  createProject(project: {
    readonly name: string;
    readonly id: string | undefined;
  }): Promise<Project>;
  /** Null takes a quota back to the settings' own. */
  updateProject(
    project: string,
    change: {
      readonly name?: string | undefined;
      readonly tasksMax?: number | null | undefined;
      readonly eventKeysMax?: number | null | undefined;
    },
  ): Promise<Project>;

  listUsers(): Promise<User[]>;
  createUser(user: { readonly name: string; readonly password: string | undefined }): Promise<User>;
  updateUser(
    user: string,
    change: { readonly enabled?: boolean | undefined; readonly password?: string | undefined },
  ): Promise<User>;
  deleteUser(user: string): Promise<void>;

  listGroups(): Promise<Group[]>;
  createGroup(name: string): Promise<Group>;
  deleteGroup(group: string): Promise<void>;
  addMember(group: string, user: string): Promise<void>;
  removeMember(group: string, user: string): Promise<void>;

  listPolicies(): Promise<NamedPolicy[]>;
  putPolicy(name: string, document: Policy): Promise<void>;
  deletePolicy(name: string): Promise<void>;

  listGrants(): Promise<Grant[]>;
  createGrant(grant: Omit<Grant, 'id'>): Promise<Grant>;
  /** Gives what it was. */
  deleteGrant(id: string): Promise<Grant>;

  listAccessKeys(): Promise<AccessKey[]>;
  /** Returns the secret; no later call does. */
  createAccessKey(user: string): Promise<{ readonly id: string; readonly secret: Secret }>;
  enableAccessKey(id: string, enabled: boolean): Promise<void>;
  deleteAccessKey(id: string): Promise<void>;
}
