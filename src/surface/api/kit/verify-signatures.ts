import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Authentication, verified } from './authenticate.ts';
import { countFailure, lockoutKey, refuseLockedOut } from './lockout.ts';
import { RequestError } from './request-error.ts';
import { type SignatureClaim, verify } from './signature.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Identifies a signed request, whose signature was verified: SHA-256 of the access key ID, the signature and
     * the hash of the body. Equal requests of one second have one.
     */
    signedCall: string | undefined;
  }
}

type Parts = Pick<Authentication, 'gatekeeper' | 'limits' | 'lockouts' | 'now'>;

/** Verifies the signatures that `authentication` found, when the bytes that they cover have arrived. */
export const signatures = fp<Parts>(
  async (app, parts) => {
    app.decorateRequest('signedCall', undefined);
    app.addHook('preParsing', async function verifySignature(request) {
      if (request.signed === undefined) return;
      const judged = await judgedByCurrentSecret(request, request.signed, parts);
      request.signedCall = await settleAttempt(request, judged, parts);
      request.principal = request.signed.principal;
      request.room?.release();
    });
  },
  { name: 'signatures', dependencies: ['authentication', 'bodies'] },
);

type Signed = NonNullable<FastifyRequest['signed']>;

interface Judged {
  readonly claim: SignatureClaim;
  readonly bodySha256: string;
  /** Why the signature is wrong. */
  readonly refusal: RequestError | undefined;
}

/** A signature is wrong only by the secret in the database: another process may have replaced a remembered one. */
async function judgedByCurrentSecret(
  request: FastifyRequest,
  signed: Signed,
  { gatekeeper }: Parts,
): Promise<Judged> {
  const judged = judge(request, signed);
  if (judged.refusal === undefined) return judged;
  const { accessKeyId } = signed.claim;
  const known = await gatekeeper.accessKey(accessKeyId, (secret) => secret !== signed.secret);
  if (known === undefined) return judged;
  request.signed = { claim: signed.claim, ...known };
  return judge(request, request.signed);
}

function judge(request: FastifyRequest, { claim, secret }: Signed): Judged {
  const { method, headers, bytes: body = Buffer.alloc(0) } = request;
  const url = request.raw.url ?? '/';
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  try {
    verified(() =>
      verify(claim, secret.reveal(), { method, url, headers, bodySha256, bodyLength: body.length }),
    );
    return { claim, bodySha256, refusal: undefined };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { claim, bodySha256, refusal: error };
  }
}

/** @returns What identifies the request. */
async function settleAttempt(
  request: FastifyRequest,
  { claim, bodySha256, refusal }: Judged,
  parts: Parts,
): Promise<string> {
  const { lockouts, limits, now } = parts;
  const key = lockoutKey(request, claim);
  await lockouts.refresh(key);
  // Others may have failed while the body came; from here to this process's count nothing comes in between.
  refuseLockedOut(lockouts, key, now());
  if (refusal !== undefined) {
    await countFailure(request, claim, parts);
    throw refusal;
  }
  await lockouts.succeeded(key);
  limits.right(request, claim.accessKeyId);
  const identity = [claim.accessKeyId, claim.signature, bodySha256];
  return createHash('sha256').update(identity.join('\n')).digest('hex');
}
