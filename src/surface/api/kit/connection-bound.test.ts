import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
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
