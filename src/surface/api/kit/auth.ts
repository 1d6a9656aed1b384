import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Secret } from '../../../platform/base/seal.ts';
import { type Action, urnOf } from '../../../platform/model/policy.ts';
import type { Gatekeeper, Principal } from '../../../domain/access/identity-service.ts';
import type { Lockouts } from '../../../domain/access/lockouts.ts';
import type { UsedSignatures } from '../../../domain/access/used-signatures.ts';
import { type SingleSignOn, TokenRefused } from '../../../domain/access/single-sign-on.ts';
import { type BodyLimits, bodyTooLarge, limitsFor } from './body-limits.ts';
import { readBody, UnfinishedBody } from './body-reader.ts';
import { type BodyRoom, type HeldBytes, unlimitedRoom } from './body-room.ts';
import { bytesAnnounced, hasBody } from './connections.ts';
import { assertJson } from './json-body.ts';
import { scanWhole } from './json-scan.ts';
import { addressOf, type Cost, costOf, type Limits } from './limits.ts';
import { lockoutKey, refuseLockedOut } from './lockout.ts';
import { RequestError } from './request-error.ts';
import {
  isSignature,
  readClaim,
  type SignatureClaim,
  SignatureError,
  verify,
} from './signature.ts';
import { refuseBroken } from './validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a caller must be allowed to do. `public` needs no credential, `anybody` any credential; every
     * route says one.
     */
    action?: Action | 'anybody' | 'public';
    /** Which limit it counts for, where the action alone does not say. */
    costs?: Cost;
  }
  interface FastifyRequest {
    /** Who calls; undefined on public routes, and before the credential was looked at. */
    principal: Principal | undefined;
    /** The project that it is about: of the path, else the caller's own. */
    projectId: string | undefined;
    /** A signature that waits for the body. */
    signed: Signed | undefined;
    /**
     * Identifies a signed request, whose signature was verified: SHA-256 of the access key ID, the signature and
     * the hash of the body. Equal requests of one second have one.
     */
    signedCall: string | undefined;
    /** Who it says it is of: the access key or the user. For the log, since it may not be true. */
    claimed: string | undefined;
    /** Its body, and the room that it takes while the caller is not known. */
    bytes: Buffer | undefined;
    room: HeldBytes | undefined;
  }
}

interface Signed {
  readonly claim: SignatureClaim;
  readonly principal: Principal;
  readonly secret: Secret;
}

export interface GuardOptions {
  readonly gatekeeper: Gatekeeper;
  readonly singleSignOn: SingleSignOn;
  readonly limits: Limits;
  readonly room: BodyRoom;
  readonly now: () => number;
  readonly lockouts: Lockouts;
  readonly usedSignatures: UsedSignatures;
}

const TOKEN_LENGTH_MAX = 16_384;
const KEY_ID_LENGTH_MAX = 64;
/** Clients sign to the second: two equal requests of one second have one signature. */
const SAME_SECOND_MS = 2_000;
/**
 * Calls for which a signature must not be used again, and for how long after its first use it may be all the same.
 * A creation of OMS is not here: one that is repeated gets what the first one created (`SignedCreations`). What a
 * repeated start, stop or deletion asks for is done already. Keys, users and rights are never created twice.
 */
const onlyOnce: Partial<Record<Action | 'anybody' | 'public', number>> = {
  'oms:synctask:update': SAME_SECOND_MS,
  'oms:synctask:delete': SAME_SECOND_MS,
  'iam:write': 0,
};

/**
 * Lets a request pass only with a credential that may do what the route does. Every kind of credential
 * is known here and nowhere else.
 */
export function guard(app: FastifyInstance, door: GuardOptions): void {
  app.decorateRequest('principal', undefined);
  app.decorateRequest('projectId', undefined);
  app.decorateRequest('signed', undefined);
  app.decorateRequest('signedCall', undefined);
  app.decorateRequest('claimed', undefined);
  app.decorateRequest('bytes', undefined);
  app.decorateRequest('room', undefined);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.action === undefined) {
      throw new Error(`${String(method)} ${url} does not say which action it is`);
    }
  });
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.action === 'public') return;
    const { authorization } = request.headers;
    const token = request.headers['x-auth-token'];
    if (typeof token === 'string' && token !== '') {
      await admit(request, await holderOf(request, token, door), door);
    } else if (isSignature(authorization)) {
      request.signed = await readSigned(request, door);
      if (hasBody(request)) await judgeUnverified(request, request.signed.principal, door);
    } else {
      throw unauthenticated('Unauthorized; sign the request, or send a token in X-Auth-Token');
    }
  });
  app.addHook('preParsing', async (request, reply, payload) => {
    const limits = await limitsFor(request);
    const { signed } = request;
    // A stranger's bytes are not worth a look before the signature says whose they are.
    const readAs = signed === undefined ? limits : { ...limits, values: 0 };
    await takeBody(request, reply, { payload, limits: readAs, door });
    if (signed === undefined) return;
    const judged = await judgedByCurrentSecret(request, signed, door);
    request.signedCall = await admitSigned(request, judged, door);
    request.room?.release();
    await admit(request, signed.principal, door);
    if (limits.values > 0) await scanWhole(request.bytes ?? Buffer.alloc(0), limits);
  });
  app.addHook('onResponse', async (request) => request.room?.release());
}

/** Reads the body, of a caller that is not known yet into the room that all of them share. */
async function takeBody(
  request: FastifyRequest,
  reply: FastifyReply,
  body: { readonly payload: Readable; readonly limits: BodyLimits; readonly door: GuardOptions },
): Promise<void> {
  const { payload, limits, door } = body;
  if (
    bytesAnnounced(request) > limits.bytes &&
    request.headers['transfer-encoding'] === undefined
  ) {
    throw bodyTooLarge(limits);
  }
  if (hasBody(request) && request.routeOptions.schema?.body !== undefined) assertJson(request);
  request.room =
    request.principal === undefined ? door.room.open(addressOf(request)) : unlimitedRoom;
  reply.raw.once('close', () => request.room?.release());
  if (request.headers.expect !== undefined) reply.raw.writeContinue();
  try {
    request.bytes = await readBody(payload, limits, request.room);
  } catch (error) {
    request.room.release();
    void reply.header('connection', 'close');
    // Whatever is wrong with a body that a stranger has signed: attempts are limited.
    if (error instanceof RequestError && error.problem === 'bad-http') {
      await failSigned(request, door);
    }
    if (error instanceof UnfinishedBody) {
      logUnfinished(request);
      request.raw.destroy();
    }
    throw error;
  }
}

async function failSigned(request: FastifyRequest, door: GuardOptions): Promise<void> {
  if (request.signed !== undefined) await fail(request, request.signed.claim, door);
}

/** Nobody is there to be answered, so that the log has no other line of it. */
function logUnfinished({ ip: address, claimed: caller, log }: FastifyRequest): void {
  log.info({ event: 'api.unfinished', address, caller }, 'a body did not arrive whole');
}

/** A signature that was not right, or came with a body that did not end: a caller cannot try for free. */
async function fail(
  request: FastifyRequest,
  claim: SignatureClaim,
  { lockouts, limits }: GuardOptions,
): Promise<void> {
  limits.wrong(request);
  await lockouts.failed(lockoutKey(request, claim));
}

/**
 * Refuses what the holder of the key may not do, or does too often, before the body is read, by which alone the
 * signature can be verified. Nothing is counted: whoever knows the key's ID could use up what is its holder's.
 */
async function judgeUnverified(
  request: FastifyRequest,
  principal: Principal,
  { gatekeeper, limits }: GuardOptions,
): Promise<void> {
  const { action = 'public', costs } = request.routeOptions.config;
  if (action !== 'public' && action !== 'anybody') {
    try {
      await authorize(request, principal, action, gatekeeper);
    } catch (error) {
      request.principal = { ...principal, kind: 'access-key-unverified' }; // For the audit.
      throw error;
    }
  }
  const cost = costs ?? costOf(action);
  if (cost !== undefined) limits.mayCall(request, cost);
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
    limits.right(request, token);
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

async function readSigned(request: FastifyRequest, door: GuardOptions): Promise<Signed> {
  const { gatekeeper, now, limits, lockouts } = door;
  const claim = readingClaim(() => readClaim(request.headers, now()));
  const ak = claim.accessKeyId.slice(0, KEY_ID_LENGTH_MAX);
  request.claimed = ak;
  const key = lockoutKey(request, claim);
  refuseLockedOut(lockouts, key, now());
  limits.credential(request, claim.accessKeyId);
  const known = await gatekeeper.accessKey(claim.accessKeyId);
  if (known === undefined) {
    await fail(request, claim, door);
    throw unauthenticated(`Get secretKey failed,ak:${ak},err:ak not exist`);
  }
  return { claim, ...known };
}

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
  { gatekeeper }: GuardOptions,
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
    readingClaim(() =>
      verify(claim, secret.reveal(), { method, url, headers, bodySha256, bodyLength: body.length }),
    );
    return { claim, bodySha256, refusal: undefined };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { claim, bodySha256, refusal: error };
  }
}

/** @returns What identifies the request. */
async function admitSigned(
  request: FastifyRequest,
  judged: Judged,
  door: GuardOptions,
): Promise<string> {
  const { claim, bodySha256, refusal } = judged;
  const key = lockoutKey(request, claim);
  await door.lockouts.refresh(key);
  // Others may have failed while the body came; from here to this process's count nothing comes in between.
  refuseLockedOut(door.lockouts, key, door.now());
  if (refusal !== undefined) {
    await fail(request, claim, door);
    throw refusal;
  }
  await door.lockouts.succeeded(key);
  door.limits.right(request, claim.accessKeyId);
  const parts = [claim.accessKeyId, claim.signature, bodySha256];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

function readingClaim<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw unauthenticated(error.message);
  }
}

/** A project as a refusal names it. What does not have the form of our IDs may be anything, a secret pasted in its place too. */
function projectInWords(projectId: string): string {
  return /^[0-9a-f]{32}$/.test(projectId) ? `the project ${projectId}` : 'the project of the path';
}

function unauthenticated(reason: string): RequestError {
  return new RequestError('unauthenticated', reason);
}

/** @throws {RequestError} when the caller may not do this, did it before, or does it too often. */
async function admit(
  request: FastifyRequest,
  principal: Principal,
  door: GuardOptions,
): Promise<void> {
  const { gatekeeper, limits, usedSignatures } = door;
  request.principal = principal;
  const { action = 'public', costs } = request.routeOptions.config;
  if (action !== 'public' && action !== 'anybody') {
    await authorize(request, principal, action, gatekeeper);
  }
  const cost = costs ?? costOf(action);
  const graceMs = onlyOnce[action];
  if (request.signedCall !== undefined && graceMs !== undefined) {
    // Before it is stored, so that too many calls fill no table. A repeated call counts for no limit.
    if (cost !== undefined) limits.mayCall(request, cost);
    if (!(await usedSignatures.mayUse(request.signedCall, graceMs))) {
      throw unauthenticated('this signature was used already; sign the request again');
    }
  }
  if (cost !== undefined) limits.call(request, cost);
}

/** @throws {RequestError} that does not tell whether the project or the task exists. */
async function authorize(
  request: FastifyRequest,
  principal: Principal,
  action: Action,
  gatekeeper: Gatekeeper,
): Promise<void> {
  const params = request.params as { readonly project_id?: string; readonly sync_task_id?: string };
  refuseBroken(params);
  const named = request.headers['x-project-id'];
  const projectId = params.project_id ?? (typeof named === 'string' ? named : principal.projectId);
  // Clients say the project twice; the header is not always signed, so it is no more than a claim.
  if (named !== undefined && named !== projectId) {
    throw new RequestError('not-allowed', 'X-Project-Id is not the project of the path');
  }
  request.projectId = projectId;
  const resource = urnOf(action, projectId ?? '', params.sync_task_id);
  if (await gatekeeper.may(principal, projectId, { action, resource })) return;
  const why =
    projectId === undefined
      ? `the credential is of no one project: send the header X-Project-Id with one in which it may do ${action}`
      : `the credential may not do ${action} in ${projectInWords(projectId)}`;
  throw new RequestError('not-allowed', why);
}
