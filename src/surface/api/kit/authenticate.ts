import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Gatekeeper, Principal } from '../../../domain/access/identity-service.ts';
import type { Lockouts } from '../../../domain/access/lockouts.ts';
import { type SingleSignOn, TokenRefused } from '../../../domain/access/single-sign-on.ts';
import type { Secret } from '../../../platform/base/seal.ts';
import type { Limits } from './limits.ts';
import { countFailure, lockoutKey, refuseLockedOut } from './lockout.ts';
import { RequestError } from './request-error.ts';
import { isSignature, readClaim, type SignatureClaim, SignatureError } from './signature.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; undefined on public routes, and until the credential is verified. */
    principal: Principal | undefined;
    /** A signature that can be verified only with the body. */
    signed: Signed | undefined;
    /** The access key or the user that the request names. For the log, since it may not be true. */
    claimed: string | undefined;
  }
}

interface Signed {
  readonly claim: SignatureClaim;
  /** The owner of the access key, before the signature is verified. */
  readonly principal: Principal;
  readonly secret: Secret;
}

export interface Authentication {
  readonly gatekeeper: Gatekeeper;
  readonly singleSignOn: SingleSignOn;
  readonly limits: Limits;
  readonly lockouts: Lockouts;
  readonly now: () => number;
}

const TOKEN_LENGTH_MAX = 16_384;
const KEY_ID_LENGTH_MAX = 64;

/**
 * Finds out who calls, by what the head of the request has: a token is verified here, a signature by
 * `verifySignatures`, when the body has arrived. Every kind of credential is known in these two files only.
 */
export const authentication = fp<Authentication>(
  async (app, parts) => {
    app.decorateRequest('principal', undefined);
    app.decorateRequest('signed', undefined);
    app.decorateRequest('claimed', undefined);
    app.addHook('onRequest', async function authenticate(request) {
      if (request.routeOptions.config.action === 'public') return;
      const { authorization } = request.headers;
      const token = request.headers['x-auth-token'];
      if (typeof token === 'string' && token !== '') {
        request.principal = await principalOf(request, token, parts);
      } else if (isSignature(authorization)) {
        request.signed = await readSigned(request, parts);
      } else {
        throw unauthenticated('Unauthorized; sign the request, or send a token in X-Auth-Token');
      }
    });
  },
  { name: 'authentication', dependencies: ['problem-replies'] },
);

async function principalOf(
  request: FastifyRequest,
  token: string,
  { gatekeeper, singleSignOn, limits }: Authentication,
): Promise<Principal> {
  await limits.credential(request, token);
  try {
    if (token.length > TOKEN_LENGTH_MAX) {
      throw unauthenticated(
        `decrypt token fail; a token has ${TOKEN_LENGTH_MAX} characters at most`,
      );
    }
    const principal =
      (await principalOfIssuer(token, singleSignOn)) ?? (await gatekeeper.principalOf(token));
    if (principal === undefined) {
      throw unauthenticated(
        'decrypt token fail; the token in X-Auth-Token is not known or has ended',
      );
    }
    limits.right(request, token);
    return principal;
  } catch (error) {
    if (error instanceof RequestError) limits.wrong(request);
    throw error;
  }
}

async function principalOfIssuer(
  token: string,
  singleSignOn: SingleSignOn,
): Promise<Principal | undefined> {
  try {
    return await singleSignOn(token);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw unauthenticated(
      `decrypt token fail; the JWT in X-Auth-Token is refused: ${error.message}`,
    );
  }
}

async function readSigned(request: FastifyRequest, parts: Authentication): Promise<Signed> {
  const { gatekeeper, now, limits, lockouts } = parts;
  const claim = verified(() => readClaim(request.headers, now()));
  request.claimed = claim.accessKeyId.slice(0, KEY_ID_LENGTH_MAX);
  refuseLockedOut(lockouts, lockoutKey(request, claim), now());
  await limits.credential(request, claim.accessKeyId);
  const known = await gatekeeper.accessKey(claim.accessKeyId);
  if (known === undefined) {
    await countFailure(request, claim, parts);
    throw unauthenticated(`Get secretKey failed,ak:${request.claimed},err:ak not exist`);
  }
  return { claim, ...known };
}

/** @throws {RequestError} for what is wrong with a signature. */
export function verified<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw unauthenticated(error.message);
  }
}

export function unauthenticated(reason: string): RequestError {
  return new RequestError('unauthenticated', reason);
}
