import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../src/platform/base/clock.ts';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { HeldBytes } from '../../src/platform/stores/held-bytes.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { PartUpload, Store } from '../../src/platform/stores/store.ts';
import type { PutBody } from '../../src/platform/http/bodies.ts';
import { probeTarget } from '../../src/domain/copy/probe.ts';
import { patterned, rejectsWith, streamed } from '../conformance/store.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';

const { signal } = new AbortController();
const SIZE = 300 * KiB;
const bytes = patterned(SIZE);

let server: S3Server;
let store: Store;
let held: HeldBytes;
before(async () => {
  server = await startS3Server({ buckets: ['locked'] });
});
beforeEach(() => {
  server.faults.clear();
  server.bucket('locked').objectLock = true;
  held = new HeldBytes(MiB);
  const { accessKeyId, secretAccessKey } = server.accessKey;
  store = openAdapter({
    dialect: 'AWS',
    region: 'us-east-1',
    bucket: 'locked',
    endpoint: server.url,
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
    held,
  });
});
after(() => server.close());

const streamOf = (content: Uint8Array, size = content.length): PutBody => ({
  content: streamed(content),
  size,
});

/** An upload at a store that has seen that streams need an MD5. */
async function learned(): Promise<PartUpload> {
  const upload = await store.startParts('key', {}, signal);
  await rejectsWith('unavailable', upload.putPart(1, streamOf(bytes), signal));
  return upload;
}

describe('a bucket with a default retention takes', () => {
  const whole: Record<string, PutBody> = {
    'bytes': { content: bytes, size: SIZE },
    'no bytes': { content: Buffer.alloc(0), size: 0 },
    'an empty stream': streamOf(Buffer.alloc(0)),
    'a stream whose MD5 is known': {
      ...streamOf(bytes),
      md5: createHash('md5').update(bytes).digest('hex'),
    },
  };
  for (const [what, body] of Object.entries(whole)) {
    test(`a put of ${what}`, async () => {
      await store.put(what, body, {}, signal);
      assert.equal(server.bucket('locked').bytes(what)?.length, body.size);
    });

    if (body.size > 0) {
      test(`a part of ${what}`, async () => {
        const upload = await store.startParts(`part of ${what}`, {}, signal);
        const again = what === 'bytes' ? body : { ...body, content: streamed(bytes) };
        await upload.complete([await upload.putPart(1, again, signal)], signal);
        assert.deepEqual(server.bucket('locked').bytes(`part of ${what}`), bytes);
      });
    }
  }

  test('the uploads with which a target is tried', async () => {
    await probeTarget(
      store,
      { tier: undefined, kms: false, clock: systemClock, source: undefined },
      signal,
    );
  });

  test('a removal of several keys', async () => {
    await store.remove([{ key: 'bytes' }, { key: 'no bytes' }], signal);
  });

  test('streams without an MD5 after it has refused one, which is repeatable', async () => {
    const upload = await learned();
    const part = await upload.putPart(1, streamOf(bytes), signal);
    await upload.complete([part], signal);
    assert.deepEqual(server.bucket('locked').bytes('key'), bytes);
    const put = server.faults.add({
      kind: 'delay',
      ms: 0,
      times: Infinity,
      match: { method: 'PUT' },
    });
    await store.put('another', streamOf(bytes), {}, signal);
    assert.equal(put.seen, 1, 'it is remembered');
    assert.equal(held.held, 0);
  });
});

test('streams are not buffered if the bucket does not require an MD5', async () => {
  server.bucket('locked').objectLock = false;
  const upload = await store.startParts('key', {}, signal);
  let most = 0;
  async function* watched() {
    for await (const chunk of streamed(bytes)) {
      most = Math.max(most, held.held);
      yield chunk;
    }
  }
  await upload.putPart(1, { content: watched(), size: SIZE }, signal);
  assert.equal(most, 0);
});

test('a stream is held where its MD5 is to go first, and the store compares that', async () => {
  server.bucket('locked').objectLock = false;
  const upload = await store.startParts('key', {}, signal);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const first = { ...streamOf(bytes), md5First: true };
  const part = await upload.putPart(1, { ...first, md5AtEnd: () => md5 }, signal);
  assert.equal(part.md5, md5);
  const other = { ...streamOf(bytes), md5First: true, md5AtEnd: () => '0'.repeat(32) };
  await rejectsWith('corrupt', upload.putPart(1, other, signal));
  assert.equal(held.held, 0);
});

test('other codes for a missing MD5 are recognized, other refusals are not treated as one', async () => {
  server.bucket('locked').objectLock = false;
  const upload = await store.startParts('key', {}, signal);
  const refusal = { kind: 'status', status: 400, match: { operation: 'UploadPart' } } as const;
  server.faults.add({ ...refusal, code: 'InvalidRequest' });
  await rejectsWith('refused', upload.putPart(1, streamOf(bytes), signal));
  server.faults.add({ ...refusal, code: 'MissingContentMD5' });
  await rejectsWith('unavailable', upload.putPart(1, streamOf(bytes), signal));
});

describe('a stream that is held', () => {
  for (const [what, body] of [
    ['ends early', streamOf(bytes, SIZE + 1)],
    ['is too long', streamOf(bytes, SIZE - 1)],
  ] as const) {
    test(`and ${what} fails as one that is sent at once`, async () => {
      const upload = await learned();
      const { content, size } = body;
      await rejectsWith('interrupted', upload.putPart(1, { content, size }, signal));
      assert.equal(held.held, 0);
    });
  }

  test('and breaks fails with its own error', async () => {
    const upload = await learned();
    const broken = new Error('the source broke off');
    async function* breaking() {
      yield bytes.subarray(0, 10);
      throw broken;
    }
    const put = upload.putPart(1, { content: breaking(), size: SIZE }, signal);
    await assert.rejects(put, broken);
    assert.equal(held.held, 0);
  });

  test('and stalls ends with the call, and is released', async () => {
    const upload = await learned();
    const stop = new AbortController();
    let released = false;
    const stalled: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          setImmediate(() => stop.abort(new Error('enough')));
          return new Promise(() => undefined);
        },
        return: () => {
          released = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    await assert.rejects(
      upload.putPart(1, { content: stalled, size: SIZE }, stop.signal),
      /enough/,
    );
    assert.equal(held.held, 0);
    assert.ok(released);
  });
});
