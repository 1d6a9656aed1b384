import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../../../platform/base/bounded-map.ts';
import type { LogIns } from '../../../domain/access/lockouts.ts';
import type { Rate, Rates } from '../../../domain/access/rates.ts';
import type { Action } from '../../../platform/model/policy.ts';
import { RequestError } from './request-error.ts';

/** How many requests a caller may send a minute, to all processes together; 0: any number. */
export interface RequestLimits {
  /** Passwords of one address. */
  readonly logInsPerMinute: number;
  /** Wrong credentials of one address. */
  readonly authFailuresPerMinute: number;
  /** Costly calls of one project, and of one address: creations, starts, statistics. */
  readonly callsPerMinute: number;
  /** Requests with events of one project, and of one address. */
  readonly eventsPerMinute: number;
  /** Requests for long lists of one project, and of one address. */
  readonly listsPerMinute: number;
}

/** Which of the limits a call counts for. */
export type Cost = 'calls' | 'events' | 'lists';

const costs: Partial<Record<Action, Cost>> = {
  'oms:synctask:create': 'calls',
  'oms:synctask:update': 'calls',
  'oms:synctask:delete': 'calls',
  'oms:synctask:statistics': 'calls',
  'oms:synctask:createEvent': 'events',
  'iam:write': 'calls',
  'iam:read': 'lists',
  'audit:list': 'lists',
};

/** The kind of cost of an action; undefined: little. */
export function costOf(action: Action | 'anybody' | 'public'): Cost | undefined {
  return action === 'anybody' || action === 'public' ? undefined : costs[action];
}

const KNOWN_MAX = 10_000;

/** Limits how often a caller may send requests. Addresses are those of clients: see the trusted proxies. */
export class Limits {
  readonly #logInsPerMinute: number;
  readonly #logIns: LogIns;
  readonly #failures: Rate;
  readonly #costly: Readonly<Record<Cost, { ofProject: Rate; ofAddress: Rate }>>;
  /** Hashes of credentials that were right at an address. */
  readonly #known = new BoundedMap<string, true>(KNOWN_MAX);

  constructor(limits: RequestLimits, logIns: LogIns, rates: Rates) {
    this.#logInsPerMinute = limits.logInsPerMinute;
    this.#logIns = logIns;
    this.#failures = rates.of('failures from', limits.authFailuresPerMinute);
    const both = (cost: Cost, perMinute: number) => ({
      ofProject: rates.of(`${cost} of`, perMinute),
      ofAddress: rates.of(`${cost} from`, perMinute),
    });
    this.#costly = {
      calls: both('calls', limits.callsPerMinute),
      events: both('events', limits.eventsPerMinute),
      lists: both('lists', limits.listsPerMinute),
    };
  }

  /** @throws {RequestError} as all of these: `too-many-requests`. */
  async logIn(request: FastifyRequest): Promise<void> {
    const wait = await this.#logIns.take(addressOf(request), this.#logInsPerMinute);
    if (wait > 0) throw tooMany('log-ins from this address', wait);
  }

  /**
   * Called before a credential is checked. A credential that was right before at this address is checked in
   * any case, so that a client that guesses behind the same proxy does not lock out one that is logged in.
   * At another address it counts as a guess, because the ID of an access key is no secret.
   */
  async credential(request: FastifyRequest, credential: string): Promise<void> {
    if (this.#known.has(hashOf(request, credential))) return;
    const wait = await this.#failures.wait(addressOf(request));
    if (wait > 0) throw tooMany('wrong credentials from this address', wait);
  }

  wrong(request: FastifyRequest): void {
    this.#failures.take(addressOf(request));
  }

  right(request: FastifyRequest, credential: string): void {
    this.#known.set(hashOf(request, credential), true);
  }

  /** Counts a call of a caller that may make it. Counted per project and per address, so neither can be multiplied. */
  async call(request: FastifyRequest, cost: Cost): Promise<void> {
    const { ofProject, ofAddress } = this.#costly[cost];
    const project = projectOf(request);
    const address = addressOf(request);
    do {
      await this.mayCall(request, cost);
      // While one of the two was awaited, other calls may have used up the other.
    } while (!ofAddress.has(address) || (project !== undefined && !ofProject.has(project)));
    ofAddress.take(address);
    if (project !== undefined) ofProject.take(project);
  }

  /** Whether a call would be let through now; counts nothing. */
  async mayCall(request: FastifyRequest, cost: Cost): Promise<void> {
    const { ofProject, ofAddress } = this.#costly[cost];
    const project = projectOf(request);
    const waitOfProject = project === undefined ? 0 : await ofProject.wait(project);
    if (waitOfProject > 0) throw tooMany(`${cost} of this project`, waitOfProject);
    const waitOfAddress = await ofAddress.wait(addressOf(request));
    if (waitOfAddress > 0) throw tooMany(`${cost} from this address`, waitOfAddress);
  }
}

function projectOf({ projectId, principal }: FastifyRequest): string | undefined {
  return projectId ?? principal?.projectId;
}

function tooMany(what: string, waitMs: number): RequestError {
  const seconds = Math.ceil(waitMs / 1000);
  const detail = `too many ${what}; try again in ${seconds} s`;
  return new RequestError('too-many-requests', detail, { retryAfterSeconds: seconds });
}

function hashOf(request: FastifyRequest, credential: string): string {
  return createHash('sha256')
    .update(`${addressOf(request)} ${credential}`)
    .digest('base64');
}

/** An IPv6 address counts as its /64 network, because one customer has all of that. */
export function addressOf({ ip }: FastifyRequest): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  return address.parts
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}
