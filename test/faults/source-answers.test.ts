import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type FrontOptions, startFrontProxy } from '../kit/front-proxy.ts';
import { startCdnServer } from '../kit/cdn-server.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

/*
 * The answer of a source is compared with the request. That a condition was sent proves nothing:
 * stores and proxies ignore If-Match, refuse their own ETag, or ignore ranges.
 */

/** Whose first failure is the last one. */
let world: World;
before(async () => {
  world = await startWorld({ settings: { attemptsMax: 1 } });
});
after(() => world[Symbol.asyncDispose]());

/**
 * Puts an object as if it was uploaded in parts: its ETag is not an MD5, so the service copies it in parts. Its time is
 * old enough to distinguish it from another object if its ETag is weak.
 */
function putInParts(world: World, key: string, bytes: Buffer): void {
  const etag = `${createHash('md5').update(bytes).digest('hex')}-9`;
  world.from.put(key, bytes, { etag, lastModified: Date.now() - 60_000 });
}

function isRanged({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.range !== undefined;
}

async function copyThrough(world: World, key: string, front: FrontOptions) {
  await using proxy = await startFrontProxy(world.source.url, front);
  const taskId = await world.createTask({ src_endpoint: proxy.url });
  await world.sync(taskId, [key]);
  return await world.outcome(taskId, key);
}

function refuseCondition(status: number) {
  return ({ headers }: IncomingMessage, response: ServerResponse): boolean => {
    if (headers['if-match'] === undefined) return false;
    response.writeHead(status, { 'content-length': 0 }).end();
    return true;
  };
}

describe('a source that ignores If-Match', () => {
  /** Drops the condition, and replaces the object just before the given ranged read. */
  function replacing(nth: number, replace: () => void): FrontOptions {
    let ranged = 0;
    return {
      onRequest(request) {
        delete request.headers['if-match'];
        if (isRanged(request) && ++ranged === nth) replace();
        return false;
      },
    };
  }

  for (const [what, size] of [
    ['the same size', sizes.large],
    ['more bytes', sizes.large + 1],
    ['fewer bytes', sizes.large - 1],
    ['so few bytes that a range is beyond its end', 10],
  ] as const) {
    test(`an object that is replaced by one of ${what}: changed, and nothing is published`, async () => {
      const key = `replaced/${size}`;
      putInParts(world, key, Buffer.alloc(sizes.large, 'a'));
      // By the second read the first one, which has been answered, is of the old object.
      const replace = () => putInParts(world, key, Buffer.alloc(size, 'b'));
      const { outcome, reason } = await copyThrough(world, key, replacing(2, replace));
      assert.deepEqual([outcome, reason], ['failed', 'changed']);
      assert.deepEqual(world.to.versions(key), []);
      assert.deepEqual(world.to.openUploads(), []);
    });
  }

  test('an object that is replaced after its body broke off: changed, and nothing is published', async () => {
    const key = 'broken-off';
    const [old, young] = [randomBytes(sizes.medium), randomBytes(sizes.medium)];
    world.from.put(key, old);
    const match = { key, operation: 'GetObject' } as const;
    const cut = world.source.faults.add({ kind: 'cut', afterBytes: 100_000, match });
    const replace = () => world.from.put(key, young);
    const { outcome, reason } = await copyThrough(world, key, replacing(1, replace));
    assert.equal(cut.fired, 1);
    assert.deepEqual([outcome, reason], ['failed', 'changed']);
    assert.deepEqual(world.to.versions(key), []);
  });

  test('a weak ETag that stays the same when the object is replaced: the time shows the change', async () => {
    const key = 'weak-and-replaced';
    const lastModified = Date.now() - 60_000;
    const etag = 'the same';
    world.from.put(key, Buffer.alloc(sizes.large, 'a'), { etag, lastModified });
    const replace = () => world.from.put(key, Buffer.alloc(sizes.large, 'b'), { etag });
    const { reason } = await copyThrough(world, key, {
      ...replacing(2, replace),
      onAnswer: (answer) => weaken(answer),
    });
    assert.equal(reason, 'changed');
    assert.deepEqual(world.to.versions(key), []);
  });
});

function weaken(answer: IncomingMessage): void {
  const { etag } = answer.headers;
  if (etag !== undefined) answer.headers.etag = `W/${etag}`;
}

describe('a source that refuses its own ETag', () => {
  const weak = (request: IncomingMessage, response: ServerResponse): boolean => {
    const isWeak = request.headers['if-match']?.startsWith('W/') ?? false;
    return isWeak && refuseCondition(412)(request, response);
  };

  for (const [what, front] of [
    ['because it is weak', { onRequest: weak, onAnswer: weaken }],
    ['with 412', { onRequest: refuseCondition(412) }],
    ['with 501', { onRequest: refuseCondition(501) }],
    ['with 400', { onRequest: refuseCondition(400) }],
  ] as const) {
    test(`${what}: the object is read without it, and copied`, async () => {
      const key = `refused/${what}`;
      const bytes = randomBytes(sizes.large);
      putInParts(world, key, bytes);
      const { outcome } = await copyThrough(world, key, front);
      assert.equal(outcome, 'copied');
      assert.ok(world.to.bytes(key)?.equals(bytes));
    });
  }

  test('and whose object is replaced meanwhile: changed, and nothing is published', async () => {
    const key = 'refused/replaced';
    putInParts(world, key, Buffer.alloc(sizes.large, 'a'));
    let ranged = 0;
    const { reason } = await copyThrough(world, key, {
      onRequest(request, response) {
        if (refuseCondition(412)(request, response)) return true;
        if (isRanged(request) && ++ranged === 2) {
          putInParts(world, key, Buffer.alloc(sizes.large, 'b'));
        }
        return false;
      },
    });
    assert.equal(reason, 'changed');
    assert.deepEqual(world.to.versions(key), []);
  });

  test('with 412 receives requests without a condition from then on', async () => {
    const key = 'refused/once';
    putInParts(world, key, randomBytes(sizes.large));
    let conditions = 0;
    await copyThrough(world, key, {
      onRequest(request, response) {
        if (request.headers['if-match'] !== undefined) conditions += 1;
        return refuseCondition(412)(request, response);
      },
    });
    // Those that were under way together when the first was refused.
    assert.ok(conditions >= 1 && conditions <= 3, `${conditions} of them`);
    assert.ok(world.to.bytes(key) !== undefined);
  });
});

describe('a source that does not answer ranges with 206', () => {
  let patient: World;
  before(async () => {
    patient = await startWorld();
  });
  after(() => patient[Symbol.asyncDispose]());

  function onlyWholes(request: IncomingMessage): boolean {
    delete request.headers.range;
    return false;
  }

  function unchunked(answer: IncomingMessage, { method }: IncomingMessage): void {
    if (method === 'GET') delete answer.headers['content-length'];
  }

  for (const [what, size, front] of [
    ['200 to a range that is the whole', 2_000_000, { onRequest: onlyWholes }],
    [
      '200 with Content-Range to any range',
      sizes.large,
      { onAnswer: (answer: IncomingMessage) => (answer.statusCode = 200) },
    ],
    ['200 with the whole to any range', sizes.large, { onRequest: onlyWholes }],
    ['no Content-Length', sizes.large, { onAnswer: unchunked }],
    [
      '200 with the whole, and no Content-Length',
      sizes.large,
      { onRequest: onlyWholes, onAnswer: unchunked },
    ],
  ] as const) {
    test(`${what}: the object is copied`, async () => {
      const key = `ranges/${what}`;
      const bytes = randomBytes(size);
      putInParts(patient, key, bytes);
      const { outcome, check_passed, attempts } = await copyThrough(patient, key, front);
      assert.deepEqual([outcome, check_passed, attempts], ['copied', true, 1]);
      assert.ok(patient.to.bytes(key)?.equals(bytes));
    });
  }

  test('copies on with the parts that are missing after a failure', async () => {
    const key = 'ranges/resumed';
    const bytes = randomBytes(sizes.large);
    putInParts(patient, key, bytes);
    const fault = patient.target.faults.add({
      ...{ kind: 'status', status: 500, code: 'InternalError', nth: 2 },
      match: { key, operation: 'UploadPart' },
    });
    const before = patient.target.requests.of('UploadPart');
    const { outcome } = await copyThrough(patient, key, { onRequest: onlyWholes });
    assert.equal(fault.fired, 1);
    assert.equal(outcome, 'copied');
    assert.ok(patient.to.bytes(key)?.equals(bytes));
    assert.equal(patient.target.requests.of('UploadPart') - before, 4);
  });

  test('and whose weak ETag stays while it is replaced between two attempts: parts of both are never joined', async () => {
    const key = 'ranges/weak-and-replaced';
    const young = Buffer.alloc(sizes.large, 'b');
    const etag = 'the same';
    const lastModified = Date.now() - 60_000;
    patient.from.put(key, Buffer.alloc(sizes.large, 'a'), { etag, lastModified });
    const fault = patient.target.faults.add({
      ...{ kind: 'status', status: 500, code: 'InternalError', nth: 2 },
      match: { key, operation: 'UploadPart' },
    });
    await copyThrough(patient, key, {
      onRequest(request) {
        if (fault.fired === 1)
          patient.from.put(key, young, { etag, lastModified: lastModified + 1000 });
        return onlyWholes(request);
      },
      onAnswer: weaken,
    });
    assert.ok(patient.to.bytes(key)?.equals(young));
    assert.equal(patient.to.versions(key).length, 1);
  });

  test('and is replaced between two attempts: parts of both are never joined', async () => {
    const key = 'ranges/replaced';
    const young = Buffer.alloc(sizes.large, 'b');
    putInParts(patient, key, Buffer.alloc(sizes.large, 'a'));
    const fault = patient.target.faults.add({
      ...{ kind: 'status', status: 500, code: 'InternalError', nth: 2 },
      match: { key, operation: 'UploadPart' },
    });
    await copyThrough(patient, key, {
      onRequest(request) {
        if (fault.fired === 1) putInParts(patient, key, young);
        return onlyWholes(request);
      },
    });
    assert.ok(patient.to.bytes(key)?.equals(young));
    assert.equal(patient.to.versions(key).length, 1);
  });
});

describe('a CDN before the source', () => {
  async function taskThrough(domain: string): Promise<string> {
    const cdn = { domain, protocol: 'http', authentication_type: 'NONE' };
    return world.createTask({ source_cdn: cdn });
  }

  test('that ignores ranges: the object is copied from one read of the whole', async () => {
    await using cdn = await startCdnServer({ bucket: 'source', content: world.from });
    cdn.manners.ignoresRanges = true;
    const bytes = randomBytes(sizes.large);
    putInParts(world, 'cdn/wholes', bytes);
    const taskId = await taskThrough(cdn.domain);
    await world.sync(taskId, ['cdn/wholes']);
    assert.ok(world.to.bytes('cdn/wholes')?.equals(bytes));
  });

  test('whose ranges have different ETags, of unknown meaning: stale-cdn, and nothing is published', async () => {
    await using cdn = await startCdnServer({ bucket: 'source', content: world.from });
    const key = 'cdn/mixed';
    putInParts(world, key, randomBytes(sizes.large));
    const cached = (etag: string) => ({
      ...{
        content: heldContent([randomBytes(sizes.large)]),
        etag,
        lastModified: Date.now() + 5000,
      },
    });
    cdn.manners.cached.set(key, cached('opaque-1'));
    const taskId = await taskThrough(cdn.domain);
    cdn.served.length = 0;
    // The first read opens the whole, whose head decides; the parts come after it.
    const partsAt = world.target.faults.add({
      ...{ kind: 'delay', ms: 300 },
      match: { key, operation: 'CreateMultipartUpload' },
    });
    await world.client.sendEvents(taskId, [key]);
    await until('the upload is opened', () => partsAt.fired === 1);
    cdn.manners.cached.set(key, cached('opaque-2'));
    await world.client.settled(taskId, 1);
    const { reason, message } = await world.outcome(taskId, key);
    assert.equal(reason, 'stale-cdn', message ?? '');
    assert.match(message ?? '', /its object has the ETag .*opaque-2.* now, and had .*opaque-1/);
    assert.deepEqual(world.to.versions(key), []);
  });
});

describe('a source without ETags', () => {
  const untagged: FrontOptions = {
    onAnswer(answer) {
      delete answer.headers.etag;
    },
  };

  for (const size of [0, sizes.small, sizes.large]) {
    test(`copies an object of ${size} bytes`, async () => {
      const key = `untagged/${size}`;
      const bytes = randomBytes(size);
      world.from.put(key, bytes, { lastModified: Date.now() - 60_000 });
      const { outcome } = await copyThrough(world, key, untagged);
      assert.equal(outcome, 'copied');
      assert.deepEqual(world.to.bytes(key), bytes);
    });
  }

  test('an object that is replaced during its copy: changed, and nothing is published', async () => {
    const key = 'untagged/replaced';
    world.from.put(key, Buffer.alloc(sizes.large, 'a'), { lastModified: Date.now() - 60_000 });
    let ranged = 0;
    const { reason } = await copyThrough(world, key, {
      ...untagged,
      onRequest(request) {
        const lastModified = Date.now() - 30_000;
        const isSecond = isRanged(request) && ++ranged === 2;
        if (isSecond) world.from.put(key, Buffer.alloc(sizes.large, 'b'), { lastModified });
        return false;
      },
    });
    assert.equal(reason, 'changed');
    assert.deepEqual(world.to.versions(key), []);
  });

  test('an object of parts that has just been written waits: changed', async () => {
    const key = 'untagged/young';
    world.from.put(key, Buffer.alloc(sizes.large, 'a'), { lastModified: Date.now() + 60_000 });
    const { reason } = await copyThrough(world, key, untagged);
    assert.equal(reason, 'changed');
    assert.deepEqual(world.to.versions(key), []);
  });

  test('an object that was replaced after its copy, before the target was written, is copied', async () => {
    const key = 'untagged/again';
    await using proxy = await startFrontProxy(world.source.url, untagged);
    const taskId = await world.createTask({ src_endpoint: proxy.url });
    for (const [text, age] of [
      ['old', 60_000],
      ['new', 30_000],
    ] as const) {
      world.from.put(key, Buffer.from(text), { lastModified: Date.now() - age });
      await world.sync(taskId, [key]);
      assert.equal(Buffer.from(world.to.bytes(key) ?? []).toString(), text);
    }
  });
});

describe('a target without ETags in its HEAD', () => {
  test('an older object there is replaced', async () => {
    const key = 'untagged/target';
    world.to.put(key, Buffer.from('old'), { lastModified: Date.now() - 60_000 });
    world.from.put(key, Buffer.from('new'));
    await using proxy = await startFrontProxy(world.target.url, {
      onAnswer(answer, { method }) {
        if (method === 'HEAD') delete answer.headers.etag;
      },
    });
    const taskId = await world.createTask({ dst_endpoint: proxy.url });
    await world.sync(taskId, [key]);
    assert.equal(Buffer.from(world.to.bytes(key) ?? []).toString(), 'new');
  });
});
