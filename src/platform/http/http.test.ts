import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { turn } from '../../../test/kit/stepped-clock.ts';
import { until } from '../../../test/kit/until.ts';
import { allowList } from './allow-list.ts';
import { addressGuard } from './guard.ts';
import { HttpClient, type HttpOptions, type HttpRequest } from './http.ts';

type Serve = (socket: Socket, request: Buffer) => void;

const servers: Server[] = [];
const allSockets: Socket[] = [];
const clients: HttpClient[] = [];
after(async () => {
  for (const client of clients) await client[Symbol.asyncDispose]();
  for (const socket of allSockets) socket.destroy();
  for (const server of servers) server.close();
});

/** A server that answers with the bytes that `serve` writes, and a client for it. */
async function setUp(
  serve: Serve,
  options: Partial<HttpOptions> = {},
): Promise<{ client: HttpClient; sockets: Set<Socket>; origin: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    allSockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => serve(socket, data));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const origin = `http://127.0.0.1:${port}`;
  const timeouts = { connect: 500, headers: 1000, bodyIdle: 1000 };
  const client = new HttpClient({ origin, connections: 4, timeouts, ...options });
  clients.push(client);
  return { client, sockets, origin };
}

const { signal } = new AbortController();

function request(fields: Partial<HttpRequest> = {}): HttpRequest {
  const about = { store: 'test:bucket', operation: 'read', key: 'key' };
  return { method: 'GET', path: '/', headers: [], size: 0, about, signal, ...fields };
}

async function rejectsWith(fault: string, call: Promise<unknown>, message = /./): Promise<void> {
  await assert.rejects(call, { name: 'StoreError', fault, message });
}

function reply(body: string, head = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`;
}

describe('HttpClient', () => {
  test('brings status, headers and body', async () => {
    const { client } = await setUp((socket) => socket.write(reply('hello', 'X-Name: value\r\n')));
    const answer = await client.send(request());
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-name'], 'value');
    assert.equal(Buffer.from(await answer.body.bytes()).toString(), 'hello');
    await assert.rejects(answer.body.bytes(), /already/);
  });

  test('sends paths unchanged, and keeps using its connection', async () => {
    const lines: string[] = [];
    const serve: Serve = (socket, data) => {
      const [line = ''] = data.toString().split('\r\n');
      lines.push(line);
      socket.write(line.startsWith('HEAD') ? reply('x').slice(0, -1) : reply('x'));
    };
    const { client, sockets } = await setUp(serve, { connections: 1 });
    for (const [method, path] of [
      ['GET', '//a/../b//./c?x=%2F'],
      ['HEAD', '/head'],
      ['GET', '/after'],
    ] as const) {
      const { body } = await client.send(request({ method, path }));
      await body.bytes();
    }
    assert.deepEqual(lines, [
      'GET //a/../b//./c?x=%2F HTTP/1.1',
      'HEAD /head HTTP/1.1',
      'GET /after HTTP/1.1',
    ]);
    assert.equal(sockets.size, 1);
  });

  test('reads 200 KiB of headers, and names what is more', async () => {
    const headers = (count: number): string =>
      Array.from({ length: count }, (_, at) => `x-meta-${at}: ${'x'.repeat(2000)}\r\n`).join('');
    const { client } = await setUp((socket, data) => {
      socket.write(reply('x', headers(data.toString().startsWith('GET /more') ? 140 : 100)));
    });
    const answer = await client.send(request());
    assert.equal(answer.headers['x-meta-99']?.length, 2000);
    await answer.body.bytes();
    await rejectsWith('bad-reply', client.send(request({ path: '/more' })), /headers .* 256 KiB/);
  });

  test('follows no redirect', async () => {
    const { client } = await setUp((socket) =>
      socket.write('HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n'),
    );
    const { status, body } = await client.send(request());
    assert.equal(status, 302);
    body.discard();
  });

  test('a body that is cut short is interrupted', async () => {
    const { client } = await setUp((socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
    });
    const first = await client.send(request());
    await rejectsWith('interrupted', first.body.bytes());
    const second = await client.send(request());
    await rejectsWith('interrupted', Array.fromAsync(second.body));
  });

  test('a server that hangs up without an answer is interrupted', async () => {
    const { client } = await setUp((socket) => socket.resetAndDestroy());
    await rejectsWith('interrupted', client.send(request()));
  });

  test('silence is interrupted, before the headers and after', async () => {
    const { client } = await setUp((socket, data) => {
      if (data.toString().startsWith('GET /body')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
      }
    });
    const slow = client.send(request());
    const { body } = await client.send(request({ path: '/body' }));
    await Promise.all([
      rejectsWith('interrupted', body.bytes(), /Body Timeout/),
      rejectsWith('interrupted', slow, /Headers Timeout/),
    ]);
  });

  test('an answer that is not HTTP is a bad reply', async () => {
    const { client } = await setUp((socket) => socket.write('220 mail.example ESMTP\r\n'));
    await rejectsWith('bad-reply', client.send(request()));
  });

  test('a port without a server and a name that does not resolve are reported as unreachable', async () => {
    const closed = new HttpClient({ origin: 'http://127.0.0.1:1', connections: 1 });
    clients.push(closed);
    await rejectsWith('unreachable', closed.send(request()), /ECONNREFUSED/);
    const nameless = new HttpClient({ origin: 'http://no.such.host.invalid', connections: 1 });
    clients.push(nameless);
    await rejectsWith('unreachable', nameless.send(request()));
  });

  test('a forbidden address is refused before a connection is made', async () => {
    const guard = addressGuard([]);
    const { sockets, origin } = await setUp(() => {});
    const byAddress = new HttpClient({ origin, connections: 1, guard });
    clients.push(byAddress);
    await rejectsWith('refused', byAddress.send(request()), /settings\.allowEndpoints/);
    const byName = new HttpClient({
      origin: origin.replace('127.0.0.1', 'harmless.example'),
      connections: 1,
      guard,
      lookup: (_hostname, _options, callback) =>
        callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    clients.push(byName);
    await rejectsWith('refused', byName.send(request()), /does not lead to a public address/);
    assert.equal(sockets.size, 0);
  });

  test('an allowed address is connected to', async () => {
    const guard = addressGuard(allowList('127.0.0.0/8'));
    const { client } = await setUp((socket) => socket.write(reply('x')), { guard });
    await (await client.send(request())).body.bytes();
  });

  test('an aborted request ends with the reason, wherever it is', async () => {
    const { client } = await setUp((socket, data) => {
      if (data.toString().startsWith('GET /body')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
      }
    });
    const reason = new Error('enough');
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(client.send(request({ signal: AbortSignal.abort(reason) })), isReason);
    const stop = new AbortController();
    const waiting = client.send(request({ signal: stop.signal }));
    const { body } = await client.send(request({ path: '/body', signal: stop.signal }));
    const read = body.bytes();
    // These wait for a connection.
    const queued = [1, 2, 3, 4].map(() => client.send(request({ signal: stop.signal })));
    stop.abort(reason);
    for (const each of [waiting, read, ...queued]) await assert.rejects(each, isReason);
  });

  test('leaves no listener behind', async () => {
    const { client } = await setUp((socket) => socket.write(reply('x')));
    const stop = new AbortController();
    for (let round = 0; round < 30; round++) {
      const { body } = await client.send(request({ signal: stop.signal }));
      if (round % 3 === 0) body.discard();
      else if (round % 3 === 1) await body.bytes();
      else for await (const chunk of body) assert.equal(chunk.length, 1);
    }
    await until('none is left', () => getEventListeners(stop.signal, 'abort').length === 0);
  });

  test('does not read faster than it is read from', async () => {
    const size = 64 * 1024 * 1024;
    const { client, sockets } = await setUp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
    });
    const { body } = await client.send(request());
    const iterator: AsyncIterator<Uint8Array, unknown> = body[Symbol.asyncIterator]();
    await iterator.next();
    // What both sides take without being read from is taken when the server has been idle for many turns.
    const [socket] = sockets;
    let unsent = -1;
    await until('no more bytes are taken', async () => {
      const before = unsent;
      for (let turns = 0; turns < 100; turns++) await turn();
      unsent = socket?.writableLength ?? 0;
      return unsent === before;
    });
    assert.ok(unsent > size / 2);
    let read = 0;
    for (;;) {
      const result = await iterator.next();
      if (result.done === true) break;
      read += result.value.length;
    }
    assert.ok(read > size / 2 && read < size);
  });
});

describe('a request with a body', () => {
  const big = Buffer.alloc(8 * 1024 * 1024);

  async function* slowly(chunks: number): AsyncGenerator<Uint8Array> {
    for (let chunk = 0; chunk < chunks; chunk++) {
      await turn();
      yield big.subarray(0, 65_536);
    }
  }

  const early = 'HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnope';

  for (const [how, answer] of [
    ['closes', (socket: Socket) => socket.end(early)],
    ['resets', (socket: Socket) => socket.write(early, () => socket.resetAndDestroy())],
    ['stops reading', (socket: Socket) => socket.pause().write(early)],
  ] as const) {
    for (const [what, content] of [
      ['bytes', () => big],
      ['a stream', () => slowly(128)],
    ] as const) {
      test(`sees an early answer to ${what} of a server that ${how}`, async () => {
        const { client } = await setUp((socket) => void answer(socket));
        for (let round = 0; round < 5; round++) {
          const fields = { method: 'PUT', content: content(), size: big.length } as const;
          const { status, body } = await client.send(request(fields));
          assert.equal(status, 403);
          assert.equal(Buffer.from(await body.bytes()).toString(), 'nope');
        }
      });
    }
  }

  test('a put that fails releases its stream', async () => {
    const { client } = await setUp((socket) => socket.resetAndDestroy());
    for (const origin of [undefined, 'http://127.0.0.1:1']) {
      let closed = false;
      const content = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false as const, value: big.subarray(0, 65_536) }),
          return: async () => {
            closed = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      const from = origin === undefined ? client : new HttpClient({ origin, connections: 1 });
      clients.push(from);
      const sent = from.send(request({ method: 'PUT', content, size: big.length }));
      await assert.rejects(sent, { name: 'StoreError' });
      assert.ok(closed);
    }
  });
});
