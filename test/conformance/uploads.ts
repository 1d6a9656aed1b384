import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import type { PutBody } from '../../src/platform/http/bodies.ts';
import { bodyOf, type GivePromise, patterned, rejectsWith, streamed, type Trial } from './store.ts';

/** Three parts of the smallest size the store takes; the last is shorter. */
function threeParts({ store }: Trial): { bytes: Buffer; parts: PutBody[] } {
  const size = Math.max(store.traits.partSizeMin, 10);
  const bytes = patterned(2 * size + 3);
  const parts = [0, 1, 2].map((part) => bodyOf(bytes.subarray(part * size, (part + 1) * size)));
  return { bytes, parts };
}

export function uploadPromises(promise: GivePromise): void {
  promise('parts', 'parts put in any order become one object', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}upload +%2F中`;
    const { bytes, parts } = threeParts(trial);
    const options = { contentType: 'text/plain', userMetadata: { mark: 'kept' } };
    await using upload = await store.startParts(key, options, signal);
    const receipts = [];
    for (const number of [3, 1, 2]) {
      receipts.push(await upload.putPart(number, parts[number - 1] ?? bodyOf(''), signal));
    }
    await rejectsWith('not-found', store.head(key, signal));
    receipts.sort((a, b) => a.number - b.number);
    const receipt = await upload.complete(receipts, signal);
    const { head, body } = await store.read(key, {}, signal);
    assert.ok(bytes.equals(await body.bytes()));
    assert.equal(head.size, bytes.length);
    assert.equal(head.contentType, 'text/plain');
    assert.deepEqual(head.userMetadata, { mark: 'kept' });
    assert.equal(receipt.etag.replaceAll('"', ''), head.etag.replaceAll('"', ''));
    // A checksum of checksums is not treated as the checksum of the bytes.
    const md5 = createHash('md5').update(bytes).digest('hex');
    for (const told of [receipt.md5, head.md5]) assert.ok(told === undefined || told === md5);
    assert.deepEqual(await store.listUploads(key, signal), []);
  });

  for (const kind of ['crc64', 'crc64nvme'] as const) {
    promise(
      'CRC-64',
      `parts have their CRC, and so has the object: ${kind}`,
      async (trial) => {
        const { store, signal, prefix } = trial;
        const { bytes, parts } = threeParts(trial);
        const [first = bodyOf('')] = parts;
        const key = `${prefix}upload-${kind}`;
        await using upload = await store.startParts(key, {}, signal);
        const receipts = [];
        for (const [at, part] of parts.entries()) {
          receipts.push(await upload.putPart(at + 1, part, signal));
        }
        const whole = await upload.complete(receipts, signal);
        assert.ok(first.content instanceof Uint8Array);
        assert.equal(receipts[0]?.[kind], (await startCrc64(kind)).update(first.content).digest());
        const crc = (await startCrc64(kind)).update(bytes).digest();
        const kept = kind === 'crc64' || whole[kind] !== undefined; // Azure keeps none.
        if (!kept) return;
        assert.equal(whole[kind], crc);
        const read = await store.read(key, {}, signal);
        read.body.discard();
        // A CDN's head is the bucket's, without it.
        if (kind === 'crc64' || read.head[kind] !== undefined) assert.equal(read.head[kind], crc);
      },
      { needs: kind },
    );
  }

  promise('parts', 'a part may be put again, and the last one counts', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}upload-again`;
    await using upload = await store.startParts(key, {}, signal);
    await upload.putPart(1, bodyOf('first'), signal);
    const second = await upload.putPart(1, bodyOf('second'), signal);
    assert.deepEqual(
      (await upload.listParts(signal)).map(({ number, size }) => ({ number, size })),
      [{ number: 1, size: 6 }],
    );
    await upload.complete([second], signal);
    assert.equal((await store.head(key, signal)).size, 6);
  });

  promise('parts', 'a part is checked like a put', async (trial) => {
    const { store, signal, prefix } = trial;
    await using upload = await store.startParts(`${prefix}upload-checked`, {}, signal);
    const short = { content: streamed('123'), size: 4 };
    await rejectsWith('interrupted', upload.putPart(1, short, signal));
    const md5 = createHash('md5').update('other').digest('hex');
    if (store.traits.checksMd5) {
      await rejectsWith('corrupt', upload.putPart(1, { ...bodyOf('bytes'), md5 }, signal));
    }
    const receipt = await upload.putPart(1, { content: streamed('12', '34'), size: 4 }, signal);
    assert.equal(receipt.number, 1);
    if (receipt.md5 !== undefined) {
      assert.equal(receipt.md5, createHash('md5').update('1234').digest('hex'));
    }
  });

  promise('parts', 'an upload that is disposed of is gone', async ({ store, signal, prefix }) => {
    const key = `${prefix}upload-disposed`;
    {
      await using upload = await store.startParts(key, {}, signal);
      await upload.putPart(1, bodyOf('part'), signal);
      const [open] = await store.listUploads(key, signal);
      assert.equal(open?.id, upload.id);
      assert.ok(Math.abs(open.startedAt - Date.now()) < 60_000);
    }
    assert.deepEqual(await store.listUploads(key, signal), []);
    await rejectsWith('not-found', store.head(key, signal));
  });

  promise('parts', 'a detached upload is resumed by its ID', async ({ store, signal, prefix }) => {
    const key = `${prefix}upload-detached`;
    const options = { contentType: 'text/plain', userMetadata: { mark: 'kept' } };
    let id = '';
    {
      await using upload = await store.startParts(key, options, signal);
      id = upload.id;
      await upload.putPart(1, bodyOf('part'), signal);
      upload.detach();
    }
    const resumed = store.resumeParts(key, id, options);
    const parts = await resumed.listParts(signal);
    assert.deepEqual(
      parts.map(({ number, size }) => ({ number, size })),
      [{ number: 1, size: 4 }],
    );
    await resumed.complete(parts, signal);
    const head = await store.head(key, signal);
    assert.equal(head.size, 4);
    assert.equal(head.contentType, 'text/plain');
    assert.deepEqual(head.userMetadata, { mark: 'kept' });
  });

  promise(
    'parts',
    'an upload is aborted as often as one likes',
    async ({ store, signal, prefix }) => {
      const key = `${prefix}upload-aborted`;
      const upload = await store.startParts(key, {}, signal);
      await upload.putPart(1, bodyOf('part'), signal);
      await upload.abort(signal);
      await upload.abort(signal);
      await store.resumeParts(key, upload.id).abort(signal);
      assert.deepEqual(await store.listUploads(key, signal), []);
      await rejectsWith('not-found', upload.putPart(2, bodyOf('late'), signal));
    },
  );

  promise('parts', 'uploads are listed of exactly one key', async ({ store, signal, prefix }) => {
    const key = `${prefix}uploads a+b`;
    const others = [`${key}c`, `${key}/d`];
    const uploads = [];
    for (const each of [key, key, ...others])
      uploads.push(await store.startParts(each, {}, signal));
    const found = await store.listUploads(key, signal);
    assert.deepEqual(
      found.map(({ id }) => id).toSorted(),
      uploads
        .slice(0, 2)
        .map(({ id }) => id)
        .toSorted(),
    );
    assert.ok(found.every((upload) => upload.key === key));
    for (const upload of uploads) await upload.abort(signal);
  });

  promise(
    'parts',
    'parts are listed in order, beyond one page',
    async ({ store, signal, prefix }) => {
      await using upload = await store.startParts(`${prefix}upload-many`, {}, signal);
      const numbers = Array.from({ length: 1003 }, (_, at) => at + 1);
      await Promise.all(
        [0, 1, 2, 3].map(async (hand) => {
          for (const number of numbers.filter((each) => each % 4 === hand)) {
            await upload.putPart(number, bodyOf('x'), signal);
          }
        }),
      );
      const parts = await upload.listParts(signal);
      assert.deepEqual(
        parts.map(({ number }) => number),
        numbers,
      );
    },
  );

  promise('parts', 'an upload is not completed with parts it has not', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}upload-wrong`;
    await using upload = await store.startParts(key, {}, signal);
    const receipt = await upload.putPart(1, bodyOf('part'), signal);
    const missing = { number: 2, etag: receipt.etag };
    await rejectsWith('corrupt', upload.complete([receipt, missing], signal));
    await rejectsWith('not-found', store.head(key, signal));
  });

  promise(
    'parts',
    'an upload for an absent key does not replace one',
    async ({ store, signal, prefix }) => {
      const key = `${prefix}upload-absent`;
      await using upload = await store.startParts(key, { mode: 'create' }, signal);
      const receipt = await upload.putPart(1, bodyOf('part'), signal);
      await store.put(key, bodyOf('first'), {}, signal);
      await rejectsWith('exists', upload.complete([receipt], signal));
      const resumed = store.resumeParts(key, upload.id, { mode: 'create' });
      await rejectsWith('exists', resumed.complete([receipt], signal));
      assert.equal((await store.head(key, signal)).size, 5);
    },
    { needs: 'conditionalPut' },
  );
}
