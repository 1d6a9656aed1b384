import { type buildConnector, Client, Pool } from 'undici';
import { KiB } from '../base/bytes.ts';
import { type ConnectOptions, connector } from './connect.ts';
import { Exchange, type HttpReply, type HttpRequest } from './exchange.ts';
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

/** Milliseconds, all of them. */
export interface HttpTimeouts {
  readonly connect: number;
  /** From the last progress of the request to the answer's headers. */
  readonly headers: number;
  /** Between two pieces of a body. */
  readonly bodyIdle: number;
  readonly keepAlive: number;
}

const defaults: HttpTimeouts = {
  connect: 10_000,
  headers: 60_000,
  bodyIdle: 60_000,
  keepAlive: 4_000,
};

/**
 * Connections to one origin. Never follows a redirect, never repeats a request: what happens is
 * told as a reply or as a {@link StoreError}.
 *
 * undici's `dispatch` rather than its `request`, for a third of the CPU time of a small copy.
 */
export class HttpClient implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #timeouts: HttpTimeouts;

  constructor({ origin, connections, timeouts, sockets, ...options }: HttpOptions) {
    this.#timeouts = { ...defaults, ...timeouts };
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
    const exchange = new Exchange(request);
    if (!request.signal.aborted) {
      const headersTimeout = request.headersTimeoutMs ?? this.#timeouts.headers;
      this.#pool.dispatch(exchange.dispatchOptions(headersTimeout), exchange);
    }
    return exchange.replied;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
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
