import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type {
  IdentityService,
  IssuedToken,
  Project,
} from '../../../domain/access/identity-service.ts';
import type { Limits } from '../kit/limits.ts';
import { RequestError } from '../kit/request-error.ts';
import { Nothing, problems, tooLarge } from '../kit/common-schemas.ts';
import {
  CreateTokenBody,
  CreateTokenReply,
  ListDomainsReply,
  ListProjectsQuery,
  ListProjectsReply,
  ListRegionsReply,
} from './schemas.ts';
import { invalid } from '../kit/validation.ts';

const tags = ['Identity'];
const config = { action: 'anybody' } as const;
const lists = { ...config, costs: 'lists' } as const;
const changes = { ...config, costs: 'calls' } as const;

/** There is one account here, whatever a client calls its own. */
const DOMAIN = { id: 'bucket-brigade', name: 'bucket-brigade' };

/** What clients of the cloud's identity API request by themselves: tokens, and who and where they are. */
export function identityRoutes(
  identity: IdentityService,
  limits: Limits,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(logIn(identity, limits));
    await app.register(logOut(identity));
    await app.register(projectLookup(identity));
    await app.register(domainLookup);
    await app.register(regionLookup(identity));
  };
}

function logIn(identity: IdentityService, limits: Limits): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v3/auth/tokens',
      {
        schema: {
          operationId: 'CreateToken',
          summary: 'Get a token for a password; it comes in the header X-Subject-Token',
          tags,
          security: [],
          body: CreateTokenBody,
          response: { 201: CreateTokenReply, ...problems, 413: tooLarge },
        },
        config: { action: 'public' },
        onRequest: async (request) => limits.logIn(request),
      },
      async (request, reply) => {
        const { auth } = request.body;
        const { methods, password } = auth.identity;
        if (!methods.includes('password')) {
          throw invalid('auth.identity.methods', 'must be password: there is no other way here');
        }
        const { name, id, password: given } = password.user;
        const user = id ?? name;
        if (user === undefined) throw invalid('auth.identity.password.user', 'must have a name');
        request.claimed = user;
        const project = auth.scope?.project?.id ?? auth.scope?.project?.name;
        const issued = await identity.logIn({ user, password: given, project });
        const { user: found, project: scope } = issued;
        request.principal = {
          ...{ kind: 'password', name: found.name, userId: found.id, groups: [] },
          projectId: scope.id,
        };
        return await reply
          .code(201)
          .header('x-subject-token', issued.token)
          .header('cache-control', 'no-store')
          .send({ token: tokenOf(issued) });
      },
    );
  };
}

function logOut(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.delete(
      '/v3/auth/tokens',
      {
        schema: {
          operationId: 'RevokeToken',
          summary: 'End the token that the header X-Subject-Token names',
          tags,
          response: { 204: Nothing, ...problems },
        },
        config: changes,
      },
      async (request, reply) => {
        const token = request.headers['x-subject-token'];
        if (typeof token !== 'string')
          throw new RequestError('missing-parameter', 'X-Subject-Token');
        await identity.revokeToken(token);
        return await reply.code(204).send(null);
      },
    );
  };
}

function projectLookup(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v3/projects',
      {
        schema: {
          operationId: 'KeystoneListProjects',
          summary: 'The projects that the caller has rights in',
          tags,
          querystring: ListProjectsQuery,
          response: { 200: ListProjectsReply, ...problems },
        },
        config: lists,
      },
      async (request) => {
        const projects = await identity.projectsOf(callerOf(request), request.query.name);
        return {
          projects: projects.map((project) => ({
            ...described(request, '/v3/projects', named(project)),
            domain_id: DOMAIN.id,
            parent_id: DOMAIN.id,
            is_domain: false,
          })),
          links: linksOf(request),
        };
      },
    );
  };
}

const domainLookup: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/v3/auth/domains',
    {
      schema: {
        operationId: 'KeystoneListAuthDomains',
        summary: 'The account: there is one',
        tags,
        response: { 200: ListDomainsReply, ...problems },
      },
      config,
    },
    (request) => ({
      domains: [described(request, '/v3/domains', DOMAIN)],
      links: linksOf(request),
    }),
  );
};

function regionLookup(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v3/regions',
      {
        schema: {
          operationId: 'KeystoneListRegions',
          summary: 'The regions: the names of the caller’s projects',
          tags,
          response: { 200: ListRegionsReply, ...problems },
        },
        config: lists,
      },
      async (request) => {
        const projects = await identity.projectsOf(callerOf(request), undefined);
        return {
          regions: projects.map((project) => {
            const { name } = named(project);
            return {
              id: name,
              type: 'public',
              description: '',
              parent_region_id: null,
              locales: { 'en-us': name, 'zh-cn': name },
              links: { self: hrefOf(request, `/v3/regions/${name}`) },
            };
          }),
          links: linksOf(request),
        };
      },
    );
  };
}

function tokenOf({ issuedAt, expiresAt, project, user }: IssuedToken) {
  return {
    methods: ['password'],
    issued_at: microseconds(issuedAt),
    expires_at: microseconds(expiresAt),
    project: owned(project),
    user: owned(user),
    roles: [],
    catalog: [],
  };
}

function callerOf({ principal }: FastifyRequest) {
  if (principal === undefined) throw new RequestError('unauthenticated', 'Unauthorized');
  return principal;
}

function named({ id, name }: Project): { id: string; name: string } {
  return { id, name: name ?? id };
}

function owned(thing: { readonly id: string; readonly name: string | undefined }) {
  return { id: thing.id, name: thing.name ?? thing.id, domain: DOMAIN };
}

function described(
  request: FastifyRequest,
  path: string,
  { id, name }: { readonly id: string; readonly name: string },
) {
  return {
    ...{ id, name, enabled: true, description: '' },
    links: { self: hrefOf(request, `${path}/${id}`) },
  };
}

function hrefOf({ protocol, host }: FastifyRequest, path: string): string {
  return `${protocol}://${host}${path}`;
}

function linksOf(request: FastifyRequest) {
  return { self: hrefOf(request, request.url), next: null, previous: null };
}

/** `2026-01-02T03:04:05.678000Z`, as the identity API writes times. */
function microseconds(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
