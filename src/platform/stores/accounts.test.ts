import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mock, test } from 'node:test';
import { startCdnServer } from '../../../test/kit/cdn-server.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { type S3Server, startS3Server, testAccessKey } from '../../../test/kit/s3-server/server.ts';
import { systemClock } from '../base/clock.ts';
import { Secret } from '../base/seal.ts';
import { Sockets } from '../http/sockets.ts';
import { Accounts, type Side } from './accounts.ts';
import { openStore, type StoreOptions } from './open-store.ts';
import type { Store } from './store.ts';

const { signal } = new AbortController();

function options(endpoint: string, bucket: string): StoreOptions {
  const { accessKeyId, secretAccessKey } = testAccessKey;
  const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  return { dialect: 'AWS', region: 'us-east-1', endpoint, bucket, credentials };
}

test('an account is of an endpoint and an access key, and lasts as long as its last store', async () => {
  const accounts = new Accounts({ clock: systemClock, calls: 1 });
  const shared = { accounts, side: 'source' as const };
  const here = { ...options('http://127.0.0.1:1', 'one'), shared };
  const [one, other] = [openStore(here), openStore({ ...here, bucket: 'other' })];
  assert.equal(accounts.size, 1);
  const elsewhere = openStore({ ...here, endpoint: 'http://127.0.0.1:2' });
  const credentials = { ...here.credentials, accessKeyId: 'another' };
  const byAnotherKey = openStore({ ...here, credentials });
  const another = new Secret('another');
  const bySecret = { ...here.credentials, secretAccessKey: another };
  const byAnotherSecret = openStore({ ...here, credentials: bySecret });
  const byToken = { ...here.credentials, sessionToken: another };
  const byAnotherToken = openStore({ ...here, credentials: byToken });
  assert.equal(accounts.size, 5);
  await one[Symbol.asyncDispose]();
  assert.equal(accounts.size, 5);
  const others = [other, elsewhere, byAnotherKey, byAnotherSecret, byAnotherToken];
  for (const store of others) await store[Symbol.asyncDispose]();
  assert.equal(accounts.size, 0);
});

test('the stores of an account share their connections, which end with the last of them', async () => {
  await using server = await startS3Server({ buckets: ['one', 'two'] });
  const accounts = new Accounts({ clock: systemClock, calls: 64 });
  const open = (bucket: string, side: Side): Store =>
    openStore({ ...options(server.url, bucket), shared: { accounts, side } });
  const stores = [open('one', 'source'), open('two', 'source'), open('one', 'target')];
  using account = accounts.use(server.url, options(server.url, 'one').credentials);
  assert.equal(account.clients.size, 1);
  for (const store of stores)
    await assert.rejects(store.head('key', signal), { fault: 'not-found' });
  for (const store of stores) {
    assert.equal(account.clients.size, 1);
    await store[Symbol.asyncDispose]();
  }
  assert.equal(account.clients.size, 0);
});

test('a store for checks answers while the copies of its account have all places', async () => {
  await using server = await startS3Server({ buckets: ['bucket'] });
  server.bucket('bucket').put('key', Buffer.from('content'));
  const accounts = new Accounts({ clock: systemClock, calls: 1 });
  const shared = { accounts, side: 'source' as const };
  await using copies = openStore({ ...options(server.url, 'bucket'), shared });
  await using checks = openStore({
    ...options(server.url, 'bucket'),
    shared: { ...shared, apart: true },
  });
  // A read keeps its place until its body has been read.
  const { body } = await copies.read('key', {}, signal);
  assert.equal((await checks.head('key', signal)).size, 7);
  body.discard();
});

test('ten stores of an account have no more requests in flight than one', {
  timeout: 30_000,
}, async () => {
  await using started = new AsyncDisposableStack();
  const calls = 6;
  const held: ServerResponse[] = [];
  let most = 0;
  const full = Promise.withResolvers<undefined>();
  const server = createServer((_request, response) => {
    held.push(response);
    most = Math.max(most, held.length);
    if (held.length >= calls) full.resolve(undefined);
  }).listen(0, '127.0.0.1');
  started.defer(() => void server.close());
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Accounts({ clock: systemClock, calls });
  const stores = Array.from({ length: 10 }, (_, at) => {
    const shared = { accounts, side: 'target' as const };
    return started.use(openStore({ ...options(endpoint, `bucket-${at}`), shared }));
  });
  const heads = stores.flatMap((store) =>
    Array.from({ length: 4 }, () =>
      assert.rejects(store.head('key', signal), { fault: 'not-found' }),
    ),
  );
  await full.promise;
  for (let left = heads.length; left > 0; left--) {
    while (held.length === 0) await once(server, 'request');
    held.shift()?.writeHead(404).end();
  }
  await Promise.all(heads);
  assert.equal(most, calls);
});

test('an account that throttles slows all its stores down, and no others', async () => {
  await using server = await startS3Server({ buckets: ['one', 'two'] });
  await using other = await startS3Server({ buckets: ['one'] });
  const clock = new ManualClock();
  const accounts = new Accounts({ clock, calls: 64 });
  const open = (endpoint: string, bucket: string, side: Side): Store =>
    openStore({ ...options(endpoint, bucket), clock, shared: { accounts, side } });
  await using throttled = open(server.url, 'one', 'source');
  await using same = open(server.url, 'two', 'target');
  await using elsewhere = open(other.url, 'one', 'target');
  server.faults.add({ kind: 'status', status: 503, code: 'SlowDown', times: 60 });
  for (let call = 0; call < 20; call++) await throttled.head('key', signal).catch(() => {});
  await elsewhere.head('key', signal).catch(() => {});
  clock.sleeps.length = 0;
  await assert.rejects(elsewhere.head('key', signal), { fault: 'not-found' });
  assert.deepEqual(clock.sleeps, []);
  await same.head('key', signal).catch(() => {});
  assert.notDeepEqual(clock.sleeps, []);
});

test('only what goes to a CDN takes the pace of the CDN, all else that of the bucket', async () => {
  await using server = await startS3Server({ buckets: ['bucket'] });
  const content = server.bucket('bucket');
  content.put('key', Buffer.from('content'));
  await using cdn = await startCdnServer({ bucket: 'bucket', content });
  const accounts = new Accounts({ clock: systemClock, calls: 64 });
  const reported: string[] = [];
  const given = options(server.url, 'bucket');
  const origin = `http://${cdn.domain}`;
  await using store = openStore({
    ...given,
    cdn: { origin, authenticationType: 'NONE', key: undefined, appId: undefined, guard: undefined },
    shared: { accounts, side: 'source' },
    onRequest: (operation) => void reported.push(operation),
  });
  using ofBucket = accounts.use(server.url, given.credentials);
  using ofCdn = accounts.use(origin, given.credentials);
  const turns = [ofBucket, ofCdn].map(({ pacer }) => mock.method(pacer, 'turn').mock);
  const taken = () => turns.map((each) => each.callCount());
  await store.list({}, signal);
  await store.head('key', signal);
  await store.put('other', { content: Buffer.from('x'), size: 1 }, {}, signal);
  assert.deepEqual(taken(), [3, 0]);
  // The bucket says what the CDN has to give.
  await (await store.read('key', {}, signal)).body.bytes();
  assert.deepEqual(taken(), [4, 1]);
  assert.equal(server.requests.total, 4);
  assert.equal(cdn.served.length, 1);
  assert.deepEqual(reported, ['list', 'head', 'put', 'head', 'read']);
});

test('copies within an account and in both directions between two do not wait for each other', {
  timeout: 60_000,
}, async () => {
  await using started = new AsyncDisposableStack();
  const buckets = ['from', 'to'];
  const one = started.use(await startS3Server({ buckets }));
  const two = started.use(await startS3Server({ buckets }));
  const sockets = new Sockets(6);
  const accounts = new Accounts({ clock: systemClock, calls: 2 });
  const open = (server: S3Server, bucket: string, side: Side): Store =>
    started.use(openStore({ ...options(server.url, bucket), sockets, shared: { accounts, side } }));
  const bytes = Buffer.alloc(1_000_000, 7);
  for (const server of [one, two]) server.bucket('from').put('key', bytes);
  const directions = [
    { from: one, to: one },
    { from: one, to: two },
    { from: two, to: one },
  ];
  const copies = directions.flatMap(({ from, to }, direction) => {
    const [source, target] = [open(from, 'from', 'source'), open(to, 'to', 'target')];
    return Array.from({ length: 24 }, async (_, at) => {
      const { body } = await source.read('key', {}, signal);
      const content = { content: body, size: bytes.length };
      await target.put(`${direction}-${at}`, content, {}, signal);
    });
  });
  await Promise.all(copies);
  assert.ok(one.bucket('to').bytes('0-23')?.equals(bytes));
  assert.ok(two.bucket('to').bytes('1-23')?.equals(bytes));
  assert.ok(one.bucket('to').bytes('2-23')?.equals(bytes));
});
