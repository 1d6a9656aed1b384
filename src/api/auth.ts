import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Action, urnOf } from '../model/policy.ts';
import type { Gatekeeper, Principal } from '../service/identity-service.ts';
import { type SingleSignOn, TokenRefused } from '../service/single-sign-on.ts';
import type { Limits } from './limits.ts';
import { RequestError } from './request-error.ts';
import {
  isSignature,
  readClaim,
  type SignatureClaim,
  SignatureError,
  verify,
} from './signature.ts';
import { Strikes } from './strikes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a caller must be allowed to do. `public` needs no credential, `anybody` any credential; every
     * route says one.
     */
    action?: Action | 'anybody' | 'public';
  }
  interface FastifyRequest {
    /** Who calls; undefined on public routes, and before the credential was looked at. */
    principal: Principal | undefined;
    /** The project that it is about: of the path, else the caller's own. */
    projectId: string | undefined;
    /** A signature that waits for the body. */
    signed: Signed | undefined;
  }
}

interface Signed {
  readonly claim: SignatureClaim;
  readonly principal: Principal;
  readonly secret: string;
}

export interface GuardOptions {
  readonly gatekeeper: Gatekeeper;
  readonly singleSignOn: SingleSignOn;
  readonly limits: Limits;
  readonly now: () => number;
}

const TOKEN_LENGTH_MAX = 16_384;

/**
 * Lets a request pass only with a credential that may do what the route does. Every kind of credential
 * is known here and nowhere else. A path that no route has is refused before: who mistypes a path shall
 * hear of the path.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const strikes = new Strikes(options.now);
  app.decorateRequest('principal', undefined);
  app.decorateRequest('projectId', undefined);
  app.decorateRequest('signed', undefined);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.action === undefined) {
      throw new Error(`${String(method)} ${url} does not say which action it is`);
    }
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) throw new RequestError('no-such-route', `no ${request.method} on this path`);
    if (request.routeOptions.config.action === 'public') return;
    const { authorization } = request.headers;
    const token = request.headers['x-auth-token'];
    if (typeof token === 'string' && token !== '') {
      await admit(request, await holderOf(request, token, options), options);
    } else if (isSignature(authorization)) {
      request.signed = await readSigned(request, options, strikes);
    } else {
      throw unauthenticated('Unauthorized; sign the request, or send a token in X-Auth-Token');
    }
  });
  app.addHook('preParsing', async (request, _reply, payload) => {
    const { signed } = request;
    if (signed === undefined) return payload;
    const body = await readAll(payload, request.routeOptions.bodyLimit);
    verifySigned(request, signed, body, { strikes, limits: options.limits });
    await admit(request, signed.principal, options);
    return Object.assign(Readable.from([body]), { receivedEncodedLength: body.length });
  });
}

async function holderOf(
  request: FastifyRequest,
  token: string,
  { gatekeeper, singleSignOn, limits }: GuardOptions,
): Promise<Principal> {
  limits.credential(request, token);
  try {
    if (token.length > TOKEN_LENGTH_MAX) {
      throw unauthenticated(
        `decrypt token fail; a token has ${TOKEN_LENGTH_MAX} characters at most`,
      );
    }
    const principal = (await vouchedFor(token, singleSignOn)) ?? (await gatekeeper.holderOf(token));
    if (principal === undefined) {
      throw unauthenticated(
        'decrypt token fail; the token in X-Auth-Token is not known or has ended',
      );
    }
    limits.right(token);
    return principal;
  } catch (error) {
    if (error instanceof RequestError) limits.wrong(request);
    throw error;
  }
}

async function vouchedFor(
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

async function readSigned(
  request: FastifyRequest,
  { gatekeeper, now, limits }: GuardOptions,
  strikes: Strikes,
): Promise<Signed> {
  const claim = readingClaim(() => readClaim(request.headers, now()));
  const key = strikeKey(request, claim);
  if (strikes.isOut(key)) throw unauthenticated('AK access failed to reach the limit,forbidden');
  limits.credential(request, claim.accessKeyId);
  const known = await gatekeeper.accessKey(claim.accessKeyId);
  if (known === undefined) {
    strikes.add(key);
    limits.wrong(request);
    const ak = claim.accessKeyId.slice(0, 64);
    throw unauthenticated(`Get secretKey failed,ak:${ak},err:ak not exist`);
  }
  return { claim, principal: known.principal, secret: known.secret.reveal() };
}

/** Of one address: nobody can lock another's key. */
function strikeKey(request: FastifyRequest, { accessKeyId }: SignatureClaim): string {
  return `${request.ip} ${accessKeyId}`;
}

function verifySigned(
  request: FastifyRequest,
  { claim, secret }: Signed,
  body: Uint8Array,
  { strikes, limits }: { readonly strikes: Strikes; readonly limits: Limits },
): void {
  const { method, headers } = request;
  const url = request.raw.url ?? '/';
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  const key = strikeKey(request, claim);
  try {
    readingClaim(() =>
      verify(claim, secret, { method, url, headers, bodySha256, bodyLength: body.length }),
    );
    strikes.clear(key);
    limits.right(claim.accessKeyId);
  } catch (error) {
    strikes.add(key);
    limits.wrong(request);
    throw error;
  }
}

function readingClaim<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw unauthenticated(error.message);
  }
}

function unauthenticated(reason: string): RequestError {
  return new RequestError('unauthenticated', reason);
}

async function readAll(payload: AsyncIterable<Uint8Array>, max: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of payload) {
    length += chunk.length;
    if (length > max) throw new RequestError('body-too-large', `at most ${max} bytes are taken`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws {RequestError} that does not tell whether the project or the task exists. */
async function admit(
  request: FastifyRequest,
  principal: Principal,
  { gatekeeper, limits }: GuardOptions,
): Promise<void> {
  request.principal = principal;
  const { action = 'public' } = request.routeOptions.config;
  if (action === 'public' || action === 'anybody') return;
  const params = request.params as { readonly project_id?: string; readonly sync_task_id?: string };
  const named = request.headers['x-project-id'];
  const projectId = params.project_id ?? (typeof named === 'string' ? named : principal.projectId);
  // Clients say the project twice; the header is not always signed, so it is no more than a claim.
  if (named !== undefined && named !== projectId) {
    throw new RequestError('not-allowed', 'X-Project-Id is not the project of the path');
  }
  request.projectId = projectId;
  const resource = urnOf(action, projectId ?? '', params.sync_task_id);
  if (!(await gatekeeper.may(principal, projectId, { action, resource }))) {
    throw new RequestError('not-allowed', `the credential may not do ${action} here`);
  }
  limits.call(request, action);
}
