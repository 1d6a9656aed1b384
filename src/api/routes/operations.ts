import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import type { Metrics } from '../../base/metrics.ts';
import type { Health } from '../../service/sync-task-service.ts';

const tags = ['Operations'];
const config = { action: 'public' } as const;
/** With its content type, since it is the one answer that is not JSON. */
const MetricsText = {
  description: 'The text format of Prometheus',
  content: { 'text/plain': { schema: Type.String() } },
};
const Status = Type.Object({ status: Type.String() }, { description: 'In one word' });

/**
 * What load balancers and monitors ask, none with a credential: they tell no task, key or project.
 * Who binds the server to a public address keeps `/metrics` behind a proxy.
 */
export function operationRoutes(
  health: Health,
  { registry }: Pick<Metrics, 'registry'>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = { tags, security: [] };

    app.get(
      '/healthz',
      {
        schema: { ...schema, summary: 'Whether the process lives', response: { 200: Status } },
        config,
        exposeHeadRoute: true,
      },
      () => ({ status: 'ok' }),
    );

    app.get(
      '/readyz',
      {
        schema: {
          ...schema,
          summary: 'Whether requests can be served now',
          response: { 200: Status, 503: Status },
        },
        config,
        exposeHeadRoute: true,
      },
      async (request, reply) => {
        try {
          await health.ready();
          return { status: 'ready' };
        } catch (err) {
          request.log.warn({ event: 'api.not-ready', err }, 'the check of readiness failed');
          return reply.code(503).send({ status: 'not ready' });
        }
      },
    );

    app.get(
      '/metrics',
      {
        schema: { ...schema, summary: 'Metrics for Prometheus', response: { 200: MetricsText } },
        config,
      },
      async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
    );
  };
}
