import { randomBytes } from 'node:crypto';
import type { Sealer, Secret } from '../../platform/base/seal.ts';
import { deleteAccessKey, insertAccessKey } from './access-keys-table.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { insertGrant } from './grants-table.ts';
import { firstProject, hasTokens, insertProject, insertToken } from './tokens-table.ts';
import { findUser, insertUser } from './users-table.ts';
import { sealAccessKey } from './sealed-access-key.ts';
import { hashOfToken } from './gatekeeper.ts';

export interface FirstToken {
  readonly projectId: string;
  /** Undefined where the database has tokens already, of which only hashes are stored, or needs none. */
  readonly token: string | undefined;
}

/**
 * Makes sure that there is a project and a token for it.
 *
 * @param given A token to use instead of a generated one; added when it is new.
 * @param letIn Whether such tokens are accepted; if not, none is made.
 */
export async function ensureFirstToken(
  database: Database,
  given: string | undefined,
  letIn = true,
): Promise<FirstToken> {
  return await database.transaction(async (db) => {
    // Several processes may start at once on an empty database: one of them makes the project.
    await db.query(`select pg_advisory_xact_lock(hashtext('bucket-brigade first token'))`);
    const projectId = (await firstProject(db)) ?? randomBytes(16).toString('hex');
    await insertProject(db, projectId);
    if (given !== undefined) {
      await insertToken(db, { hash: hashOfToken(given), projectId });
      return { projectId, token: undefined };
    }
    if (!letIn || (await hasTokens(db))) return { projectId, token: undefined };
    const token = newToken();
    await insertToken(db, { hash: hashOfToken(token), projectId });
    return { projectId, token };
  });
}

export interface FirstAccessKey {
  readonly id: string;
  readonly secret: Secret;
  readonly projectId: string;
}

const BOOTSTRAP_USER = 'bootstrap';

/**
 * Makes sure that an access key with this secret exists. It belongs to a user `bootstrap`, who may do everything
 * in its project. A missing project is created.
 */
export async function ensureFirstAccessKey(
  { database, sealer }: { readonly database: Database; readonly sealer: Sealer },
  { id, secret, projectId }: FirstAccessKey,
): Promise<void> {
  await database.transaction(async (db) => {
    await db.query(`select pg_advisory_xact_lock(hashtext('bucket-brigade first token'))`);
    await insertProject(db, projectId);
    const known = await findUser(db, BOOTSTRAP_USER);
    const userId = known?.id ?? newId();
    if (known === undefined) {
      await insertUser(db, { id: userId, name: BOOTSTRAP_USER, passwordHash: undefined });
    }
    for (const policy of ['OMS Administrator', 'Security Administrator']) {
      await insertGrant(db, { id: newId(), userId, groupId: undefined, projectId, policy });
    }
    await deleteAccessKey(db, id);
    await insertAccessKey(db, { id, userId, ...sealAccessKey(sealer, id, secret) });
  });
}

function newId(): string {
  return randomBytes(16).toString('hex');
}

function newToken(): string {
  return `bb_${randomBytes(32).toString('base64url')}`;
}
