import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { AddressGuard } from './guard.ts';
import type { HttpRequest } from './http.ts';
import { type SharedClient, SharedClients } from './shared-clients.ts';

const { signal } = new AbortController();

async function startServer() {
  const sockets: Socket[] = [];
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  server.on('connection', (socket) => void sockets.push(socket));
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, sockets, [Symbol.asyncDispose]: async () => void server.close() };
}

async function ask(client: SharedClient): Promise<string> {
  const about = { store: 'test:bucket', operation: 'read' };
  const request: HttpRequest = { method: 'GET', path: '/', headers: [], size: 0, about, signal };
  const { body } = await client.send(request);
  return Buffer.from(await body.bytes()).toString();
}

test('those who connect to one place in the same way share its connections', async () => {
  await using server = await startServer();
  const { origin, sockets } = server;
  const clients = new SharedClients();
  const guard: AddressGuard = () => undefined;
  const place = { origin, guard, connections: 1 };
  const timeouts = { connect: 1_000 };
  await using one = clients.use({ ...place, timeouts, ca: undefined });
  await using other = clients.use({ ...place, timeouts: { ...timeouts } });
  for (const client of [one, other, one]) assert.equal(await ask(client), 'ok');
  assert.equal(sockets.length, 1);
  assert.equal(clients.size, 1);
});

test('those who connect in another way share nothing', async () => {
  await using server = await startServer();
  const { origin, sockets } = server;
  const clients = new SharedClients();
  const guard: AddressGuard = () => undefined;
  await using stack = new AsyncDisposableStack();
  const ways = [
    { origin },
    { origin, guard },
    { origin, guard: () => undefined },
    { origin, ca: 'another' },
    { origin, timeouts: { connect: 1_000 } },
  ];
  for (const way of ways) assert.equal(await ask(stack.use(clients.use(way))), 'ok');
  assert.equal(sockets.length, ways.length);
  assert.equal(clients.size, ways.length);
});

test('the connections last until the last of those who share them has ended, once', async () => {
  await using server = await startServer();
  const { origin, sockets } = server;
  const clients = new SharedClients();
  const place = { origin, connections: 1 };
  const [one, other] = [clients.use(place), clients.use(place)];
  assert.equal(await ask(one), 'ok');
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  assert.equal(await ask(other), 'ok');
  const [socket] = sockets;
  assert.ok(socket !== undefined && sockets.length === 1);
  const closed = once(socket, 'close');
  await other[Symbol.asyncDispose]();
  await closed;
  assert.equal(clients.size, 0);
  await using later = clients.use(place);
  assert.equal(await ask(later), 'ok');
  assert.equal(sockets.length, 2);
});
