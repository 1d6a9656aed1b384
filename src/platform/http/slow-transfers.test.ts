import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../model/store-error.ts';
import { HttpClient, type HttpReply, type HttpRequest, type HttpTimeouts } from './http.ts';

const servers: Server[] = [];
const clients: HttpClient[] = [];
after(async () => {
  for (const client of clients) await client[Symbol.asyncDispose]();
  for (const server of servers) server.close();
});

/** The silence of a server is not what these tests end by. */
const PATIENT = { headers: 60_000, bodyIdle: 60_000 };
const { signal } = new AbortController();

async function setUp(
  serve: (socket: Socket) => void,
  timeouts: Partial<HttpTimeouts>,
): Promise<{ client: HttpClient; connected: Promise<Socket> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => serve(socket));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const origin = `http://127.0.0.1:${port}`;
  const client = new HttpClient({ origin, timeouts: { ...PATIENT, ...timeouts } });
  clients.push(client);
  const connected = once(server, 'connection').then(([socket]: unknown[]) => socket as Socket);
  return { client, connected };
}

function request(fields: Partial<HttpRequest> = {}): HttpRequest {
  const about = { store: 'test:bucket', operation: 'read', key: 'key' };
  return { method: 'GET', path: '/', headers: [], size: 0, about, signal, ...fields };
}

/** Writes a piece every 20 ms until the connection ends. */
function trickle(piece: string, head = ''): (socket: Socket) => void {
  return (socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(piece), 20);
    socket.on('close', () => clearInterval(timer));
  };
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n';

async function iterate({ body }: HttpReply): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}

function isSlow(error: unknown): boolean {
  assert.ok(error instanceof StoreError);
  assert.equal(error.fault, 'interrupted');
  assert.match(error.message, /\d+ bytes in \d seconds are fewer than the 1000 a second of/);
  assert.ok(error.transient && !error.repeatableNow);
  return true;
}

describe('a body that trickles', () => {
  const slow = { speedWindow: 300, speedFloor: 1_000 };

  for (const [how, read] of [
    ['whole', ({ body }: HttpReply) => body.bytes()],
    ['piece by piece', iterate],
  ] as const) {
    test(`ends as interrupted when it is read ${how}, and its connection is closed`, async () => {
      const { client, connected } = await setUp(trickle('x', HEAD), slow);
      const reply = await client.send(request());
      const socket = await connected;
      const closed = once(socket, 'close');
      await assert.rejects(read(reply), isSlow);
      await closed;
    });
  }

  test('is read as slowly as it comes without a floor, and above it', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
    for (const [piece, floor] of [
      ['x'.repeat(20), 0],
      ['x'.repeat(25), 500],
    ] as const) {
      const { client } = await setUp(trickle(piece, head), { ...slow, speedFloor: floor });
      assert.equal(await iterate(await client.send(request())), 1000);
    }
  });

  test('is not slow while its reader is', async () => {
    const size = 2 * 1024 * 1024;
    const { client } = await setUp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
    }, slow);
    const { body } = await client.send(request());
    let bytes = 0;
    let pauses = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (pauses < 4) await sleep(200);
      pauses += 1;
    }
    assert.equal(bytes, size);
  });

  test('may be of spaces while a store works for minutes', async () => {
    const { client } = await setUp((socket) => {
      trickle(' ', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n')(socket);
      setTimeout(() => socket.end('<Done/>'), 800);
    }, slow);
    const { body } = await client.send(request({ headersTimeoutMs: 60_000 }));
    assert.match(Buffer.from(await body.bytes()).toString(), /^ +<Done\/>$/);
  });

  test('is not read to its end after it was given up', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
    const { client, connected } = await setUp(trickle('x', head), { drain: 200 });
    const { body } = await client.send(request());
    const socket = await connected;
    const closed = once(socket, 'close');
    body.discard();
    await closed;
    assert.ok(socket.bytesWritten < head.length + 500);
  });
});

describe('an answer that trickles', () => {
  for (const method of ['HEAD', 'GET'] as const) {
    test(`has a time for all headers: ${method}`, async () => {
      const { client } = await setUp(trickle('x-name: x\r\n', 'HTTP/1.1 200 OK\r\n'), {
        headers: 1_000,
      });
      await assert.rejects(client.send(request({ method })), { fault: 'interrupted' });
    });
  }

  test('may begin with interim answers for a time only', async () => {
    const { client } = await setUp(trickle('HTTP/1.1 102 Processing\r\n\r\n'), { interim: 300 });
    const sent = client.send(request({ method: 'PUT', content: Buffer.from('x'), size: 1 }));
    await assert.rejects(sent, { fault: 'interrupted', message: /only interim answers/ });
  });
});

describe('a body that is taken slowly', () => {
  const big = Buffer.alloc(32 * 1024 * 1024);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < big.length; at += 65_536) yield big.subarray(at, at + 65_536);
  }

  for (const [what, content] of [
    ['bytes', () => big],
    ['a stream', pieces],
  ] as const) {
    test(`ends as interrupted: ${what}`, async () => {
      const slowly = (socket: Socket) => {
        const timer = setInterval(() => socket.resume(), 50);
        socket.on('data', () => socket.pause());
        socket.on('close', () => clearInterval(timer));
      };
      const floor = { speedWindow: 300, speedFloor: 1024 ** 3 };
      const { client } = await setUp(slowly, floor);
      const fields = { method: 'PUT', content: content(), size: big.length } as const;
      await assert.rejects(client.send(request(fields)), {
        fault: 'interrupted',
        message: /fewer than the 1073741824 a second/,
      });
    });
  }

  test('is not slow while its own stream is', async () => {
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 5; piece++) {
        await sleep(100);
        yield Buffer.from('piece');
      }
    }
    const { client } = await setUp(
      (socket) => {
        let seen = '';
        socket.on('data', (data) => {
          seen += data.toString();
          if (seen.endsWith('piece'.repeat(4))) {
            socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
          }
        });
      },
      { speedWindow: 100, speedFloor: 1_000 },
    );
    const sent = await client.send(request({ method: 'PUT', content: slowly(), size: 25 }));
    assert.equal(sent.status, 200);
  });
});
