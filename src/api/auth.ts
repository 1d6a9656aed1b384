import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Principal, TokenService } from '../service/sync-task-service.ts';
import { RequestError } from './request-error.ts';

/** What a caller must be allowed to do, by OMS's names. */
type Action =
  | 'oms:synctask:list'
  | 'oms:synctask:create'
  | 'oms:synctask:get'
  | 'oms:synctask:delete'
  | 'oms:synctask:update'
  | 'oms:synctask:createEvent'
  | 'oms:synctask:statistics';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `public` needs no credential. Every route says one. */
    action?: Action | 'public';
  }
}

/** Tells who sends a request. Every kind of credential is known here and nowhere else. */
export interface Authenticator {
  /** @throws {RequestError} `unauthenticated`, with a reason that does not tell the credential. */
  authenticate(headers: IncomingHttpHeaders): Promise<Principal>;
}

const TOKEN_LENGTH_MAX = 16_384;

/** Knows `X-Auth-Token`, and says so to who comes with something else. */
export function createAuthenticator(tokens: TokenService): Authenticator {
  return {
    async authenticate(headers) {
      const token = headers['x-auth-token'];
      if (typeof token !== 'string' || token === '') throw withoutToken(headers);
      const principal =
        token.length > TOKEN_LENGTH_MAX ? undefined : await tokens.authenticate(token);
      if (principal === undefined) {
        throw new RequestError('unauthenticated', 'the token in X-Auth-Token is not known');
      }
      return principal;
    },
  };
}

function withoutToken(headers: IncomingHttpHeaders): RequestError {
  return new RequestError(
    'unauthenticated',
    headers.authorization === undefined
      ? 'Unauthorized; send a token in X-Auth-Token'
      : 'signatures in Authorization are not supported; send a token in X-Auth-Token',
  );
}

/**
 * Lets a request pass only with a credential of the project that its path names. A path that no route
 * has is refused before: who mistypes a path shall hear of the path.
 */
export function guard(app: FastifyInstance, authenticator: Authenticator): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.action === undefined) {
      throw new Error(`${String(method)} ${url} does not say which action it is`);
    }
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) throw new RequestError('no-such-route', `no ${request.method} on this path`);
    if (request.routeOptions.config.action === 'public') return;
    const principal = await authenticator.authenticate(request.headers);
    const { project_id: projectId } = request.params as { readonly project_id?: string };
    if (principal.projectId !== projectId) {
      throw new RequestError('other-project', 'the credential belongs to another project');
    }
  });
}
