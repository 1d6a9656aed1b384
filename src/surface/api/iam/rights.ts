import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { KiB } from '../../../platform/base/bytes.ts';
import type { Policy } from '../../../platform/model/policy.ts';
import type { Grant, IdentityService } from '../../../domain/access/identity-service.ts';
import {
  changeProblems,
  manageProblems,
  namedProblems,
  Nothing,
  problems,
  tooLarge,
} from '../kit/common-schemas.ts';
import * as schemas from './schemas.ts';
import { invalid } from '../kit/validation.ts';

const tags = ['Users and rights'];
const read = { action: 'iam:read' } as const;
const write = { action: 'iam:write' } as const;
/** As many statements, actions and resources as the schema allows. */
const policyBody = { bytes: 256 * KiB, values: 21_000 };

/** Policies, and who was granted them where: an API of our own. */
export function rightsRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(policyRoutes(identity));
    await app.register(grantRoutes(identity));
  };
}

/** What every route of this file says of itself. */
function described(operationId: string, summary: string) {
  return { operationId, summary, tags };
}

function policyRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/policies',
      {
        schema: {
          ...described('ListIamPolicies', 'All policies, the roles of the system first'),
          response: { 200: schemas.PoliciesReply, ...problems },
        },
        config: read,
      },
      async () => ({
        policies: (await identity.listPolicies()).map(({ name, system, document }) => ({
          name,
          system,
          document: toDocument(document),
        })),
      }),
    );
    app.put(
      '/iam/v1/policies/:name',
      {
        schema: {
          ...described('PutIamPolicy', 'Create or replace a policy'),
          params: schemas.NewlyNamed,
          body: schemas.PolicyDocument,
          response: { 200: Nothing, ...changeProblems, 413: tooLarge },
        },
        config: { ...write, takes: policyBody },
      },
      async ({ params, body }, reply) => {
        await identity.putPolicy(params.name, body);
        return reply.send();
      },
    );
    app.delete(
      '/iam/v1/policies/:name',
      {
        schema: {
          ...described('DeleteIamPolicy', 'Delete a policy that is not granted'),
          params: schemas.Named,
          response: { 200: Nothing, ...manageProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.deletePolicy(params.name);
        return reply.send();
      },
    );
  };
}

function grantRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/grants',
      {
        schema: {
          ...described('ListIamGrants', 'Grants of policies to users and groups in projects'),
          response: { 200: schemas.GrantsReply, ...problems },
        },
        config: read,
      },
      async () => ({ grants: (await identity.listGrants()).map(toGrant) }),
    );
    app.post(
      '/iam/v1/grants',
      {
        schema: {
          ...described('CreateIamGrant', 'Grant a policy in a project to a user or a group'),
          body: schemas.CreateGrantBody,
          response: { 200: schemas.GrantReply, ...manageProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request) => {
        const { user, group, project, policy } = request.body;
        if ((user === undefined) === (group === undefined)) {
          throw invalid('user', 'or group must be given, and not both');
        }
        const grant = await identity.createGrant({ user, group, projectId: project, policy });
        request.subject = inWords(grant);
        return toGrant(grant);
      },
    );
    app.delete(
      '/iam/v1/grants/:id',
      {
        schema: {
          ...described('DeleteIamGrant', 'Remove a grant'),
          params: schemas.Identified,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async (request, reply) => {
        request.subject = inWords(await identity.deleteGrant(request.params.id));
        return reply.send();
      },
    );
  };
}

function toDocument({ Version, Statement }: Policy) {
  return {
    Version,
    Statement: Statement.map(({ Effect, Action, Resource }) => ({
      Effect,
      Action: [...Action],
      ...(Resource !== undefined && { Resource: [...Resource] }),
    })),
  };
}

/** For the audit: when it is gone, its ID says nothing. */
function inWords({ id, user, group, projectId, policy }: Grant): string {
  const grantee = user === undefined ? `group ${group ?? ''}` : `user ${user}`;
  return `${id}: ${policy} in ${projectId} to ${grantee}`;
}

function toGrant(grant: Grant) {
  const { id, user, group, projectId, policy } = grant;
  return { id, user: user ?? null, group: group ?? null, project_id: projectId, policy };
}
