import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { HttpClient, type HttpRequest } from './http.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';

const closing = new AsyncDisposableStack();
after(() => closing.disposeAsync());

/** A server that answers each request with these pieces, each in a packet of its own. */
async function answering(pieces: readonly string[]) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (/^(?:GET|PUT|HEAD) /.test(data.toString('latin1'))) void send(socket, data, pieces);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const client = new HttpClient({ origin: `http://127.0.0.1:${port}`, connections: 1 });
  closing.use(client);
  closing.defer(() => void server.close());
  return { client, connections: () => connections };
}

async function send(socket: Socket, request: Buffer, pieces: readonly string[]): Promise<void> {
  const isHead = request.toString('latin1', 0, 4) === 'HEAD';
  for (const piece of pieces) {
    socket.write(isHead ? piece.replace('hello', '') : piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function requestOf(method: 'GET' | 'HEAD' | 'PUT'): HttpRequest {
  const about = { store: 'test:bucket', operation: 'read', key: 'key' };
  const content = method === 'PUT' ? Buffer.from('content') : undefined;
  const { signal } = new AbortController();
  return { method, path: '/', headers: [], content, size: content?.length ?? 0, about, signal };
}

describe('an interim answer that no request expects', () => {
  for (const [what, pieces] of [
    ['100 in one packet with the final answer', [CONTINUE + FINAL]],
    ['100 in a packet of its own', [CONTINUE, FINAL]],
    ['100, byte by byte', [...(CONTINUE.match(/./gs) ?? []), FINAL]],
    ['several of them', [CONTINUE + CONTINUE, CONTINUE + FINAL]],
    [
      'one with headers',
      [`HTTP/1.1 100 Continue\r\nserver: x\r\nconnection: close\r\n\r\n${FINAL}`],
    ],
    [
      '102, 103 with headers, and an unknown one',
      [
        'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\ncontent-length: 5\r\n\r\n',
        `HTTP/1.1 199 Custom\r\n\r\n${FINAL}`,
      ],
    ],
    ['one that is cut in its end', ['HTTP/1.1 100 Continue\r\n', '\r', `\n${FINAL}`]],
  ] as const) {
    test(`${what}: every request is answered, on one connection`, async () => {
      const { client, connections } = await answering(pieces);
      for (const method of ['PUT', 'GET', 'HEAD', 'PUT'] as const) {
        const { status, body } = await client.send(requestOf(method));
        assert.equal(status, 200);
        const text = Buffer.from(await body.bytes()).toString();
        assert.equal(text, method === 'HEAD' ? '' : 'hello');
      }
      assert.equal(connections(), 1);
    });
  }

  test('a body that looks like one is left as it is', async () => {
    const body = CONTINUE.repeat(2);
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
    const { client } = await answering([CONTINUE, head, CONTINUE, CONTINUE]);
    const answer = await client.send(requestOf('GET'));
    assert.equal(Buffer.from(await answer.body.bytes()).toString(), body);
  });

  for (const [what, text] of [
    [
      '101, which no request expects',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    ],
    ['an endless interim answer', `HTTP/1.1 100 Continue\r\nx: ${'x'.repeat(300 * 1024)}`],
  ] as const) {
    test(`${what} fails the request`, async () => {
      const { client } = await answering([text]);
      await assert.rejects(client.send(requestOf('PUT')), { name: 'StoreError' });
    });
  }

  test('so many that they may have no end fail the request; the next one begins at none', async () => {
    const many = CONTINUE.repeat(150);
    const { client, connections } = await answering([many, FINAL]);
    for (let request = 0; request < 3; request++) {
      const { body } = await client.send(requestOf('PUT'));
      assert.equal(Buffer.from(await body.bytes()).toString(), 'hello');
    }
    assert.equal(connections(), 1);
    const endless = await answering([many, many, FINAL]);
    await assert.rejects(endless.client.send(requestOf('PUT')), {
      fault: 'bad-reply',
      message: /more than 200 interim/,
    });
  });

  test('the end after an interim answer is an interruption', async () => {
    const server = createServer(
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 100 Con')),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.defer(() => void server.close());
    const { port } = server.address() as AddressInfo; // It listens on TCP.
    const client = closing.use(
      new HttpClient({ origin: `http://127.0.0.1:${port}`, connections: 1 }),
    );
    await assert.rejects(client.send(requestOf('GET')), { fault: 'interrupted' });
  });
});
