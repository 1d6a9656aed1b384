import type { Secret } from '../../platform/base/seal.ts';
import type { Access, Policy } from '../../platform/model/policy.ts';

/** Who calls, and with which credential. */
export interface Principal {
  readonly kind:
    | 'first-token'
    | 'token'
    | 'access-key'
    /** The request names this key, but was refused before its signature was verified. */
    | 'access-key-unverified'
    | 'single-sign-on'
    | 'password';
  /** The name of the caller in the audit. */
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
  /** Exactly one of the two is set. */
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
  /** Whether it is a system role, which cannot be changed. */
  readonly system: boolean;
}

/** A token that was issued for a password. */
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
  /** Null resets a quota to the one in the settings. */
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
  /** @returns The grant that was deleted. */
  deleteGrant(id: string): Promise<Grant>;

  listAccessKeys(): Promise<AccessKey[]>;
  /** Returns the secret; no later call does. */
  createAccessKey(user: string): Promise<{ readonly id: string; readonly secret: Secret }>;
  enableAccessKey(id: string, enabled: boolean): Promise<void>;
  deleteAccessKey(id: string): Promise<void>;
}
