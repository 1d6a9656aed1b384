import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

const description = `Keeps buckets in step across clouds. Synchronization tasks as in the REST API v2 of
Huawei Cloud OMS; what is not part of it says "Extension".

A \`null\` in a body is an absent field; unknown fields and query parameters are ignored. Every answer
carries \`X-Request-Id\`, 32 hex digits; one that is sent in that form is kept.`;

/** Describes the routes that are registered after it, at \`/openapi.json\`, from their own schemas. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Bucket Brigade', version: 'v2', description },
      components: {
        securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      },
      security: [{ token: [] }],
    },
    refResolver: {
      buildLocalReference: ({ $id }, _baseUri, _fragment, index) =>
        typeof $id === 'string' ? $id : `def-${index}`,
    },
  });
  app.get(
    '/openapi.json',
    { schema: { hide: true }, config: { action: 'public' } },
    (_request, reply) => reply.send(app.swagger()),
  );
}
