import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { bytesOf, CopyPair, KEY } from '../kit/copy-pair.ts';
import { ManualClock } from '../kit/manual-clock.ts';
import type { FaultKind, FaultMatch } from '../kit/s3-server/faults.ts';
import { type S3Server, startS3Server, testAccessKey } from '../kit/s3-server/server.ts';

const { signal } = new AbortController();
const bytes = bytesOf(1000);
const sizes = { bufferBytes: 8, putBytes: 32, partBytes: 5 * 1024 * 1024, partConcurrency: 1 };

function open(server: S3Server): Store {
  const { accessKeyId, secretAccessKey } = testAccessKey;
  return openStore({
    ...{ dialect: 'AWS', region: 'us-east-1', endpoint: server.url, bucket: 'bucket' },
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
    clock: new ManualClock(Date.now()),
  });
}

const unavailable: FaultKind = { kind: 'status', status: 500, code: 'InternalError' };
const throttled: FaultKind = { kind: 'status', status: 503, code: 'SlowDown' };
const broken: FaultKind = { kind: 'cut', afterBytes: 0 };

describe('a call to a store that fails always', () => {
  async function count(
    fault: FaultKind,
    match: FaultMatch,
    call: (store: Store) => Promise<unknown>,
  ): Promise<number> {
    await using server = await startS3Server({ buckets: ['bucket'] });
    server.bucket('bucket').put(KEY, bytes);
    await using store = open(server);
    const planned = server.faults.add({ ...fault, match, times: Infinity });
    await assert.rejects(call(store), { name: 'StoreError' });
    return planned.fired;
  }

  const read = async (store: Store): Promise<unknown> => {
    const { body } = await store.read(KEY, {}, signal);
    let size = 0;
    for await (const piece of body) size += piece.length;
    return size;
  };
  const put = (content: Uint8Array | AsyncIterable<Uint8Array>) => (store: Store) =>
    store.put(KEY, { content, size: bytes.length }, {}, signal);

  for (const [name, fault] of Object.entries({ unavailable, throttled })) {
    test(`${name}: a head is sent five times`, async () => {
      const sent = await count(fault, { method: 'HEAD' }, (store) => store.head(KEY, signal));
      assert.equal(sent, 5);
    });

    test(`${name}: a read is sent five times`, async () => {
      assert.equal(await count(fault, { method: 'GET' }, read), 5);
    });

    test(`${name}: a put of bytes is sent five times, one of a stream once`, async () => {
      assert.equal(await count(fault, { method: 'PUT' }, put(bytes)), 5);
      const stream = async function* () {
        yield bytes;
      };
      assert.equal(await count(fault, { method: 'PUT' }, put(stream())), 1);
    });
  }

  test('a read that breaks before its first byte is sent five times', async () => {
    assert.equal(await count(broken, { method: 'GET' }, read), 5);
  });

  test('a read that is refused and breaks by turns is sent five times', async () => {
    let turn = 0;
    const alternating = (): boolean => (turn += 1) % 2 === 0;
    await using server = await startS3Server({ buckets: ['bucket'] });
    server.bucket('bucket').put(KEY, bytes);
    await using store = open(server);
    const get = { match: { method: 'GET' }, times: Infinity };
    const refusals = server.faults.add({ ...unavailable, ...get, onlyIf: alternating });
    server.faults.add({ ...broken, ...get });
    await assert.rejects(read(store), { name: 'StoreError' });
    assert.equal(refusals.seen, 5);
  });
});

describe('a copy in parts whose one part fails always', () => {
  async function count(
    where: 'source' | 'target',
    fault: FaultKind,
    match: FaultMatch,
  ): Promise<{ failed: number; reads: number; puts: number }> {
    await using source = await startS3Server({ buckets: ['bucket'] });
    await using target = await startS3Server({ buckets: ['bucket'] });
    source.bucket('bucket').put(KEY, bytes);
    await using from = open(source);
    await using to = open(target);
    const pair = new CopyPair();
    const plan = { ...fault, match, times: Infinity };
    // The first GET is the one that opens the object.
    const nth = where === 'source' ? 2 : 1;
    const planned = (where === 'source' ? source : target).faults.add({ ...plan, nth });
    const reads = source.faults.add({ kind: 'delay', ms: 0, match: { method: 'GET' }, times: 0 });
    const puts = target.faults.add({ kind: 'delay', ms: 0, match: { method: 'PUT' }, times: 0 });
    const copy = pair.copy({ source: from, target: to, sizes });
    await assert.rejects(copy, { name: 'StoreError' });
    return { failed: planned.fired, reads: reads.seen, puts: puts.seen };
  }

  test('at the read: five reads, and no part', async () => {
    for (const fault of [unavailable, broken]) {
      const { failed, reads } = await count('source', fault, { method: 'GET' });
      assert.deepEqual({ failed, reads }, { failed: 5, reads: 6 });
    }
  });

  test('at the part: five reads and five parts', async () => {
    const counted = await count('target', unavailable, { operation: 'UploadPart' });
    assert.deepEqual(counted, { failed: 5, reads: 6, puts: 5 });
  });

  test('at the completion: three completions, and no part again', async () => {
    const counted = await count('target', unavailable, { operation: 'CompleteMultipartUpload' });
    assert.deepEqual(counted, { failed: 3, reads: 2, puts: 1 });
  });
});
