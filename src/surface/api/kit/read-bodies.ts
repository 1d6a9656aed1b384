import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Lockouts } from '../../../domain/access/lockouts.ts';
import { type BodyLimits, bodyTooLarge, limitsFor } from './body-limits.ts';
import { readBody, UnfinishedBody } from './body-reader.ts';
import { type BodyRoom, type HeldBytes, unlimitedRoom } from './body-room.ts';
import { bytesAnnounced, hasBody } from './connections.ts';
import { assertJson } from './json-body.ts';
import { scanWhole } from './json-scan.ts';
import { addressOf, type Limits } from './limits.ts';
import { countFailure } from './lockout.ts';
import { RequestError } from './request-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it arrived, within these limits, and the room that it takes while the caller is not known. */
    bytes: Buffer | undefined;
    limits: BodyLimits | undefined;
    room: HeldBytes | undefined;
  }
}

interface Parts {
  readonly room: BodyRoom;
  readonly limits: Limits;
  readonly lockouts: Lockouts;
}

/**
 * Reads the bytes of bodies within the limits of their routes. What a caller sends that is not known yet goes into
 * the room that all of these share, and its values are not counted before the signature is verified.
 */
export const bodies = fp<Parts>(
  async (app, parts) => {
    app.decorateRequest('bytes', undefined);
    app.decorateRequest('limits', undefined);
    app.decorateRequest('room', undefined);
    app.addHook('preParsing', async function receiveBody(request, reply, payload) {
      const limits = await limitsFor(request);
      request.limits = limits;
      const readAs = request.signed === undefined ? limits : { ...limits, values: 0 };
      await receive(request, reply, { payload, limits: readAs, parts });
    });
    app.addHook('onResponse', async function releaseRoom(request) {
      request.room?.release();
    });
  },
  { name: 'bodies', dependencies: ['authentication', 'body-limits'] },
);

/** Compares the values of signed bodies with the limits of their routes; those of other callers were counted on arrival. */
export const signedBodies = fp(
  async (app) => {
    app.addHook('preParsing', async function scanSignedBody({ signed, limits, bytes }) {
      if (signed === undefined || limits === undefined || limits.values === 0) return;
      await scanWhole(bytes ?? Buffer.alloc(0), limits);
    });
  },
  { name: 'signed-bodies', dependencies: ['call-limits'] },
);

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  body: { readonly payload: Readable; readonly limits: BodyLimits; readonly parts: Parts },
): Promise<void> {
  const { payload, limits, parts } = body;
  if (
    bytesAnnounced(request) > limits.bytes &&
    request.headers['transfer-encoding'] === undefined
  ) {
    throw bodyTooLarge(limits);
  }
  if (hasBody(request) && request.routeOptions.schema?.body !== undefined) assertJson(request);
  request.room =
    request.principal === undefined ? parts.room.open(addressOf(request)) : unlimitedRoom;
  reply.raw.once('close', () => request.room?.release());
  if (request.headers.expect !== undefined) reply.raw.writeContinue();
  try {
    request.bytes = await readBody(payload, limits, request.room);
  } catch (error) {
    request.room.release();
    void reply.header('connection', 'close');
    await countUnverified(request, error, parts);
    if (error instanceof UnfinishedBody) {
      logUnfinished(request);
      request.raw.destroy();
    }
    throw error;
  }
}

/** A signature whose body is not valid HTTP, or does not end, counts as a failed attempt. */
async function countUnverified(
  request: FastifyRequest,
  error: unknown,
  parts: Parts,
): Promise<void> {
  const { signed } = request;
  if (signed === undefined) return;
  if (!(error instanceof RequestError) || error.problem !== 'bad-http') return;
  await countFailure(request, signed.claim, parts);
}

/** No client is left to receive an answer, so the log has no other line for this request. */
function logUnfinished({ ip: address, claimed: caller, log }: FastifyRequest): void {
  log.info({ event: 'api.unfinished', address, caller }, 'a body did not arrive whole');
}
