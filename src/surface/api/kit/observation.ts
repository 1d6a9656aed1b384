import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';
import type { Metrics } from '../../../platform/base/metrics.ts';

/**
 * The ID of a request: 32 hex digits. One that comes in as `X-Request-Id` in the same form is kept, so
 * that a proxy's log and ours agree; anything else is not trusted and never comes back.
 */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  if (typeof given === 'string' && /^[0-9a-f]{32}$/.test(given)) return given;
  return randomUUID().replaceAll('-', '');
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Why it was refused; set by the code that answers with a problem. */
    refusal?: Refusal;
  }
}

export interface Refusal {
  readonly errorCode: string;
  /** The name of the problem in the source. */
  readonly problem: string;
  /** Which parameter is wrong and how, without its value. */
  readonly detail?: string;
}

const NAME_LENGTH_MAX = 64;

/** Statuses that say more about the caller than about the request. */
const aboutCallers: ReadonlySet<number> = new Set([401, 403, 429]);

/** Gives every answer its `X-Request-Id`, its line in the log and its time in the metrics. */
export const observation = fp<Pick<Metrics, 'apiRequestSeconds'>>(
  async (app, { apiRequestSeconds }) => {
    app.addHook('onRequest', function sendRequestId(request, reply, done) {
      void reply.header('x-request-id', request.id);
      done();
    });
    app.addHook('onResponse', function record(request, reply, done) {
      const { method } = request;
      const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
      const status = reply.statusCode;
      const ms = Math.round(reply.elapsedTime * 10) / 10;
      apiRequestSeconds.observe({ route, method, status }, reply.elapsedTime / 1000);
      const answered = { event: 'api.answered', method, route, status, ms, ...request.refusal };
      // The lines of some statuses name the caller and its address.
      const { ip: address, principal, claimed } = request;
      const caller = (principal?.name ?? claimed)?.slice(0, NAME_LENGTH_MAX);
      const who = { address, caller };
      const line = aboutCallers.has(status) ? { ...answered, ...who } : answered;
      if (status < 400) request.log.debug(line, 'answered');
      else request.log.info(line, 'refused');
      done();
    });
  },
  { name: 'observation' },
);
