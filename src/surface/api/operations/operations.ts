import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import type { Metrics } from '../../../platform/base/metrics.ts';
import { type Health, NotReady } from '../../../domain/tasks/sync/sync-task-service.ts';

const tags = ['Operations'];
const config = { action: 'public' } as const;
/** With its content type, since it is the one answer that is not JSON. */
const MetricsText = {
  description: 'The text format of Prometheus',
  content: { 'text/plain': { schema: Type.String() } },
};
const Status = Type.Object({ status: Type.String() }, { description: 'In one word' });
const NotReadyStatus = Type.Object(
  { status: Type.String(), reason: Type.String() },
  { description: 'Why requests cannot be served now' },
);

/**
 * What load balancers and monitors request. None needs a credential, so none reveals a task, key or project.
 * An operator who binds the server to a public address keeps `/metrics` behind a proxy.
 */
export function operationRoutes(
  health: Health,
  { registry }: Pick<Metrics, 'registry'>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = { tags, security: [] };
    /** The reason that was logged last: probes come every few seconds, and it is logged when it changes. */
    let last: string | undefined;

    app.get(
      '/healthz',
      {
        schema: { ...schema, summary: 'Whether the process lives', response: { 200: Status } },
        config,
      },
      () => ({ status: 'ok' }),
    );

    app.get(
      '/readyz',
      {
        schema: {
          ...schema,
          summary:
            'Whether requests can be served now: all has started, and the database takes writes',
          response: { 200: Status, 503: NotReadyStatus },
        },
        config,
      },
      async (request, reply) => {
        const reason = await whyNotReady(health);
        if (reason?.text !== last) {
          last = reason?.text;
          if (reason === undefined) request.log.info({ event: 'api.ready' }, 'ready again');
          else request.log.warn({ event: 'api.not-ready', err: reason.error }, 'not ready');
        }
        if (reason === undefined) return { status: 'ready' };
        return reply.code(503).send({ status: 'not ready', reason: reason.text });
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

async function whyNotReady(
  health: Health,
): Promise<{ readonly text: string; readonly error: unknown } | undefined> {
  try {
    await health.ready();
    return undefined;
  } catch (error) {
    // Other messages are for the log alone.
    const text = error instanceof NotReady ? error.message : 'The check of readiness failed.';
    return { text, error };
  }
}
