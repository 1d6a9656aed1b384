import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

const description = `Keeps buckets in step across clouds. Synchronization tasks as in the REST API v2 of
Huawei Cloud OMS; what is not part of it says "Extension".

A \`null\` in a body is an absent field; unknown fields and query parameters are ignored. Every answer
carries \`X-Request-Id\`, 32 hex digits; one that is sent in that form is kept. \`x-action\` is what a
caller must be allowed to do.`;

/** Describes the routes that are registered after it, at `/openapi.json`, from their own schemas. */
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
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, 'x-action': route.config?.action },
      url,
    }),
    transformObject: withOptionalBodies,
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

/** A body of which no field must be there need not be there itself; the plugin thinks it must. */
const withOptionalBodies: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  for (const path of Object.values(document.openapiObject.paths ?? {})) {
    const body = path?.post?.requestBody;
    if (body === undefined || '$ref' in body) continue;
    const schema = body.content['application/json']?.schema;
    body.required = schema !== undefined && 'required' in schema;
  }
  return document.openapiObject;
};
