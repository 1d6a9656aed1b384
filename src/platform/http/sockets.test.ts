import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { startS3Server, type S3Server } from '../../../test/kit/s3-server/server.ts';
import { HttpClient } from './http.ts';
import { systemClock } from '../base/clock.ts';
import { Accounts } from '../stores/accounts.ts';
import { openStore } from '../stores/open-store.ts';
import { Sockets } from './sockets.ts';
import type { Store } from '../stores/store.ts';

const { signal } = new AbortController();

async function serving(started: AsyncDisposableStack): Promise<Server> {
  const server = createServer((_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  started.defer(() => server.closeAllConnections());
  started.defer(() => void server.close());
  return server;
}

function originOf(server: Server): string {
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return `http://127.0.0.1:${port}`;
}

async function ask(client: HttpClient): Promise<string> {
  const about = { store: 'store', operation: 'read' };
  const reply = await client.send({
    ...{ method: 'GET', path: '/', headers: [], size: 0, about, signal },
  });
  return Buffer.from(await reply.body.bytes()).toString();
}

test('all pools together open no more sockets than the bound, and idle ones make room', async () => {
  await using started = new AsyncDisposableStack();
  const sockets = new Sockets(3);
  let openMax = 0;
  const clients: HttpClient[] = [];
  for (let at = 0; at < 6; at++) {
    const server = await serving(started);
    server.on('connection', () => {
      openMax = Math.max(openMax, sockets.count);
    });
    const options = { origin: originOf(server), connections: 4, sockets };
    clients.push(started.use(new HttpClient(options)));
  }
  // One after the other each finds idle sockets of others, and all at once wait for each other.
  for (const client of clients) assert.equal(await ask(client), 'ok');
  const all = [...clients, ...clients, ...clients].map((client) => ask(client));
  assert.deepEqual(new Set(await Promise.all(all)), new Set(['ok']));
  assert.ok(openMax <= 3, String(openMax));
  assert.ok(sockets.count <= 3);
});

test('descriptors that are free are lent, and reclaimed before a socket takes one', async () => {
  await using started = new AsyncDisposableStack();
  const sockets = new Sockets(2);
  const seen: number[] = [];
  const lent = sockets.lend(() => seen.push(lent()));
  assert.equal(lent(), 2);
  const server = await serving(started);
  const client = started.use(new HttpClient({ origin: originOf(server), connections: 1, sockets }));
  assert.equal(await ask(client), 'ok');
  assert.deepEqual([seen, lent()], [[1], 1]);
});

test('a socket that could not be made gives its room back', async () => {
  await using started = new AsyncDisposableStack();
  const sockets = new Sockets(1);
  const gone = started.use(
    new HttpClient({ origin: 'http://127.0.0.1:1', connections: 1, sockets }),
  );
  await assert.rejects(ask(gone), { fault: 'unreachable' });
  const origin = originOf(await serving(started));
  assert.equal(await ask(started.use(new HttpClient({ origin, connections: 1, sockets }))), 'ok');
});

test('streamed copies through few sockets do not wait for each other for ever', {
  timeout: 30_000,
}, async () => {
  await using started = new AsyncDisposableStack();
  const source = started.use(await startS3Server({ buckets: ['bucket'] }));
  const target = started.use(await startS3Server({ buckets: ['bucket'] }));
  const sockets = new Sockets(4);
  const accounts = new Accounts({ clock: systemClock, calls: 64 });
  const open = (server: S3Server, side: 'source' | 'target'): Store => {
    const { accessKeyId, secretAccessKey } = server.accessKey;
    return started.use(
      openStore({
        ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', endpoint: server.url },
        credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
        sockets,
        shared: { accounts, side },
      }),
    );
  };
  // Several tasks, so that no limit of a single store helps.
  const bytes = Buffer.alloc(1_000_000, 7);
  source.bucket('bucket').put('key', bytes);
  const copies = Array.from({ length: 12 }, async (_, at) => {
    const [from, to] = [open(source, 'source'), open(target, 'target')];
    const { body } = await from.read('key', {}, signal);
    await to.put(`copy-${at}`, { content: body, size: bytes.length }, {}, signal);
  });
  await Promise.all(copies);
  assert.ok(target.bucket('bucket').bytes('copy-11')?.equals(bytes));
});
