import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { moreThan, slowDown } from '../kit/s3-server/faults.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';

/** A server that takes everybody's word, with one object. */
async function openServer(): Promise<S3Server> {
  const server = await startS3Server({ buckets: ['bucket'], verify: false });
  server.bucket('bucket').put('k', 'bytes');
  return server;
}

describe('planned faults', () => {
  test('a status, at the second call and the third only', async () => {
    await using server = await openServer();
    const fault = server.faults.add({
      kind: 'status',
      status: 503,
      code: 'SlowDown',
      retryAfter: 7,
      match: { operation: 'GetObject', key: /^k/ },
      nth: 2,
      times: 2,
    });
    const answers: Response[] = [];
    for (let i = 0; i < 4; i++) answers.push(await fetch(`${server.url}/bucket/k`));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 503, 503, 200],
    );
    assert.equal(answers[1]?.headers.get('retry-after'), '7');
    assert.match(await answers[1].text(), /<Code>SlowDown</);
    assert.deepEqual([fault.seen, fault.fired], [4, 2]);
  });

  test('a refusal of all requests beyond so many a second', async () => {
    await using server = await openServer();
    let now = 1000;
    server.faults.add({ ...slowDown, onlyIf: moreThan(2, () => now) });
    const ask = async (): Promise<number> => (await fetch(`${server.url}/bucket/k`)).status;
    assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 503]);
    now += 1000;
    assert.equal(await ask(), 200);
  });

  for (const when of ['before-body', 'after-body'] as const) {
    test(`a reset ${when} leaves nothing behind`, async () => {
      await using server = await openServer();
      server.faults.add({ kind: 'reset', when });
      await assert.rejects(fetch(`${server.url}/bucket/new`, { method: 'PUT', body: 'x' }));
      assert.deepEqual(server.bucket('bucket').keys(), ['k']);
    });
  }

  test('a request is performed and its answer swallowed', async () => {
    await using server = await openServer();
    server.faults.add({ kind: 'swallow' });
    await assert.rejects(fetch(`${server.url}/bucket/new`, { method: 'PUT', body: 'x' }));
    assert.deepEqual(server.bucket('bucket').keys(), ['k', 'new']);
  });

  for (const afterBytes of [0, 3]) {
    test(`a body is cut after ${afterBytes} bytes`, async () => {
      await using server = await openServer();
      server.faults.add({ kind: 'cut', afterBytes });
      const response = await fetch(`${server.url}/bucket/k`);
      assert.equal(response.headers.get('content-length'), '5');
      await assert.rejects(response.text());
    });
  }

  test('a body is corrupt, and as long as it should be', async () => {
    await using server = await openServer();
    server.faults.add({ kind: 'corrupt', at: 0 });
    assert.equal(await (await fetch(`${server.url}/bucket/k`)).text(), 'cytes');
    assert.equal(await (await fetch(`${server.url}/bucket/k`)).text(), 'bytes');
  });

  for (const after of ['request', 'headers'] as const) {
    test(`silence after the ${after}`, async () => {
      await using server = await openServer();
      server.faults.add({ kind: 'silence', after });
      const signal = AbortSignal.timeout(200);
      const response = fetch(`${server.url}/bucket/k`, { signal });
      if (after === 'headers')
        await assert.rejects((await response).text(), { name: 'TimeoutError' });
      else await assert.rejects(response, { name: 'TimeoutError' });
    });
  }

  test('an error that says 200', async () => {
    await using server = await openServer();
    server.faults.add({ kind: 'error-in-200', code: 'InternalError', match: { method: 'PUT' } });
    const response = await fetch(`${server.url}/bucket/new`, { method: 'PUT', body: 'x' });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /<Error><Code>InternalError</);
    assert.deepEqual(server.bucket('bucket').keys(), ['k']);
  });

  test('a delay', async () => {
    await using server = await openServer();
    server.faults.add({ kind: 'delay', ms: 100 });
    const start = performance.now();
    await fetch(`${server.url}/bucket`);
    assert.ok(performance.now() - start >= 99);
  });
});
