import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Clock } from '../../../platform/base/clock.ts';
import { every } from '../../../platform/base/timers.ts';
import { KiB } from '../../../platform/base/bytes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Its long answer is being read: the time for that begins again. */
    goesOnAnswering(): void;
  }
}

/** How long a connection may stay in each state. Node has limits for heads and bodies; these are for the rest. */
export interface ConnectionTimes {
  /** Until the client has read an answer to its end. */
  readonly answerMs: number;
  /** Without a request, whatever else it sends. */
  readonly idleMs: number;
  /** From the last answer of a connection to its end, so that the answer can still be read. */
  readonly closeMs: number;
  /** How often connections are checked, and so how late one may be ended. */
  readonly checkMs: number;
}

export const connectionTimes: ConnectionTimes = {
  answerMs: 120_000,
  idleMs: 80_000,
  closeMs: 2_000,
  checkMs: 1_000,
};

/** Requests of one connection that are sent before the first of them is answered. */
const PIPELINED_MAX = 8;
/** What is left of a body after its answer is read and dropped up to here; beyond, the connection ends. */
const DROPPED_MAX = 64 * KiB;

interface Connection {
  requests: number;
  state: 'asked' | 'answering' | 'idle' | 'closing';
  /** Checks until it is ended. */
  checks: number;
}

/**
 * Ends connections whose client does not read an answer, sends no request, or stays after the last answer.
 * Time is counted in checks, so that a jump of the clock ends nothing.
 */
export class Connections {
  readonly #times: ConnectionTimes;
  readonly #known = new Map<Socket, Connection>();
  readonly #checking: Disposable;

  constructor(times: ConnectionTimes, clock: Clock) {
    this.#times = times;
    this.#checking = every(clock, times.checkMs, () => this.#check());
  }

  stop(): void {
    this.#checking[Symbol.dispose]();
  }

  /** A request has arrived. False: it must not be served, and the connection has ended. */
  asked(socket: Socket): boolean {
    const connection = this.#of(socket);
    connection.requests += 1;
    if (connection.state === 'closing' || connection.requests > PIPELINED_MAX) {
      socket.destroy();
      return false;
    }
    if (connection.state === 'idle') this.#set(connection, 'asked', Infinity);
    return true;
  }

  /** Its answer is being sent. */
  answering(socket: Socket): void {
    const connection = this.#of(socket);
    if (connection.state === 'asked') this.#set(connection, 'answering', this.#times.answerMs);
  }

  /** The client is ready to read a further piece of a long answer. */
  goesOn(socket: Socket): void {
    const connection = this.#known.get(socket);
    if (connection?.state === 'answering') this.#set(connection, 'answering', this.#times.answerMs);
  }

  /** Its answer was written completely. */
  answered(socket: Socket): void {
    const connection = this.#known.get(socket);
    if (connection === undefined) return;
    connection.requests = Math.max(0, connection.requests - 1);
    if (connection.state === 'closing') return;
    if (connection.requests === 0) this.#set(connection, 'idle', this.#times.idleMs);
    else this.#set(connection, 'answering', this.#times.answerMs);
  }

  /** Sends the last bytes of a connection. Those that would end up in another answer are not sent. */
  refuse(socket: Socket, answer: string): void {
    const { state, requests } = this.#of(socket);
    if (state === 'answering' || requests > 1) socket.destroy();
    else this.close(socket, answer);
  }

  /**
   * Ends our side and, a moment later, the whole connection. If a connection with unread bytes is destroyed at
   * once, it is reset, and the reset can overtake the answer.
   */
  close(socket: Socket, answer = ''): void {
    const connection = this.#of(socket);
    if (connection.state === 'closing') return;
    this.#set(connection, 'closing', this.#times.closeMs);
    socket.end(answer);
    // What still arrives is dropped without being parsed.
    socket.removeAllListeners('data');
    socket.on('data', () => undefined);
  }

  #of(socket: Socket): Connection {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = { requests: 0, state: 'asked', checks: Infinity };
    this.#known.set(socket, connection);
    socket.once('close', () => this.#known.delete(socket));
    return connection;
  }

  #set(connection: Connection, state: Connection['state'], ms: number): void {
    connection.state = state;
    connection.checks = Math.ceil(ms / this.#times.checkMs);
  }

  #check(): void {
    for (const [socket, connection] of this.#known) {
      connection.checks -= 1;
      if (connection.checks < 0) socket.destroy();
    }
  }
}

/** Watches the connections of a server. */
export const watchedConnections = fp<{ readonly connections: Connections }>(
  async (app, { connections }) => {
    app.server.once('close', () => connections.stop());
    app.decorateRequest('goesOnAnswering', function goesOnAnswering(this: FastifyRequest) {
      const socket = socketOf(this);
      if (socket !== undefined) connections.goesOn(socket);
    });
    // Node would request the body before anything has looked at the head.
    app.server.on('checkContinue', (request, reply) => app.server.emit('request', request, reply));
    // Before Fastify: a request costs it far more than it costs Node to parse.
    const listeners = app.server.rawListeners('request');
    app.server.removeAllListeners('request');
    app.server.on('request', (request: IncomingMessage, reply: ServerResponse) => {
      if (!connections.asked(request.socket)) return;
      // Thousands of short chunks could arrive before it is known whether the body is wanted; reading resumes.
      if (request.headers['transfer-encoding'] !== undefined) request.socket.pause();
      for (const listener of listeners) Reflect.apply(listener, app.server, [request, reply]);
    });
    app.addHook('onSend', async function answering(request, reply) {
      const socket = socketOf(request);
      if (socket === undefined) return;
      connections.answering(socket);
      if (request.raw.complete || !hasBody(request)) return;
      if (bytesAnnounced(request) > DROPPED_MAX) void reply.header('connection', 'close');
      // What Node calls once the answer is written, where the connection is to end.
      socket.destroySoon = () => connections.close(socket);
    });
    app.addHook('onResponse', async function answered(request) {
      const socket = socketOf(request);
      if (socket !== undefined) connections.answered(socket);
    });
  },
  { name: 'watched-connections' },
);

/** Undefined in tests that send requests without a network. */
function socketOf({ raw }: FastifyRequest): Socket | undefined {
  return raw.socket instanceof Socket ? raw.socket : undefined;
}

export function hasBody({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Infinity where it is not announced. */
export function bytesAnnounced({ headers }: Pick<FastifyRequest, 'headers'>): number {
  return headers['transfer-encoding'] === undefined
    ? Number(headers['content-length'] ?? 0)
    : Infinity;
}
