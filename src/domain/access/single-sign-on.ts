import {
  type CryptoKey,
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { Logger } from '../../platform/base/log.ts';
import type { Gatekeeper, Principal } from './identity-service.ts';
import { ServiceError } from '../service-error.ts';

/** Whose tokens are let in, and what they say of their holder. */
export interface Issuer {
  /** As it stands in `iss`, character by character. */
  readonly issuer: string;
  /** What stands in `aud` of tokens that are meant for us. */
  readonly audience: string;
  /** Where its keys are; undefined: as its discovery document says. */
  readonly jwksUri?: string | undefined;
  /** The claim that names the holder in the audit. */
  readonly userClaim: string;
  /** The claim that has the ID of the only project that a token is for. */
  readonly projectClaim?: string | undefined;
  /** That project's ID where the token does not say it; undefined: wherever its groups were granted something. */
  readonly project?: string | undefined;
  /** The claim with the names of groups of ours. */
  readonly groupsClaim?: string | undefined;
  /** Stands before the name of each group here: two issuers may know two groups by one name. */
  readonly groupsPrefix?: string | undefined;
  /** Whether the holder is our user of that name, if there is one, with what that user was granted. */
  readonly mapsUsers?: boolean | undefined;
}

export interface SingleSignOnOptions {
  readonly issuers: readonly Issuer[];
  /** A user of ours, by name and by nothing else. */
  readonly userNamed: Gatekeeper['userNamed'];
  readonly now: () => number;
  readonly log: Logger;
  /** How soon an issuer may be asked again for a key that it did not have. */
  readonly askAgainMs?: number;
}

/** Knows tokens of other issuers; undefined for what is none of theirs. */
export type SingleSignOn = (token: string) => Promise<Principal | undefined>;

/** A token of one of the issuers that is not let in; the message says why, and may be told to its sender. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

const ASK_AGAIN_MS = 30_000;
/** How soon an issuer that did not answer is asked again: its tokens are refused until it has answered. */
const ASK_FAILED_AGAIN_MS = 2_000;
/** Keys that an issuer has withdrawn are believed this long. */
const KEYS_BELIEVED_MS = 10 * 60_000;
const TIMEOUT_MS = 5_000;
const SKEW_SECONDS = 30;
const NAME_MAX = 256;
const GROUPS_MAX = 200;
/** Of key pairs only: with a shared secret an issuer's public key could be made to sign. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/**
 * Knows JWTs of these issuers, by the keys that they publish.
 *
 * @throws {TokenRefused} for a token of theirs that is not let in.
 * @throws {ServiceError} `unavailable` while an issuer's keys cannot be had.
 */
export function singleSignOn({
  issuers,
  userNamed,
  now,
  log,
  askAgainMs = ASK_AGAIN_MS,
}: SingleSignOnOptions): SingleSignOn {
  const known = new Map(
    issuers.map((issuer) => {
      const keys = new IssuerKeys(issuer, { now, log, askAgainMs });
      return [issuer.issuer, { issuer, keys }] as const;
    }),
  );
  return async (token) => {
    const named = known.get(issuerOf(token) ?? '');
    if (named === undefined) return undefined;
    const payload = await verified(token, named.issuer, named.keys, now());
    return await principalOf(payload, named.issuer, userNamed);
  };
}

/** What a token says of its issuer, unproved; undefined where it is no JWT. */
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
    // The library has many ways to fail over bytes that anybody may send.
    if (error instanceof ServiceError) throw error;
    throw new TokenRefused(whyOf(error), { cause: error });
  }
}

/** In our words: those of the library may quote the token. */
function whyOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired; get another from its issuer';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `its ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not what is asked for'}`;
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
    // Two issuers may know two people by one name.
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

/** What databases take as a name. */
function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > NAME_MAX) return false;
  return value !== '' && !value.includes('\0') && value.isWellFormed();
}

/** Finds the key of a token by its header. */
type FindKey = (...token: Parameters<ReturnType<typeof createLocalJWKSet>>) => Promise<CryptoKey>;

type KeysOptions = Required<Omit<SingleSignOnOptions, 'issuers' | 'userNamed'>>;

/** The keys of an issuer: asked for when first needed, again when a token names a new one, and never often. */
class IssuerKeys {
  readonly #issuer: Issuer;
  readonly #options: KeysOptions;
  #found: { readonly find: FindKey; readonly at: number } | undefined;
  #asked: { readonly answer: Promise<FindKey>; readonly again: number } | undefined;

  constructor(issuer: Issuer, options: KeysOptions) {
    this.#issuer = issuer;
    this.#options = options;
  }

  /** @throws {ServiceError} `unavailable` while the issuer does not tell. */
  readonly find: FindKey = async (...header) => {
    const found = this.#found;
    const fresh = found !== undefined && this.#options.now() - found.at < KEYS_BELIEVED_MS;
    const find = fresh ? found.find : await this.#ask();
    try {
      return await find(...header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return await (await this.#ask())(...header);
    }
  };

  /**
   * What was answered a moment ago is the answer still, so that tokens cannot make us ask often. A
   * failure is remembered for a much shorter time than keys.
   */
  #ask(): Promise<FindKey> {
    const { now, askAgainMs } = this.#options;
    if (this.#asked === undefined || now() >= this.#asked.again) {
      const asked = { answer: this.#fetch(), again: now() + askAgainMs };
      this.#asked = asked;
      asked.answer.catch(() => {
        asked.again = now() + Math.min(askAgainMs, ASK_FAILED_AGAIN_MS);
      });
    }
    return this.#asked.answer;
  }

  async #fetch(): Promise<FindKey> {
    const { issuer, jwksUri } = this.#issuer;
    try {
      const keys = await fetchJson(jwksUri ?? (await discoveredKeys(issuer)));
      const find = createLocalJWKSet(keys as JSONWebKeySet);
      this.#found = { find, at: this.#options.now() };
      return find;
    } catch (cause) {
      this.#options.log.warn(
        { event: 'issuer.unreachable', issuer, err: cause },
        'its keys were not told: its tokens cannot be verified',
      );
      const message = `The keys of the issuer ${issuer} cannot be had. Try again in a moment.`;
      throw new ServiceError('unavailable', message, undefined, { cause });
    }
  }
}

async function discoveredKeys(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = (await fetchJson(url)) as {
    readonly issuer?: unknown;
    readonly jwks_uri?: unknown;
  };
  if (found.issuer !== issuer) throw new Error('the discovery document is of another issuer');
  const uri = typeof found.jwks_uri === 'string' ? found.jwks_uri : '';
  // Whoever may change what is in transit could put in keys of their own.
  if (!uri.startsWith('https:') && issuer.startsWith('https:')) throw new Error('keys without TLS');
  return uri;
}

async function fetchJson(url: string): Promise<unknown> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`answered by ${response.status}`);
  const found: unknown = await response.json();
  if (typeof found !== 'object' || found === null) throw new Error('answered by no object');
  return found;
}
