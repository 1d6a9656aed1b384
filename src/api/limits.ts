import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { RateLimit } from '../base/rate-limit.ts';
import type { Action } from '../model/policy.ts';
import { RequestError } from './request-error.ts';

/** How much one may ask of one process, a minute; 0: as much as they like. */
export interface RequestLimits {
  /** Passwords of one address. */
  readonly logInsPerMinute: number;
  /** Credentials of one address that were not right. */
  readonly authFailuresPerMinute: number;
  /** Calls of one project and address that cost much: creations, starts, statistics. */
  readonly callsPerMinute: number;
  /** Requests with events of one project and address. */
  readonly eventsPerMinute: number;
}

const costs: Partial<Record<Action, 'calls' | 'events'>> = {
  'oms:synctask:create': 'calls',
  'oms:synctask:update': 'calls',
  'oms:synctask:statistics': 'calls',
  'iam:write': 'calls',
  'oms:synctask:createEvent': 'events',
};

const KNOWN_MAX = 10_000;

/** Holds back who asks too often. Addresses are those of clients: see the trusted proxies. */
export class Limits {
  readonly #logIns: RateLimit;
  readonly #failures: RateLimit;
  readonly #costly: Readonly<Record<'calls' | 'events', RateLimit>>;
  /** Hashes of credentials that were right, the least recent first. */
  readonly #known = new Set<string>();

  constructor(limits: RequestLimits, now: () => number) {
    const of = (perMinute: number) => new RateLimit({ perMinute, now });
    this.#logIns = of(limits.logInsPerMinute);
    this.#failures = of(limits.authFailuresPerMinute);
    this.#costly = { calls: of(limits.callsPerMinute), events: of(limits.eventsPerMinute) };
  }

  /** @throws {RequestError} as all of these: `too-many-requests`. */
  logIn(request: FastifyRequest): void {
    const wait = this.#logIns.take(addressOf(request));
    if (wait > 0) throw tooMany('log-ins from this address', wait);
  }

  /**
   * Before a credential is looked at. One that was right before is looked at in any case: whoever guesses
   * from behind the same proxy shuts nobody out who is in.
   */
  credential(request: FastifyRequest, credential: string): void {
    if (this.#known.has(hashOf(credential))) return;
    const wait = this.#failures.wait(addressOf(request));
    if (wait > 0) throw tooMany('wrong credentials from this address', wait);
  }

  wrong(request: FastifyRequest): void {
    this.#failures.take(addressOf(request));
  }

  right(credential: string): void {
    const hash = hashOf(credential);
    this.#known.delete(hash);
    this.#known.add(hash);
    const [oldest] = this.#known;
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Of a caller who may do this. */
  call(request: FastifyRequest, action: Action): void {
    const kind = costs[action];
    if (kind === undefined) return;
    const wait = this.#costly[kind].take(`${request.projectId ?? ''} ${addressOf(request)}`);
    if (wait > 0) throw tooMany(`${kind} of this project from this address`, wait);
  }
}

function tooMany(what: string, waitMs: number): RequestError {
  const seconds = Math.ceil(waitMs / 1000);
  const detail = `too many ${what}; try again in ${seconds} s`;
  return new RequestError('too-many-requests', detail, { retryAfterSeconds: seconds });
}

function hashOf(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}

/** Whoever has one address of version 6 has the whole network of 64 bits. */
function addressOf({ ip }: FastifyRequest): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip;
  const [head = '', tail] = ip.split('::');
  const [first, last] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8).fill('0');
  const groups = tail === undefined ? first : [...(first ?? []), ...zeros, ...(last ?? [])];
  return (groups ?? []).slice(0, 4).join(':');
}
