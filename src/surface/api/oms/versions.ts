import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { ApiVersion, ListApiVersionsReply } from './schemas/versions.ts';

const tags = ['API versions'];
const config = { action: 'public' } as const;

/** Which versions of the API are here: one. */
export const versionRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/',
    {
      schema: {
        operationId: 'ListApiVersions',
        summary: 'List the versions of the API',
        tags,
        security: [],
        response: { 200: ListApiVersionsReply },
      },
      config,
    },
    (request) => ({ versions: [v2(request)] }),
  );

  app.get(
    '/v2',
    {
      schema: {
        operationId: 'ShowApiInfo',
        summary: 'Show one version of the API',
        tags,
        security: [],
        response: { 200: ApiVersion },
      },
      config,
    },
    (request) => v2(request),
  );
};

function v2({ protocol, host }: FastifyRequest): ApiVersion {
  return {
    id: 'v2',
    links: [{ rel: 'self', href: `${protocol}://${host}/v2/` }],
    status: 'CURRENT',
    updated: '2026-06-30T00:00:00Z',
  };
}
