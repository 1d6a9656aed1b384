import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import type { HttpReply } from '../http/http.ts';
import { StoreError } from '../model/store-error.ts';
import { Pacer } from './pacer.ts';
import { type Answer, connecting, type OnRequest, type StoreRequest } from './requests.ts';

const { signal } = new AbortController();
const about = { store: 'test:bucket', operation: 'read', key: 'key' };

async function startServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const pacer = new Pacer(clock);
  const reported: Parameters<OnRequest>[] = [];
  const onRequest: OnRequest = (...request) => void reported.push(request);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = connecting({ pacer, clock, onRequest })({ origin });
  return {
    ...{ clock, pacer, reported, connection },
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      server.close();
    },
  };
}

function requestOf(changes: Partial<StoreRequest> = {}): StoreRequest {
  const sign = () => ({ path: '/', headers: [] });
  return { operation: 'read', method: 'GET', sign, size: 0, about, signal, ...changes };
}

const accepted = async (reply: HttpReply): Promise<Answer<HttpReply>> => ({ result: reply });

test('a request is signed after the wait for its turn, and the wait does not count as time of the store', async () => {
  await using running = await startServer((_request, response) => response.end());
  const { clock, pacer, reported, connection } = running;
  for (let at = 0; at < 8; at++) {
    pacer.answered({ sentAt: await pacer.turn(signal), refused: true, retryAfterMs: 30_000 });
  }
  const before = clock.time;
  let signedAt = 0;
  const sign = () => {
    signedAt = clock.now();
    return { path: '/', headers: [] };
  };
  const { body } = await connection.send(requestOf({ sign }), accepted);
  await body.bytes();
  assert.ok(signedAt - before >= 30_000);
  assert.deepEqual(reported, [['read', 'ok', 0]]);
});

test('a request ends with its body: read, broken, or discarded', async () => {
  let finish = (): void => undefined;
  await using running = await startServer(({ url }, response) => {
    if (url !== '/') response.setHeader('content-length', 100_000);
    finish = () => void response.end('2');
    response.write('1', () => {
      if (url === '/broken') response.destroy();
    });
  });
  const { clock, reported, connection } = running;
  const send = async (path: string): Promise<HttpReply> =>
    await connection.send(requestOf({ sign: () => ({ path, headers: [] }) }), accepted);
  const whole = await send('/');
  assert.deepEqual(reported, []);
  clock.time += 1500;
  finish();
  await whole.body.bytes();
  await assert.rejects((await send('/broken')).body.bytes(), { fault: 'interrupted' });
  (await send('/endless')).body.discard();
  assert.deepEqual(reported, [
    ['read', 'ok', 1.5],
    ['read', 'interrupted', 0],
    ['read', 'ok', 0],
  ]);
});

test('what an answer means is reported: also where reading it fails, or the caller aborts', async () => {
  await using running = await startServer((_request, response) => response.end('text'));
  const { reported, connection } = running;
  const refusal = { fault: 'throttled', retryAfterMs: 1 } as const;
  await connection.send(requestOf(), async () => ({ result: undefined, refusal }));
  const badReply = new StoreError('bad-reply', about);
  const failing = connection.send(requestOf(), () => Promise.reject(badReply));
  await assert.rejects(failing, { fault: 'bad-reply' });
  const stop = new AbortController();
  const aborted = connection.send(requestOf({ signal: stop.signal }), accepted);
  stop.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  const outcomes = reported.map(([, outcome]) => outcome);
  assert.deepEqual(outcomes, ['throttled', 'bad-reply', 'aborted']);
});

test('a store that does not answer is not slowed down', async () => {
  await using running = await startServer((_request, response) => response.destroy());
  const { clock, connection } = running;
  for (let call = 0; call < 60; call++) {
    await assert.rejects(connection.send(requestOf(), accepted), { fault: 'interrupted' });
    clock.time += 10;
  }
  assert.deepEqual(clock.sleeps, []);
});
