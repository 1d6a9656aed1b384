import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { type FrontOptions, startFrontProxy } from '../../../test/kit/front-proxy.ts';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { startS3Server } from '../../../test/kit/s3-server/server.ts';
import { SteppedClock } from '../../../test/kit/stepped-clock.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { Secret } from '../../platform/base/seal.ts';
import type { Behaviour } from '../../platform/model/behaviour.ts';
import { faults } from '../../platform/model/fault.ts';
import { forwarding } from '../../platform/stores/layers/forwarding.ts';
import { openStore } from '../../platform/stores/open-store.ts';
import type { Operation, Store } from '../../platform/stores/store.ts';
import { observeConditions, observeMd5, observeSource, observeTarget } from './observe.ts';

const { signal } = new AbortController();
const check = { clock: systemClock, signal };
const direct = { behindCdn: false };

/** All that can be seen of a store that may be written. What it writes, it removes. */
async function observed(store: Store): Promise<Behaviour> {
  const content = Buffer.from('frames');
  await store.put('marker', { content, size: content.length }, {}, signal);
  await store.put('other', { content, size: content.length }, {}, signal);
  await using upload = await store.startParts('upload', {}, signal);
  return {
    ...(await observeSource(store, direct, check)),
    ...(await observeMd5(upload, check)),
    ...(await observeConditions(store, 'marker', check)),
  };
}

/** What is seen of our S3 server behind a proxy that plays another one. */
async function observedBehind(options: FrontOptions): Promise<Behaviour> {
  // Some of the headers that a proxy drops are signed.
  await using server = await startS3Server({ buckets: ['bucket'], verify: false });
  await using proxy = await startFrontProxy(server.url, options);
  const { accessKeyId, secretAccessKey } = server.accessKey;
  await using store = openStore({
    ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', addressing: 'path' },
    endpoint: proxy.url,
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
  });
  return await observed(store);
}

/** A server that does not know a header of requests by some method. */
function without(method: string, header: string): FrontOptions {
  return {
    onRequest: ({ method: sent, headers }) => {
      if (sent === method) Reflect.deleteProperty(headers, header);
      return false;
    },
  };
}

const everything: Behaviour = {
  conditionalRead: true,
  ranges: true,
  ordered: true,
  checksMd5: true,
  conditionalPut: true,
  conditionalRemove: true,
};

describe('of a server behind a proxy is seen that it', () => {
  const { conditionalRead, ...rest } = everything;
  assert.ok(conditionalRead);

  for (const [what, options, expected] of [
    ['keeps every promise', {}, everything],
    [
      'ignores the condition of reads',
      without('GET', 'if-match'),
      { ...everything, conditionalRead: false },
    ],
    ['ignores ranges', without('GET', 'range'), { ...rest, ranges: false }],
    ['ignores MD5s', without('PUT', 'content-md5'), { ...everything, checksMd5: false }],
    [
      'ignores the condition of puts',
      without('PUT', 'if-none-match'),
      { ...everything, conditionalPut: false },
    ],
    [
      'ignores the condition of removals',
      without('DELETE', 'if-match'),
      { ...everything, conditionalRemove: false },
    ],
    [
      'refuses every condition of reads, that with the right ETag too',
      {
        onRequest({ method, headers }, response) {
          if (method !== 'GET' || headers['if-match'] === undefined) return false;
          response.writeHead(412, { 'content-length': 0 }).end();
          return true;
        },
      },
      { ...everything, conditionalRead: false },
    ],
    [
      'does not implement the condition of reads',
      {
        onRequest({ method, headers }, response) {
          if (method !== 'GET' || headers['if-match'] === undefined) return false;
          response.writeHead(501, { 'content-length': 0 }).end();
          return true;
        },
      },
      { ...everything, conditionalRead: false },
    ],
  ] satisfies [string, FrontOptions, Behaviour][]) {
    test(what, async () => {
      const found = await observedBehind(options);
      assert.deepEqual(found, expected);
    });
  }

  test('fails when it is read with the right ETag, which proves nothing', async () => {
    let conditional = 0;
    const { conditionalRead: found } = await observedBehind({
      onRequest({ method, headers }, response) {
        if (method !== 'GET' || headers['if-match'] === undefined) return false;
        conditional += 1;
        if (conditional === 1) return false;
        response.writeHead(503, { 'content-length': 0 }).end();
        return true;
      },
    });
    assert.deepEqual([found, conditional], [undefined, 2]);
  });
});

test('a listing out of order is seen at a source and at a target', async () => {
  const script = { list: { 1: 'out-of-order', 2: 'out-of-order' } } as const;
  const { store } = faulty(new MemoryStore(), script);
  assert.deepEqual(await observeSource(store, direct, check), { ordered: false });
  assert.deepEqual(await observeTarget(store, check), { ordered: false });
});

test('an empty bucket, and one whose objects have no two bytes, are not read', async () => {
  const store = new MemoryStore();
  assert.deepEqual(await observeSource(store, direct, check), {});
  await store.put('empty', { content: Buffer.alloc(0), size: 0 }, {}, signal);
  await store.put('one', { content: Buffer.alloc(1), size: 1 }, {}, signal);
  const { store: counted, calls } = faulty(store, {});
  assert.deepEqual(await observeSource(counted, direct, check), { ordered: true });
  assert.equal(calls.get('read'), undefined);
});

test('a source is not read through a CDN', async () => {
  const store = new MemoryStore();
  const content = Buffer.from('frames');
  await store.put('film', { content, size: content.length }, {}, signal);
  const { store: counted, calls } = faulty(store, {});
  assert.deepEqual(await observeSource(counted, { behindCdn: true }, check), {});
  assert.equal(calls.get('read'), undefined);
});

test('what the traits do not claim is not sent', async () => {
  const store = new MemoryStore({ traits: { conditionalPut: false, conditionalRemove: false } });
  const { store: counted, calls } = faulty(store, {});
  assert.deepEqual(await observeConditions(counted, 'marker', check), {});
  assert.equal(calls.size, 0);
});

describe('a failure for another reason is no finding, and none that is thrown', () => {
  const sees = {
    list: 'ordered',
    putPart: 'checksMd5',
    remove: 'conditionalRemove',
  } as const satisfies Partial<Record<Operation, keyof Behaviour>>;

  for (const fault of faults) {
    test(fault, async () => {
      for (const call of [1, 2]) {
        const { store } = faulty(new MemoryStore(), { read: { [call]: fault } });
        const { conditionalRead, ranges } = await observed(store);
        const says = fault === 'unsupported' || (call === 2 && fault === 'changed');
        if (!says) assert.equal(conditionalRead, undefined);
        if (!says) assert.equal(ranges, call === 1 ? undefined : true);
      }
      for (const [operation, finding] of Object.entries(sees)) {
        const { store } = faulty(new MemoryStore(), { [operation]: { 1: fault } });
        const found = await observed(store);
        const says = ['out-of-order', 'corrupt', 'changed'].includes(fault);
        if (!says) assert.equal(found[finding], undefined);
      }
    });
  }
});

test('nothing is found out once the check has ended', async () => {
  const ended = { clock: systemClock, signal: AbortSignal.abort(new Error('too late')) };
  const store = new MemoryStore();
  assert.deepEqual(await observeSource(store, direct, ended), {});
  assert.deepEqual(await observeTarget(store, ended), {});
  await using upload = await store.startParts('upload', {}, signal);
  assert.deepEqual(await observeMd5(upload, ended), {});
});

test('nothing is found out of a store that does not answer for 5 seconds', async () => {
  const clock = new SteppedClock();
  const silent = forwarding(new MemoryStore(), {
    list: (_page, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  });
  let found: Behaviour | undefined;
  const observing = observeTarget(silent, { clock, signal }).then((behaviour) => {
    found = behaviour;
  });
  await clock.pass(4_999);
  assert.equal(found, undefined);
  await clock.pass(1);
  await observing;
  assert.deepEqual(found, {});
});
