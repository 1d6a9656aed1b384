import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestService, type TestService } from '../kit/service.ts';

/** Who sends slowly, or without end, holds a connection for a while and nothing else. */
function connectionsOf({ api }: TestService): Promise<number> {
  return new Promise((resolve) => {
    api.server.getConnections((_error, count) => resolve(count));
  });
}

describe('a client that', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false, connectionTimes: { closeMs: 500 } });
    const { headersTimeout, requestTimeout } = service.api.server;
    assert.deepEqual([headersTimeout, requestTimeout], [30_000, 60_000], 'in production');
    service.api.server.headersTimeout = 1_000;
    service.api.server.requestTimeout = 2_000;
  });
  after(() => service[Symbol.asyncDispose]());

  function open(): { socket: Socket; ended: Promise<string> } {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    const ended = new Promise<string>((resolve) => {
      socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    });
    return { socket, ended };
  }

  async function drip(socket: Socket, begin: string, drop: string): Promise<void> {
    socket.write(begin);
    while (!socket.destroyed) {
      socket.write(drop);
      await sleep(100);
    }
  }

  for (const [what, begin, drop] of [
    ['never ends its headers', 'GET /v2 HTTP/1.1\r\nHost: a\r\n', 'X-A: b\r\n'],
    ['says nothing after the first letter', 'G', ''],
    [
      'never ends its body',
      'POST /v3/auth/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n',
      'a',
    ],
    [
      'never ends its chunks',
      'POST /v3/auth/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1\r\na\r\n',
    ],
  ] as const) {
    test(`${what} gets a 408, and its connection is closed`, { timeout: 60_000 }, async () => {
      const { socket, ended } = open();
      const dripping = drip(socket, begin, drop);
      assert.match(await ended, /^HTTP\/1\.1 408 .*"error_code"/s);
      await dripping;
    });
  }

  for (const [what, header] of [
    ['one endless header', 'x'],
    ['endless headers', 'a: b\r\n'],
  ] as const) {
    test(`sends ${what} is disconnected at once`, { timeout: 10_000 }, async () => {
      const { socket, ended } = open();
      socket.write(`GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${header === 'x' ? '' : 'y\r\n'}`);
      let sent = 0;
      while (!socket.destroyed && sent < 64 * 1024 * 1024) {
        sent += 16_384;
        if (!socket.write(header.repeat(Math.floor(16_384 / header.length)))) await sleep(1);
      }
      assert.match(await ended, /^HTTP\/1\.1 431 |^$/);
      assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes were taken`);
    });
  }

  test('neither reads nor closes is gone soon after its 408', { timeout: 60_000 }, async () => {
    const { hostname, port } = new URL(service.url);
    const head = 'POST /v3/auth/tokens HTTP/1.1\r\nHost: a\r\n';
    const begins = ['', 'G', `${head}X-A: b\r\n`, `${head}Content-Length: 1000\r\n\r\n`];
    const sockets = begins.flatMap((begin) =>
      Array.from({ length: 50 }, (_, count) => {
        const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
        socket.on('error', () => undefined).pause();
        socket.write(begin);
        // Half of them go on sending a little.
        const drops = setInterval(() => count % 2 === 0 && socket.write('X-A: b\r\n'), 500);
        socket.once('close', () => clearInterval(drops));
        return { socket, drops };
      }),
    );
    while ((await connectionsOf(service)) < sockets.length) await sleep(20);
    while ((await connectionsOf(service)) > 0) await sleep(100);
    for (const { socket, drops } of sockets) {
      clearInterval(drops);
      socket.destroy();
    }
  });

  test('sends a body without end is disconnected at once', { timeout: 20_000 }, async () => {
    const { socket, ended } = open();
    const path = `/v2/${service.projectId}/sync-tasks`;
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ${service.token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    let sent = 0;
    while (!socket.destroyed && sent < 1024) {
      sent += 1;
      if (!socket.write(chunk)) await sleep(1);
    }
    socket.end();
    // What was sent after the answer can make the system throw that away before we have read it.
    assert.match(await ended, /^HTTP\/1\.1 413 |^$/);
    assert.ok(sent < 1024, `${sent * 64} KiB were taken`);
  });
});
