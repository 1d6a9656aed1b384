import { createHash } from 'node:crypto';
import { Remembered } from '../../platform/base/remembered.ts';
import type { Secret, Sealer } from '../../platform/base/seal.ts';
import { findAccessKey } from './access-keys-table.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { grantedPolicies } from './grants-table.ts';
import { findToken } from './tokens-table.ts';
import { findUserNamed } from './users-table.ts';
import {
  type Access,
  allows,
  isSystemRole,
  type Policy,
  systemRoles,
} from '../../platform/model/policy.ts';
import { openAccessKey } from './sealed-access-key.ts';
import type { Gatekeeper, Principal } from './identity-service.ts';

export interface GatekeeperOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => number;
  /** Whether the tokens of first starts are accepted. */
  readonly firstTokens: boolean;
}

/**
 * What the database said of a credential or a right is cached this long. What another process revokes
 * ends that much later; what this process revokes ends at once. Only answers that let a caller in are
 * cached: before a caller is refused, the database is read, because another process may have made the
 * credential, or granted the right, a moment ago.
 */
const BELIEVED_MS = 10_000;
const BELIEVED_MAX = 2_000;

/** Only the SHA-256 of a token is stored, so that the content of the database does not open the API. */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isKnown(answer: unknown): boolean {
  return answer !== undefined;
}

/** Looks up in the database who holds a credential and what they may do. */
export class DatabaseGatekeeper implements Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #principals: Remembered<Principal | undefined>;
  readonly #keys: Remembered<{ principal: Principal; secret: Secret } | undefined>;
  readonly #users: Remembered<{ id: string; enabled: boolean } | undefined>;
  readonly #policies: Remembered<readonly Policy[]>;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    const believed = { forMs: BELIEVED_MS, max: BELIEVED_MAX, now: options.now };
    this.#principals = new Remembered(believed);
    this.#keys = new Remembered(believed);
    this.#users = new Remembered(believed);
    this.#policies = new Remembered(believed);
  }

  principalOf(token: string): Promise<Principal | undefined> {
    const hash = hashOfToken(token);
    return this.#principals.get(hash.toString('base64'), () => this.#findPrincipal(hash), isKnown);
  }

  accessKey(
    id: string,
    believe: (secret: Secret) => boolean = () => true,
  ): Promise<{ principal: Principal; secret: Secret } | undefined> {
    const accept = (known: { secret: Secret } | undefined) =>
      known !== undefined && believe(known.secret);
    return this.#keys.get(id, () => this.#askKey(id), accept);
  }

  userNamed(name: string): Promise<{ id: string; enabled: boolean } | undefined> {
    const ask = () => findUserNamed(this.#options.database, name);
    return this.#users.get(name, ask, (user) => user?.enabled === true);
  }

  async may(principal: Principal, projectId: string | undefined, access: Access): Promise<boolean> {
    const bound = principal.projectId;
    if (projectId !== undefined && bound !== undefined && bound !== projectId) return false;
    if (principal.kind === 'first-token') return true;
    const project = projectId ?? bound;
    if (project === undefined) return false;
    const { userId, groups } = principal;
    const key = JSON.stringify([userId, groups, project]);
    const ask = () => this.#askPolicies(principal, project);
    const policies = await this.#policies.get(key, ask, (granted) => allows(granted, access));
    return allows(policies, access);
  }

  /** Clears the cache: the next look-up reads the database. */
  forget(): void {
    const all = [this.#principals, this.#keys, this.#users, this.#policies];
    for (const answers of all) answers.clear();
  }

  async #findPrincipal(hash: Buffer): Promise<Principal | undefined> {
    const { database, firstTokens } = this.#options;
    const row = await findToken(database, hash);
    if (row === undefined) return undefined;
    const { projectId } = row;
    if (row.userId === undefined) {
      if (!firstTokens) return undefined;
      return { kind: 'first-token', name: 'first token', userId: undefined, groups: [], projectId };
    }
    const { userId, userName } = row;
    return { kind: 'token', name: userName ?? userId, userId, groups: [], projectId };
  }

  async #askKey(id: string): Promise<{ principal: Principal; secret: Secret } | undefined> {
    const { database, sealer } = this.#options;
    const row = await findAccessKey(database, id);
    if (row === undefined) return undefined;
    const { userId, userName, sealedSecret } = row;
    return {
      principal: { kind: 'access-key', name: userName, userId, groups: [], projectId: undefined },
      secret: openAccessKey(sealer, id, sealedSecret),
    };
  }

  async #askPolicies(principal: Principal, projectId: string): Promise<readonly Policy[]> {
    const granted = await grantedPolicies(this.#options.database, principal, projectId);
    return granted.flatMap(({ name, document }) => {
      const policy = isSystemRole(name) ? systemRoles[name] : document;
      return policy === undefined ? [] : [policy];
    });
  }
}
