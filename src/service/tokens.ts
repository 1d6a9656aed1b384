import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../database/db.ts';
import {
  firstProject,
  hasTokens,
  insertProject,
  insertToken,
  projectOfToken,
} from '../database/tokens.ts';
import type { Principal, TokenService } from './sync-task-service.ts';

/** Known tokens are remembered this long: a token that is taken away works no longer than that. */
const REMEMBER_MS = 10_000;
const REMEMBERED_MAX = 1_000;

/** Tokens are kept as their SHA-256: what the database tells does not open the API. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export interface FirstToken {
  readonly projectId: string;
  /** Undefined where the database has tokens already: they are not kept in the clear. */
  readonly token: string | undefined;
}

/**
 * Makes sure that there is a project and a token for it.
 *
 * @param given A token to take instead of a generated one; added when it is new.
 */
export async function ensureFirstToken(
  database: Database,
  given: string | undefined,
): Promise<FirstToken> {
  return await database.transaction(async (db) => {
    // Several processes may start at once on an empty database: one of them makes the project.
    await db.query(`select pg_advisory_xact_lock(hashtext('bucket-brigade first token'))`);
    const projectId = (await firstProject(db)) ?? randomBytes(16).toString('hex');
    await insertProject(db, projectId);
    if (given !== undefined) {
      await insertToken(db, { hash: hashOf(given), projectId });
      return { projectId, token: undefined };
    }
    if (await hasTokens(db)) return { projectId, token: undefined };
    const token = newToken();
    await insertToken(db, { hash: hashOf(token), projectId });
    return { projectId, token };
  });
}

function newToken(): string {
  return `bb_${randomBytes(32).toString('base64url')}`;
}

/** Tells tokens apart by their hash, and remembers for a moment what the database said. */
export function tokenService(database: Database, now: () => number): TokenService {
  const known = new Map<string, { principal: Principal; until: number }>();
  return {
    async authenticate(token) {
      const hash = hashOf(token);
      const id = hash.toString('base64');
      const remembered = known.get(id);
      if (remembered !== undefined && remembered.until > now()) return remembered.principal;
      known.delete(id);
      const projectId = await projectOfToken(database, hash);
      if (projectId === undefined) return undefined;
      if (known.size >= REMEMBERED_MAX) known.clear();
      const principal = { projectId };
      known.set(id, { principal, until: now() + REMEMBER_MS });
      return principal;
    },
  };
}
