import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from 'jose';
import type { Clock } from '../../platform/base/clock.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { Gatekeeper, Principal } from './identity-service.ts';
import { ServiceError } from '../service-error.ts';

/** An issuer whose tokens are accepted, and the claims that describe their holder. */
export interface Issuer {
  /** The exact value of `iss`. */
  readonly issuer: string;
  /** The value of `aud` in tokens for this service. */
  readonly audience: string;
  /** The URL of its keys; undefined: taken from its discovery document. */
  readonly jwksUri?: string | undefined;
  /** The claim that names the holder in the audit. */
  readonly userClaim: string;
  /** The claim with the ID of the only project that a token is for. */
  readonly projectClaim?: string | undefined;
  /** That project's ID where the token does not say it; undefined: wherever its groups were granted something. */
  readonly project?: string | undefined;
  /** The claim with the names of our groups. */
  readonly groupsClaim?: string | undefined;
  /** Precedes the name of each group here, because two issuers may use one name for two groups. */
  readonly groupsPrefix?: string | undefined;
  /** Whether the holder is our user of that name, if there is one, with what that user was granted. */
  readonly mapsUsers?: boolean | undefined;
}

export interface SingleSignOnOptions {
  readonly issuers: readonly Issuer[];
  /** Finds one of our users by its name, never by its ID. */
  readonly userNamed: Gatekeeper['userNamed'];
  readonly clock: Clock;
  readonly log: Logger;
  /** How soon an issuer may be queried again for a key that it did not have. */
  readonly askAgainMs?: number;
}

/** Verifies tokens of other issuers; undefined for a text that is not one of their tokens. */
export type SingleSignOn = (token: string) => Promise<Principal | undefined>;

/** A token of one of the issuers was rejected; the message says why, and may be sent to the caller. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

const ASK_AGAIN_MS = 30_000;
/** How long a failed request to an issuer is not repeated; its tokens are refused meanwhile. */
const FAILED_AGAIN_MS = 2_000;
const TIMEOUT_MS = 5_000;
const SKEW_SECONDS = 30;
const NAME_MAX = 256;
const GROUPS_MAX = 200;
/** Of key pairs only: with a shared secret an issuer's public key could be made to sign. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/**
 * Verifies JWTs of these issuers with the keys that they publish.
 *
 * @throws {TokenRefused} for a token of theirs that is rejected.
 * @throws {ServiceError} `unavailable` while an issuer's keys cannot be fetched.
 */
export function singleSignOn({
  issuers,
  userNamed,
  clock,
  log,
  askAgainMs = ASK_AGAIN_MS,
}: SingleSignOnOptions): SingleSignOn {
  const known = new Map(
    issuers.map((issuer) => {
      const keys = new IssuerKeys(issuer, { clock, log, askAgainMs });
      return [issuer.issuer, { issuer, keys }] as const;
    }),
  );
  return async (token) => {
    const named = known.get(issuerOf(token) ?? '');
    if (named === undefined) return undefined;
    const payload = await verified(token, named.issuer, named.keys, clock.now());
    return await principalOf(payload, named.issuer, userNamed);
  };
}

/** The issuer that a token names, not yet verified; undefined where it is not a JWT. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

async function verified(
  token: string,
  issuer: Issuer,
  keys: IssuerKeys,
  now: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      algorithms,
      issuer: issuer.issuer,
      audience: issuer.audience,
      requiredClaims: ['exp', issuer.userClaim],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now),
    });
    return payload;
  } catch (error) {
    // The library can fail in many ways for bytes that any client may send.
    if (error instanceof ServiceError) throw error;
    throw new TokenRefused(whyOf(error), { cause: error });
  }
}

/** In our words: those of the library may quote the token. */
function whyOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired; get another from its issuer';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `its ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not the expected value'}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `it is not signed by ${algorithms.join(', ')}`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'its issuer has no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it does not name its key by kid';
  return 'its signature is not that of its issuer';
}

async function principalOf(
  payload: JWTPayload,
  issuer: Issuer,
  userNamed: Gatekeeper['userNamed'],
): Promise<Principal> {
  const { userClaim, projectClaim, project, groupsClaim, groupsPrefix = '' } = issuer;
  const name = textOf(payload, userClaim);
  if (name === undefined) throw new TokenRefused(`its ${userClaim} is missing`);
  const named = projectClaim === undefined ? undefined : textOf(payload, projectClaim);
  const groups = groupsClaim === undefined ? [] : groupsOf(payload, groupsClaim);
  const user = issuer.mapsUsers === true ? await userNamed(name) : undefined;
  if (user?.enabled === false) throw new TokenRefused('its user is disabled here');
  return {
    kind: 'single-sign-on',
    // Two issuers may use one name for two people.
    name: `${name} of ${new URL(issuer.issuer).host}`,
    userId: user?.id,
    groups: groups.map((group) => `${groupsPrefix}${group}`),
    projectId: named ?? project,
  };
}

/** A claim that names one thing. */
function textOf(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim];
  if (value === undefined || value === null) return undefined;
  if (isName(value)) return value;
  throw new TokenRefused(`its ${claim} must be a text of 1 to ${NAME_MAX} characters, without NUL`);
}

/** A list of names, or one name. */
function groupsOf(payload: JWTPayload, claim: string): readonly string[] {
  const value = payload[claim] ?? [];
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (names.length <= GROUPS_MAX && names.every(isName)) return names;
  throw new TokenRefused(
    `its ${claim} must be a list of at most ${GROUPS_MAX} names of 1 to ${NAME_MAX} characters, without NUL`,
  );
}

/** Whether PostgreSQL can store the text as a name. */
function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > NAME_MAX) return false;
  return value !== '' && !value.includes('\0') && value.isWellFormed();
}

type KeysOptions = Required<Omit<SingleSignOnOptions, 'issuers' | 'userNamed'>>;

/** An issuer does not serve its keys at present. */
class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/**
 * The keys of an issuer. The library keeps them, and fetches them again when they are old or a token
 * names a new one. A failed request is not repeated for a moment, so that tokens cannot cause many.
 */
class IssuerKeys {
  readonly #issuer: Issuer;
  readonly #options: KeysOptions;
  #keys: Promise<RemoteJWKSet> | undefined;
  #failed: { readonly cause: KeysUnavailable; readonly until: number } | undefined;

  constructor(issuer: Issuer, options: KeysOptions) {
    this.#issuer = issuer;
    this.#options = options;
  }

  /** @throws {ServiceError} `unavailable` while the issuer does not serve its keys. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    try {
      this.#keys ??= this.#locate();
      const keys = await this.#keys;
      // Old keys are fetched again, perhaps from a place that has moved.
      if (!keys.fresh && keys.jwks() !== undefined) this.#keys = this.#locate();
      return await (await this.#keys)(header, token);
    } catch (cause) {
      if (!(cause instanceof KeysUnavailable || cause instanceof errors.JWKSInvalid)) throw cause;
      const { issuer } = this.#issuer;
      const message = `The keys of the issuer ${issuer} cannot be fetched. Try again in a moment.`;
      throw new ServiceError('unavailable', message, undefined, { cause });
    }
  };

  async #locate(): Promise<RemoteJWKSet> {
    const { issuer, jwksUri } = this.#issuer;
    const discovery = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    try {
      const url = jwksUri ?? discoveredKeys(issuer, await this.#fetchJson(discovery));
      return createRemoteJWKSet(new URL(url), {
        cooldownDuration: this.#options.askAgainMs,
        [customFetch]: async (address) => Response.json(await this.#fetchJson(address)),
      });
    } catch (error) {
      this.#keys = undefined;
      throw error;
    }
  }

  async #fetchJson(url: string): Promise<object> {
    const { clock, log } = this.#options;
    if (this.#failed !== undefined && clock.now() < this.#failed.until) throw this.#failed.cause;
    try {
      return await fetchJson(url, clock);
    } catch (error) {
      const cause = new KeysUnavailable('an issuer does not serve its keys', { cause: error });
      this.#failed = { cause, until: clock.now() + FAILED_AGAIN_MS };
      const { issuer } = this.#issuer;
      log.warn(
        { event: 'issuer.unreachable', issuer, err: error },
        'its tokens cannot be verified',
      );
      throw cause;
    }
  }
}

/** @throws {KeysUnavailable} where the document does not lead to keys of this issuer. */
function discoveredKeys(issuer: string, document: object): string {
  const found: { readonly issuer?: unknown; readonly jwks_uri?: unknown } = document;
  if (found.issuer !== issuer) throw new KeysUnavailable('the document is of another issuer');
  const uri = typeof found.jwks_uri === 'string' ? found.jwks_uri : '';
  // A person who can change what is in transit could put in keys of their own.
  const isSafe = uri.startsWith('https:') || !issuer.startsWith('https:');
  if (!isSafe || !URL.canParse(uri)) throw new KeysUnavailable('the document names no keys by TLS');
  return uri;
}

async function fetchJson(url: string, clock: Clock): Promise<object> {
  using limit = timeLimit(clock, TIMEOUT_MS);
  const { signal } = limit;
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`answered by ${response.status}`);
  const found: unknown = await response.json();
  if (typeof found !== 'object' || found === null) throw new Error('answered by no object');
  return found;
}
