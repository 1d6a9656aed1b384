import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { boundConnections } from './connection-bound.ts';

function get(port: number, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    request({ port, agent }, (answer) => {
      answer.resume().once('end', () => resolve(answer.headers.connection));
    })
      .once('error', reject)
      .end();
  });
}

test('more callers than connections are all answered, since idle connections end', async () => {
  const server = createServer((_request, response) => response.end('ok'));
  boundConnections(server, 8);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const agents = Array.from({ length: 40 }, () => new Agent({ keepAlive: true }));
  const answers: (string | undefined)[] = [];
  for (const agent of agents) answers.push(await get(port, agent));
  assert.equal(answers.length, 40);
  assert.equal(answers[0], 'keep-alive');
  for (const agent of agents) agent.destroy();
  server.close();
});

test('a burst takes descriptors that are lent; the oldest connections give them back at once', async () => {
  const [share, most] = [4, 8];
  let lent = most - share;
  let reclaim = (): void => undefined;
  const server = createServer((_request, response) => response.end('ok'));
  boundConnections(server, share, (close) => {
    reclaim = close;
    return () => lent;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const accepted: Socket[] = [];
  server.on('connection', (socket) => accepted.push(socket));
  const clients: Socket[] = [];
  for (let count = 0; count < most; count++) {
    const accepting = once(server, 'connection');
    clients.push(connect(port, '127.0.0.1').on('error', () => undefined));
    await accepting;
  }
  const dropping = once(server, 'drop');
  clients.push(connect(port, '127.0.0.1').on('error', () => undefined));
  await dropping;
  const open = (): number[] =>
    accepted.flatMap((socket, index) => (socket.destroyed ? [] : [index]));
  assert.equal(open().length, most);

  lent = 1;
  reclaim();
  assert.deepEqual(open(), [3, 4, 5, 6, 7]);
  reclaim();
  assert.equal(open().length, share + lent);
  for (const client of clients) client.destroy();
  server.close();
});
