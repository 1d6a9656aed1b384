import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { UsedSignatures } from '../../../domain/access/used-signatures.ts';
import type { Action } from '../../../platform/model/policy.ts';
import { unauthenticated } from './authenticate.ts';
import { hasBody } from './connections.ts';
import { type Cost, costOf, type Limits } from './limits.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which limit a call counts for, where the action alone does not decide it. */
    costs?: Cost;
  }
}

interface Parts {
  readonly limits: Limits;
  readonly usedSignatures: UsedSignatures;
}

/** Clients sign to the second: two equal requests of one second have one signature. */
const SAME_SECOND_MS = 2_000;
/**
 * Calls for which a signature must not be used again, and for how long after its first use it is accepted
 * nevertheless. A creation of OMS is not here: one that is repeated gets what the first one created
 * (`SignedCreations`). What a repeated start, stop or deletion requests is done already. Keys, users and rights are
 * never created twice.
 */
const onlyOnce: Partial<Record<Action | 'anybody' | 'public', number>> = {
  'oms:synctask:update': SAME_SECOND_MS,
  'oms:synctask:delete': SAME_SECOND_MS,
  'iam:write': 0,
};

/**
 * Counts calls of callers that may make them. Before the body is read, a call with an unverified signature is refused
 * over the limit and not counted: a caller that knows only the key's ID could use up what belongs to its owner.
 */
export const callLimits = fp<Parts>(
  async (app, parts) => {
    app.addHook('onRequest', async function limitCall(request) {
      const { principal, signed } = request;
      if (principal !== undefined) await count(request, parts);
      else if (signed !== undefined && hasBody(request)) await refuseOverLimit(request, parts);
    });
    app.addHook('preParsing', async function limitSigned(request) {
      if (request.signedCall === undefined) return;
      await useSignature(request, request.signedCall, parts);
      await count(request, parts);
    });
  },
  { name: 'call-limits', dependencies: ['authorization'] },
);

/** @throws {RequestError} when the signature was used before, for a call that allows it once. */
async function useSignature(
  request: FastifyRequest,
  signedCall: string,
  parts: Parts,
): Promise<void> {
  const { action = 'public' } = request.routeOptions.config;
  const graceMs = onlyOnce[action];
  if (graceMs === undefined) return;
  // Before it is stored, so that too many calls fill no table. A repeated call counts for no limit.
  await refuseOverLimit(request, parts);
  if (await parts.usedSignatures.mayUse(signedCall, graceMs)) return;
  throw unauthenticated('this signature was used already; sign the request again');
}

async function refuseOverLimit(request: FastifyRequest, { limits }: Parts): Promise<void> {
  const cost = costOfCall(request);
  if (cost !== undefined) await limits.mayCall(request, cost);
}

async function count(request: FastifyRequest, { limits }: Parts): Promise<void> {
  const cost = costOfCall(request);
  if (cost !== undefined) await limits.call(request, cost);
}

function costOfCall({ routeOptions }: FastifyRequest): Cost | undefined {
  const { action = 'public', costs } = routeOptions.config;
  return costs ?? costOf(action);
}
