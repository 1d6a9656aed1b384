import { type Clock, systemClock } from '../base/clock.ts';
import { HttpClient, type HttpOptions, type HttpReply, type HttpRequest } from '../http/http.ts';
import type { SharedClient, SharedClients } from '../http/shared-clients.ts';
import type { Fault } from '../model/fault.ts';
import { StoreError } from '../model/store-error.ts';
import type { Work } from './account-pace.ts';
import { Pacer } from './pacer.ts';
import type { Operation } from './store.ts';

/** A request has ended, with the body of its answer. `aborted` is the caller's own doing. */
export type OnRequest = (
  operation: Operation,
  outcome: 'ok' | 'aborted' | Fault,
  seconds: number,
) => void;

/** One HTTP request of an adapter. */
export interface StoreRequest extends Omit<HttpRequest, 'path' | 'headers' | 'onOver'> {
  readonly operation: Operation;
  /** A list of a scan, which lets all other requests of the account go first. */
  readonly forScan?: boolean | undefined;
  /** Called when the request is about to be sent: a signature has a time, and the request may wait for its turn. */
  readonly sign: () => Pick<HttpRequest, 'path' | 'headers'>;
}

/** What an answer means. */
export interface Answer<T> {
  readonly result: T;
  /** Absent where the store did what was requested. */
  readonly refusal?: { readonly fault: Fault; readonly retryAfterMs?: number | undefined };
}

/** Connections to one origin, as an adapter has them. */
export interface Connection extends AsyncDisposable {
  /**
   * Sends a request when it is its turn.
   *
   * @param read Says what the answer means. Where it rejects with a {@link StoreError}, that is what it means.
   */
  send<T>(request: StoreRequest, read: (reply: HttpReply) => Promise<Answer<T>>): Promise<T>;
}

/** Opens connections: the only way of an adapter to send anything. */
export type Connect = (options: HttpOptions) => Connection;

/** What all requests of a store go through. */
export interface Toll {
  /** Of the account. */
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly onRequest?: OnRequest | undefined;
  /** Of the account, whose stores share them; of this store alone unless given. */
  readonly clients?: SharedClients | undefined;
  /** Whether a caller waits for the answers: these requests go first. */
  readonly forChecks?: boolean | undefined;
}

/**
 * Connections whose every request takes a turn of the pace just before it is sent, and is reported when it has
 * ended. This includes what an adapter sends on its own, to follow a redirect or to explain a refusal: the store counts
 * it as well. The wait for a turn is not counted as time of the store.
 */
export function connecting(toll: Toll): Connect {
  return (options) => {
    const http = toll.clients?.use(options) ?? new HttpClient(options);
    return {
      send: (request, read) => new PacedRequest(request, toll).send(http, read),
      [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
    };
  };
}

/** Connections with a pace of their own, which no account counts. */
export function connectingAlone(clock: Clock = systemClock): Connect {
  return connecting({ pacer: new Pacer(clock), clock });
}

/** Faults that say nothing about what the store allows: it has not answered. */
const unanswered: ReadonlySet<Fault> = new Set<Fault>(['unreachable', 'interrupted']);

type Failure = { readonly cause: unknown } | undefined;

/** One request from its turn to the end of its answer; an object, since one is made for every request. */
class PacedRequest {
  readonly #request: StoreRequest;
  readonly #toll: Toll;
  readonly #work: Work;
  #sentAt = 0;
  /** The exchange has ended, perhaps before it is known what the answer means. */
  #ended: { readonly at: number; readonly failure: Failure } | undefined;
  /** The store did what was requested; the body may still be on its way. */
  #isAccepted = false;

  constructor(request: StoreRequest, toll: Toll) {
    this.#request = request;
    this.#toll = toll;
    const others = toll.forChecks === true ? 'check' : 'object';
    this.#work = request.forScan === true ? 'scan' : others;
  }

  async send<T>(http: SharedClient, read: (reply: HttpReply) => Promise<Answer<T>>): Promise<T> {
    const { sign, ...request } = this.#request;
    this.#sentAt = await this.#toll.pacer.turn(request.signal, this.#work);
    try {
      const reply = await http.send({ ...request, ...sign(), onOver: this });
      const { result, refusal } = await read(reply);
      this.#answered(refusal);
      return result;
    } catch (error) {
      if (error instanceof StoreError) {
        const { fault, details } = error;
        this.#answered({ fault, retryAfterMs: details.retryAfterMs });
      } else {
        this.#report('aborted');
      }
      throw error;
    }
  }

  /** The exchange has ended: its body was received, broke, or was discarded. */
  over(failure: Failure): void {
    this.#ended = { at: this.#toll.clock.monotonic(), failure };
    if (this.#isAccepted) this.#report(outcomeOf(failure));
  }

  #answered(refusal: Answer<unknown>['refusal']): void {
    if (refusal === undefined || !unanswered.has(refusal.fault)) {
      const refused = refusal?.fault === 'throttled';
      const { retryAfterMs } = refusal ?? {};
      const work = this.#work;
      this.#toll.pacer.answered({ sentAt: this.#sentAt, refused, retryAfterMs, work });
    }
    if (refusal !== undefined) {
      this.#report(refusal.fault);
      return;
    }
    this.#isAccepted = true;
    if (this.#ended !== undefined) this.#report(outcomeOf(this.#ended.failure));
  }

  #report(outcome: Outcome): void {
    const { clock, onRequest } = this.#toll;
    const at = this.#ended?.at ?? clock.monotonic();
    onRequest?.(this.#request.operation, outcome, (at - this.#sentAt) / 1000);
  }
}

type Outcome = Parameters<OnRequest>[1];

function outcomeOf(failure: Failure): Outcome {
  if (failure === undefined) return 'ok';
  return failure.cause instanceof StoreError ? failure.cause.fault : 'aborted';
}
