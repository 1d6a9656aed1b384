import { type buildConnector, Client, Pool } from 'undici';
import { KiB } from '../base/bytes.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { type ConnectOptions, connector } from './connect.ts';
import { Exchange, type ExchangeLimits, type HttpReply, type HttpRequest } from './exchange.ts';
import type { Sockets } from './sockets.ts';

/** For requests that a store may think about for minutes, silently, as putting parts together. */
export const SLOW_ANSWER_MS = 600_000;

/**
 * Bytes of the headers of one answer. Node's own limit is 16 KiB; some servers keep more metadata of an
 * object: https://github.com/scality/cloudserver/issues/2119
 */
const HEADERS_MAX = 256 * KiB;

export type { HttpReply, HttpRequest } from './exchange.ts';

export interface HttpOptions extends Omit<ConnectOptions, 'timeoutMs'> {
  /** Scheme, host and port: `https://bucket.s3.eu-west-1.amazonaws.com`. */
  readonly origin: string;
  /** At most so many at once; as many as there are requests in flight unless given. */
  readonly connections?: number | undefined;
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  /** Of the process; unbounded unless given. */
  readonly sockets?: Sockets | undefined;
}

/** Milliseconds, but for the floor. */
export interface HttpTimeouts {
  readonly connect: number;
  /** From the last progress of the request to the answer's headers. */
  readonly headers: number;
  /** Between two pieces of a body. */
  readonly bodyIdle: number;
  readonly keepAlive: number;
  /** From the first interim answer to the last. */
  readonly interim: number;
  /** For the rest of an answer that is given up. */
  readonly drain: number;
  /** Of waiting, over which the speed of a body is measured. */
  readonly speedWindow: number;
  /** The least speed of a body in either direction, bytes a second; 0: any. */
  readonly speedFloor: number;
}

const defaults: HttpTimeouts = {
  connect: 10_000,
  headers: 60_000,
  bodyIdle: 60_000,
  keepAlive: 4_000,
  interim: SLOW_ANSWER_MS,
  drain: 5_000,
  speedWindow: 60_000,
  speedFloor: KiB,
};

/**
 * Connections to one origin. Never follows a redirect, never repeats a request: the outcome is
 * a reply or a {@link StoreError}.
 *
 * undici's `dispatch` rather than its `request`, for a third of the CPU time of a small copy.
 */
export class HttpClient implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #timeouts: HttpTimeouts;
  readonly #limits: ExchangeLimits;
  /** A store that works for minutes may send spaces meanwhile, so as not to seem silent. */
  readonly #slowLimits: ExchangeLimits;

  constructor({ origin, connections, timeouts, sockets, ...options }: HttpOptions) {
    this.#timeouts = { ...defaults, ...timeouts };
    this.#limits = limitsOf(this.#timeouts, options.clock);
    this.#slowLimits = limitsOf({ ...this.#timeouts, speedWindow: SLOW_ANSWER_MS }, options.clock);
    const connect = connector({ ...options, timeoutMs: this.#timeouts.connect });
    const client = {
      pipelining: 1,
      connect,
      maxHeaderSize: HEADERS_MAX,
      bodyTimeout: this.#timeouts.bodyIdle,
      keepAliveTimeout: this.#timeouts.keepAlive,
    };
    this.#pool = new Pool(origin, {
      ...client,
      connections: connections ?? null,
      ...(sockets !== undefined && {
        factory: (url: URL) => boundedClient(url, client, connect, sockets),
      }),
    });
  }

  /** Resolves when the answer's headers are there, whatever its status. */
  send(request: HttpRequest): Promise<HttpReply> {
    const { headersTimeoutMs } = request;
    const limits = headersTimeoutMs === undefined ? this.#limits : this.#slowLimits;
    const exchange = new Exchange(request, limits);
    if (!request.signal.aborted) {
      const headersTimeout = headersTimeoutMs ?? this.#timeouts.headers;
      this.#pool.dispatch(exchange.dispatchOptions(headersTimeout), exchange);
    }
    return exchange.replied;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

function limitsOf(timeouts: HttpTimeouts, clock: Clock = systemClock): ExchangeLimits {
  const { speedWindow: windowMs, speedFloor: bytesPerSecond, interim, drain } = timeouts;
  const floor = bytesPerSecond === 0 ? undefined : { bytesPerSecond, windowMs };
  return { floor, interim, drain, clock };
}

/** A client of a pool, whose socket counts among those of the process. */
function boundedClient(
  origin: URL,
  options: Client.Options,
  connect: buildConnector.connector,
  sockets: Sockets,
): Client {
  const bounded = sockets.connector(connect, () => client.stats.size === 0);
  const client: Client = new Client(origin, { ...options, connect: bounded.connect });
  client.on('drain', bounded.used);
  return client;
}
