import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Gatekeeper, Principal } from '../../../domain/access/identity-service.ts';
import { type Action, urnOf } from '../../../platform/model/policy.ts';
import { hasBody } from './connections.ts';
import { RequestError } from './request-error.ts';
import { refuseBroken } from './validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a caller must be allowed to do. `public` needs no credential, `anybody` any credential; every
     * route declares one.
     */
    action?: Action | 'anybody' | 'public';
  }
  interface FastifyRequest {
    /** The project that the request is about: that of the path, else the caller's own. */
    projectId: string | undefined;
  }
}

/**
 * Refuses callers that may not do what the route does. Where the body is needed to verify the signature, the rights
 * of the key's owner are looked up before the body is read, and again afterwards.
 */
export const authorization = fp<{ readonly gatekeeper: Gatekeeper }>(
  async (app, { gatekeeper }) => {
    app.decorateRequest('projectId', undefined);
    app.addHook('onRoute', ({ method, url, config }) => {
      if (config?.action === undefined) {
        throw new Error(`${String(method)} ${url} does not declare its action`);
      }
    });
    app.addHook('onRequest', async function authorize(request) {
      const { principal, signed } = request;
      if (principal !== undefined) {
        await authorizeCaller(request, principal, gatekeeper);
      } else if (signed !== undefined && hasBody(request)) {
        await authorizeUnverified(request, signed.principal, gatekeeper);
      }
    });
    app.addHook('preParsing', async function authorizeSigned(request) {
      const { principal, signed } = request;
      if (principal === undefined || signed === undefined) return;
      await authorizeCaller(request, principal, gatekeeper);
    });
  },
  { name: 'authorization', dependencies: ['signatures'] },
);

async function authorizeUnverified(
  request: FastifyRequest,
  owner: Principal,
  gatekeeper: Gatekeeper,
): Promise<void> {
  try {
    await authorizeCaller(request, owner, gatekeeper);
  } catch (error) {
    request.principal = { ...owner, kind: 'access-key-unverified' }; // For the audit.
    throw error;
  }
}

/** @throws {RequestError} that does not reveal whether the project or the task exists. */
async function authorizeCaller(
  request: FastifyRequest,
  principal: Principal,
  gatekeeper: Gatekeeper,
): Promise<void> {
  const { action = 'public' } = request.routeOptions.config;
  if (action === 'public' || action === 'anybody') return;
  const params = request.params as { readonly project_id?: string; readonly sync_task_id?: string };
  refuseBroken(params);
  const named = request.headers['x-project-id'];
  const projectId = params.project_id ?? (typeof named === 'string' ? named : principal.projectId);
  // Clients name the project twice; the header is not always signed, so it is no more than a claim.
  if (named !== undefined && named !== projectId) {
    throw new RequestError('not-allowed', 'X-Project-Id is not the project of the path');
  }
  request.projectId = projectId;
  const resource = urnOf(action, projectId ?? '', params.sync_task_id);
  if (await gatekeeper.may(principal, projectId, { action, resource })) return;
  const why =
    projectId === undefined
      ? `the credential is of no one project: send the header X-Project-Id with one in which it may do ${action}`
      : `the credential may not do ${action} in ${projectInWords(projectId)}`;
  throw new RequestError('not-allowed', why);
}

/** A project as a refusal names it. What does not look like one of our IDs may be anything, also a misplaced secret. */
function projectInWords(projectId: string): string {
  return /^[0-9a-f]{32}$/.test(projectId) ? `the project ${projectId}` : 'the project of the path';
}
