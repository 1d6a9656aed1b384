import assert from 'node:assert/strict';
import { connect, Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { until } from '../../../../test/kit/until.ts';
import { systemClock } from '../../../platform/base/clock.ts';
import {
  Connections,
  type ConnectionTimes,
  connectionTimes,
  watchedConnections,
} from './connections.ts';

const LARGE = 64 * 1024 * 1024;
/** Long enough that it would be seen as a hang. */
const NEVER: ConnectionTimes = { answerMs: 1e9, idleMs: 1e9, closeMs: 1e9, checkMs: 20 };

interface Fixture extends AsyncDisposable {
  readonly served: string[];
  readonly app: FastifyInstance;
  open(): Client;
  /** Resolves when the server has accepted every connection, and has none left. */
  empty(): Promise<void>;
}

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly receives: (pattern: RegExp) => Promise<void>;
  readonly ended: Promise<void>;
}

async function fixture(times: Partial<ConnectionTimes>): Promise<Fixture> {
  const app = fastify();
  const served: string[] = [];
  const connections = new Connections({ ...NEVER, ...times }, systemClock);
  await app.register(watchedConnections, { connections });
  app.addHook('onRequest', async ({ url }) => void served.push(url));
  app.addContentTypeParser('*', (_request, payload, done) => payload.resume().on('end', done));
  app.get('/small', () => 'small');
  app.get('/large', () => Buffer.alloc(LARGE));
  app.get('/late', () => new Promise(() => undefined));
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply.code(403).send('refused');
  app.post('/refused', { onRequest: refuse }, () => '');
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const clients: Socket[] = [];
  let accepted = 0;
  app.server.on('connection', () => {
    accepted += 1;
  });
  return {
    served,
    app,
    open: () => {
      const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
      clients.push(socket);
      return clientOf(socket);
    },
    empty: async () => {
      const count = () =>
        new Promise<number>((resolve) => {
          app.server.getConnections((_error, connections) => resolve(connections));
        });
      const isEmpty = async () => accepted >= clients.length && (await count()) === 0;
      await until('no connection is left', isEmpty);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of clients) socket.destroy();
      await app.close();
    },
  };
}

function clientOf(socket: Socket): Client {
  let text = '';
  socket.setEncoding('latin1').on('data', (more: string) => {
    text += more;
  });
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => resolve());
  });
  return {
    socket,
    text: () => text,
    ended,
    receives: async (pattern) => {
      await until(`the server sends ${pattern}`, () => pattern.test(text));
    },
  };
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('a connection is ended for good', { timeout: 60_000 }, () => {
  test('in production within the times that the documents say', () => {
    assert.deepEqual(connectionTimes, {
      ...{ answerMs: 120_000, idleMs: 80_000, closeMs: 2_000, checkMs: 1_000 },
    });
  });

  test('when its client does not read a large answer', async () => {
    await using server = await fixture({ answerMs: 200 });
    const { socket } = server.open();
    socket.pause().write(get('/large'));
    await server.empty();
    assert.deepEqual(server.served, ['/large']);
  });

  test('when its client reads a large answer in small sips', async () => {
    await using server = await fixture({ answerMs: 500 });
    const { socket } = server.open();
    socket.pause().write(get('/large'));
    const sips = setInterval(() => void socket.read(1), 50);
    await server.empty();
    clearInterval(sips);
  });

  test('when its client sends no further request, only empty lines', async () => {
    await using server = await fixture({ idleMs: 300 });
    const { socket, receives } = server.open();
    socket.write(get('/small'));
    await receives(/small$/);
    const lines = setInterval(() => socket.write('\r\n'), 50);
    await server.empty();
    clearInterval(lines);
  });

  test('when more requests are sent ahead of their answers than a client needs', async () => {
    await using server = await fixture({});
    const { socket } = server.open();
    socket.write(get('/late') + get('/small').repeat(1_000));
    await server.empty();
    assert.equal(server.served.length, 8);
  });

  test('a moment after it was refused, whether or not the client closes its side', async () => {
    await using server = await fixture({ closeMs: 200 });
    const { socket, receives } = server.open();
    socket.write('POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    await receives(/connection: close\r\n.*refused$/s);
    await server.empty();
  });

  test('a moment after bytes that are not HTTP were answered', async () => {
    await using server = await fixture({ closeMs: 200 });
    const refused = new Connections({ ...NEVER, closeMs: 200 }, systemClock);
    server.app.server.removeAllListeners('clientError');
    server.app.server.on('clientError', (_error, socket) => {
      if (socket instanceof Socket) refused.refuse(socket, 'HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const { socket, receives } = server.open();
    socket.write('nonsense\r\n\r\n');
    await receives(/400 Bad Request/);
    await server.empty();
    refused.stop();
  });
});

describe('a connection is kept', { timeout: 60_000 }, () => {
  test('while its requests are worked on, and between requests', async () => {
    await using server = await fixture({ answerMs: 60, closeMs: 60 });
    const { socket, receives } = server.open();
    socket.write(get('/small'));
    await receives(/small$/);
    await sleep(200); // Longer than an answer may take.
    socket.write(get('/small'));
    await receives(/small.*small$/s);
  });

  test('after a refusal whose body is short: the rest is dropped', async () => {
    await using server = await fixture({});
    const { socket, receives } = server.open();
    socket.write('POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
    await receives(/refused$/);
    socket.write(`12345${get('/small')}`);
    await receives(/small$/);
  });

  test('long enough for the answer to arrive while the client still sends', async () => {
    await using server = await fixture({ closeMs: 5_000 });
    const { socket, text, ended } = server.open();
    socket.write(`POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * 1024 * 1024}\r\n\r\n`);
    for (let sent = 0; sent < 8; sent++) {
      await new Promise((resolve) => socket.write(Buffer.alloc(1024 * 1024), resolve));
    }
    await ended;
    assert.match(text(), /^HTTP\/1\.1 403 .*refused$/s);
  });

  test('and serves nothing that is sent after its last answer', async () => {
    await using server = await fixture({ closeMs: 5_000 });
    const { socket, receives } = server.open();
    socket.write('POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    await receives(/refused$/);
    socket.write(Buffer.alloc(100_000));
    socket.write(get('/small'));
    await server.empty();
    assert.deepEqual(server.served, ['/refused']);
  });
});
