import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter, openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import { s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { StoreError } from '../../src/platform/model/store-error.ts';
import { bodyOf, patterned, streamed } from '../conformance/store.ts';
import type { FaultPlan } from '../kit/s3-server/faults.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { until } from '../kit/until.ts';

const { signal } = new AbortController();
let server: S3Server;
let store: Store;
const opened: Store[] = [];

function optionsFor({ url, accessKey }: S3Server, changes: Partial<StoreOptions>): StoreOptions {
  const { accessKeyId, secretAccessKey } = accessKey;
  return {
    dialect: 'AWS',
    region: 'us-east-1',
    bucket: 'bucket',
    endpoint: url,
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
    timeouts: { headers: 1000, bodyIdle: 1000 },
    ...changes,
  };
}

function adapter(changes: Partial<StoreOptions> = {}): Store {
  const made = openAdapter(optionsFor(server, changes));
  opened.push(made);
  return made;
}

before(async () => {
  server = await startS3Server({ buckets: ['bucket'] });
  store = adapter();
});

after(async () => {
  for (const each of opened) await each[Symbol.asyncDispose]();
  await server.close();
});

async function errorOf(call: Promise<unknown>): Promise<StoreError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    return error;
  }
  assert.fail('it did not reject');
}

async function under(plan: FaultPlan, call: () => Promise<unknown>): Promise<unknown> {
  const fault = server.faults.add(plan);
  try {
    return await call();
  } finally {
    fault.remove();
  }
}

function status(code: string, number: number): FaultPlan {
  return { kind: 'status', status: number, code };
}

describe('what a store says is understood', () => {
  for (const [code, fault] of s3Dialects.AWS.faults) {
    test(`${code} is ${fault}`, async () => {
      const call = () => store.put('key', bodyOf('x'), {}, signal);
      const error = await errorOf(under(status(code, 400), call));
      assert.equal(error.fault, fault);
      assert.equal(error.details.cloudCode, code);
      assert.ok(error.details.requestId !== undefined);
    });
  }

  for (const [number, fault] of [
    [400, 'refused'],
    [401, 'bad-credentials'],
    [403, 'denied'],
    [404, 'not-found'],
    [409, 'refused'],
    [412, 'changed'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [501, 'unsupported'],
    [502, 'unavailable'],
    [503, 'throttled'],
    [507, 'full'],
    [599, 'unavailable'],
  ] as const) {
    test(`a status of ${number} with an unknown code is ${fault}`, async () => {
      const call = () => store.list({}, signal);
      assert.equal((await errorOf(under(status('NobodyKnows', number), call))).fault, fault);
    });
  }

  test('a 503 without a code is a request to slow down', async () => {
    const plan = { kind: 'status', status: 503, code: '' } as const;
    for (const call of [() => store.head('key', signal), () => store.read('key', {}, signal)]) {
      assert.equal((await errorOf(under(plan, call))).fault, 'throttled');
    }
  });

  test('a store that throttles requests reports how long to wait', async () => {
    const plan = { kind: 'status', status: 503, code: 'SlowDown', retryAfter: 7 } as const;
    const error = await errorOf(under(plan, () => store.head('key', signal)));
    assert.equal(error.details.retryAfterMs, 7000);
    const read = await errorOf(under(plan, () => store.read('key', {}, signal)));
    assert.equal(read.fault, 'throttled');
  });

  test('a wrong secret is reported, and the report does not contain it', async () => {
    const credentials = {
      accessKeyId: server.accessKey.accessKeyId,
      secretAccessKey: new Secret('the wrong secret'),
    };
    const wrong = adapter({ credentials });
    const error = await errorOf(wrong.list({}, signal));
    assert.equal(error.fault, 'bad-credentials');
    assert.equal(error.details.cloudCode, 'SignatureDoesNotMatch');
    const told = JSON.stringify(error) + error.message + String(error.cause);
    assert.doesNotMatch(told, /wrong secret|AWS4-HMAC|x-amz-date/);
    const unknown = adapter({ credentials: { ...credentials, accessKeyId: 'NOBODY' } });
    assert.equal((await errorOf(unknown.list({}, signal))).fault, 'bad-credentials');
  });

  test('a missing bucket is not a missing object', async () => {
    const nowhere = adapter({ bucket: 'nowhere' });
    for (const call of [
      nowhere.list({}, signal),
      nowhere.read('key', {}, signal),
      nowhere.put('key', bodyOf('x'), {}, signal),
      nowhere.startParts('key', {}, signal),
    ]) {
      assert.equal((await errorOf(call)).fault, 'no-bucket');
    }
  });
});

describe('a clock that is wrong', () => {
  for (const method of ['list', 'head'] as const) {
    test(`is reported, and then the store's clock is used (${method})`, async () => {
      const now = (): number => Date.now() + 3_600_000;
      await using ahead = await startS3Server({ buckets: ['bucket'], now });
      await using skewed = openAdapter(optionsFor(ahead, {}));
      const call = () => (method === 'list' ? skewed.list({}, signal) : skewed.head('key', signal));
      assert.equal((await errorOf(call())).fault, 'clock-skew');
      await skewed.put('key', bodyOf('x'), {}, signal);
      await call();
    });
  }
});

test('a clock that is wrong is reported to all concurrent requests', async () => {
  const now = (): number => Date.now() + 3_600_000;
  await using ahead = await startS3Server({ buckets: ['bucket'], now });
  await using skewed = openAdapter(optionsFor(ahead, {}));
  const calls = Array.from({ length: 8 }, () => errorOf(skewed.head('key', signal)));
  const faults = (await Promise.all(calls)).map(({ fault }) => fault);
  assert.deepEqual(new Set(faults), new Set(['clock-skew']));
});

describe('what breaks on the way', () => {
  const bytes = patterned(MiB);

  before(() => {
    server.bucket('bucket').put('there', bytes);
  });

  for (const plan of [
    { kind: 'reset', when: 'before-body' },
    { kind: 'reset', when: 'after-body' },
    { kind: 'swallow' },
    { kind: 'silence', after: 'request' },
  ] as const) {
    test(`${JSON.stringify(plan)} is interrupted`, async () => {
      for (const call of [
        () => store.put('key', { content: bytes, size: bytes.length }, {}, signal),
        () => store.put('key', { content: streamed(bytes), size: bytes.length }, {}, signal),
        () => store.read('there', {}, signal),
        () => store.list({}, signal),
      ]) {
        assert.equal((await errorOf(under(plan, call))).fault, 'interrupted');
      }
    });
  }

  for (const plan of [
    { kind: 'cut', afterBytes: 1000 },
    { kind: 'silence', after: 'headers' },
  ] as const) {
    test(`a body with ${JSON.stringify(plan)} is interrupted`, async () => {
      const read = async () => (await store.read('there', {}, signal)).body.bytes();
      assert.equal((await errorOf(under(plan, read))).fault, 'interrupted');
      const iterate = async () => Array.fromAsync((await store.read('there', {}, signal)).body);
      assert.equal((await errorOf(under(plan, iterate))).fault, 'interrupted');
    });
  }

  test('an error within a success is an error', async () => {
    const plan = { kind: 'error-in-200', code: 'InternalError' } as const;
    const copy = () => store.copy({ bucket: 'bucket', key: 'there' }, 'copied', signal);
    assert.equal((await errorOf(under(plan, copy))).fault, 'unavailable');
    await using upload = await store.startParts('key', {}, signal);
    const receipt = await upload.putPart(1, bodyOf('x'), signal);
    const complete = () => upload.complete([receipt], signal);
    const error = await errorOf(under({ ...plan, code: 'SlowDown' }, complete));
    assert.equal(error.fault, 'throttled');
    await upload.complete([receipt], signal);
  });

  test('a stream is closed when its request is refused', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve));
          yield bytes.subarray(0, 65_536);
        }
      } finally {
        closed = true;
      }
    }
    const credentials = { accessKeyId: 'NOBODY', secretAccessKey: new Secret('none') };
    const put = adapter({ credentials }).put(
      'key',
      { content: endless(), size: 1024 * MiB },
      {},
      signal,
    );
    assert.equal((await errorOf(put)).fault, 'bad-credentials');
    await until('the body is closed', () => closed);
  });
});

describe('the whole stack', () => {
  const bytes = patterned(3 * MiB);

  function whole(): Store {
    const retries = { baseMs: 1, maxMs: 1000 };
    const made = openStore(optionsFor(server, { retries, connections: 4 }));
    opened.push(made);
    return made;
  }

  for (const plan of [
    { kind: 'status', status: 500, code: 'InternalError' },
    { kind: 'status', status: 503, code: 'SlowDown' },
    { kind: 'reset', when: 'before-body' },
    { kind: 'reset', when: 'after-body' },
    { kind: 'swallow' },
    { kind: 'cut', afterBytes: 70_000 },
    { kind: 'silence', after: 'request' },
    { kind: 'silence', after: 'headers' },
  ] as const) {
    test(`survives ${JSON.stringify(plan)} at every other request`, async () => {
      const patient = whole();
      const planned = [1, 3, 5].map((nth) => server.faults.add({ ...plan, nth }));
      await patient.put('whole', { content: bytes, size: bytes.length }, {}, signal);
      const { body } = await patient.read('whole', {}, signal);
      assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(body))));
      const { entries } = await patient.list({ prefix: 'whole' }, signal);
      assert.equal(entries[0]?.size, bytes.length);
      for (const fault of planned) fault.remove();
    });
  }
});

describe('a HEAD that is refused without a code', () => {
  const times = Infinity;
  for (const [status, code, fault] of [
    [400, 'ExpiredToken', 'bad-credentials'],
    [403, 'InvalidAccessKeyId', 'bad-credentials'],
    [403, 'AccessDenied', 'denied'],
    [400, 'InvalidArgument', 'refused'],
  ] as const) {
    test(`is ${fault} where a GET says ${code}`, async () => {
      await under({ kind: 'status', status, code, times }, async () => {
        const error = await errorOf(store.head('key', signal));
        assert.deepEqual([error.fault, error.details.operation], [fault, 'head']);
      });
    });
  }

  test('is judged by its status where a GET succeeds', async () => {
    await store.put('key', { content: Buffer.from('bytes'), size: 5 }, {}, signal);
    const match = { operation: 'HeadObject' } as const;
    await under({ kind: 'status', status: 403, code: 'ExpiredToken', times, match }, async () => {
      assert.equal((await errorOf(store.head('key', signal))).fault, 'denied');
    });
  });
});
