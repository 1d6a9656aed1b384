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
    transformObject: withBodiesAsRead,
    refResolver: {
      buildLocalReference: ({ $id }, _baseUri, _fragment, index) =>
        typeof $id === 'string' ? $id : `def-${index}`,
    },
  });
  // Built once, because it can be requested without a credential.
  let document: string | undefined;
  app.get(
    '/openapi.json',
    { schema: { hide: true }, config: { action: 'public' } },
    (_request, reply) => {
      document ??= JSON.stringify(app.swagger());
      return reply.type('application/json; charset=utf-8').send(document);
    },
  );
}

/**
 * Bodies as our validator reads them, which the plugin cannot know: one of which no field must be there
 * need not be there itself, and a field that need not be there may be `null`.
 */
const withBodiesAsRead: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  for (const path of Object.values(document.openapiObject.paths ?? {})) {
    for (const operation of [path?.post, path?.put, path?.patch]) describeBody(operation);
  }
  return document.openapiObject;
};

/** Changes the document's own copy, as {@link allowNulls} does. */
function describeBody(operation: DescribedOperation | undefined): void {
  const body = operation?.requestBody;
  if (body === undefined || '$ref' in body) return;
  // In OpenAPI 3.1 a schema is JSON Schema; the plugin's types know 3.0 only.
  const schema = body.content['application/json']?.schema as BodySchema | undefined;
  body.required = schema?.required !== undefined;
  if (schema !== undefined) allowNulls(schema);
}

function allowNulls({ required = [], properties = {} }: BodySchema): void {
  for (const [name, field] of Object.entries(properties)) {
    if (!required.includes(name)) properties[name] = orNull(field);
  }
}

interface DescribedOperation {
  readonly requestBody?:
    | { readonly $ref: string }
    | {
        required?: boolean;
        readonly content: Readonly<Record<string, { readonly schema?: unknown }>>;
      };
}

interface FieldSchema {
  readonly type: string | readonly string[];
  readonly enum?: readonly unknown[];
}

interface BodySchema {
  readonly required?: readonly string[];
  readonly properties?: Record<string, FieldSchema>;
}

function orNull(field: FieldSchema): FieldSchema {
  const words = field.enum === undefined ? {} : { enum: [...field.enum, null] };
  return { ...field, type: [field.type, 'null'].flat(), ...words };
}
