import type { FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { KiB } from '../../../platform/base/bytes.ts';
import { RequestError } from './request-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What its bodies may have, where that is not {@link smallBody}. */
    takes?: BodyLimits;
  }
  interface FastifyInstance {
    /** Of every route, in the order of registration. */
    bodyLimits: RouteLimits[];
  }
}

/** What the body of a request may have. Its depth is limited alike everywhere. */
export interface BodyLimits {
  readonly bytes: number;
  /** Fields and list items, at all levels together. */
  readonly values: number;
  /** Those of one project, where they follow a quota; never more than these. */
  readonly inProject?: (projectId: string) => Promise<BodyLimits>;
  /** What a refusal adds: which limit of the call is behind these. */
  readonly hint?: string;
}

interface RouteLimits extends Pick<BodyLimits, 'bytes' | 'values'> {
  readonly method: string;
  readonly url: string;
  readonly operationId: string | undefined;
  readonly hasBody: boolean;
  readonly followsQuota: boolean;
}

/** Of a route that says nothing else, and of all that need no credential. */
const smallBody: BodyLimits = { bytes: 16 * KiB, values: 256 };
/** Of a route without a body: some clients send `{}`, which a signature covers too. */
const noBody: BodyLimits = { bytes: 4 * KiB, values: 0 };

/** Lists the limits of every route that is registered after it. */
export const bodyLimits = fp(
  async (app) => {
    const routes: RouteLimits[] = [];
    app.decorate('bodyLimits', routes);
    app.addHook('onRoute', (route) => {
      const { bytes, values, inProject } = limitsOf(route);
      if (bytes > smallBody.bytes && route.config?.action === 'public') {
        throw new Error(
          `${route.url} needs no credential: it takes ${smallBody.bytes} bytes at most`,
        );
      }
      const { url, schema } = route;
      for (const method of [route.method].flat()) {
        const hasBody = schema?.body !== undefined;
        const { operationId } = schema ?? {};
        const followsQuota = inProject !== undefined;
        routes.push({ method, url, operationId, bytes, values, hasBody, followsQuota });
      }
    });
  },
  { name: 'body-limits' },
);

function limitsOf({ config, schema }: Pick<RouteOptions, 'config' | 'schema'>): BodyLimits {
  if (config?.takes !== undefined) return config.takes;
  return schema?.body === undefined ? noBody : smallBody;
}

/** Those of one request, whose project is known if it is going to be. */
export async function limitsFor({
  routeOptions,
  projectId,
}: Pick<FastifyRequest, 'routeOptions' | 'projectId'>): Promise<BodyLimits> {
  const limits = limitsOf(routeOptions);
  if (limits.inProject === undefined || projectId === undefined) return limits;
  return await limits.inProject(projectId);
}

export function bodyTooLarge({ bytes, hint }: Pick<BodyLimits, 'bytes' | 'hint'>): RequestError {
  const rule = `the body has more than ${bytes} bytes`;
  return new RequestError('body-too-large', hint === undefined ? rule : `${rule}; ${hint}`);
}
