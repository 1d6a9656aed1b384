import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import type { ContentHeaders } from '../../src/platform/model/object.ts';
import {
  bodyOf,
  type GivePromise,
  patterned,
  rejectsWith,
  streamed,
  textAt,
  type Trial,
} from './store.ts';

function md5Of(bytes: string | Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** That a put fails and leaves what was there before, be it something or nothing. */
async function failsWithoutTrace(
  trial: Trial,
  key: string,
  put: () => Promise<unknown>,
  expected: Parameters<typeof assert.rejects>[1],
): Promise<void> {
  const { store, signal } = trial;
  await store.remove([{ key }], signal);
  await assert.rejects(put(), expected);
  await rejectsWith('not-found', store.head(key, signal));
  await store.put(key, bodyOf('before'), {}, signal);
  await assert.rejects(put(), expected);
  assert.equal(await textAt(trial, key), 'before');
}

export function putPromises(promise: GivePromise): void {
  promise('put', 'a receipt reports what a head reports', async ({ store, signal, prefix }) => {
    const key = `${prefix}receipt`;
    const startedAt = Date.now();
    const receipt = await store.put(key, bodyOf('123456789'), {}, signal);
    const head = await store.head(key, signal);
    assert.equal(receipt.etag.replaceAll('"', ''), head.etag.replaceAll('"', ''));
    assert.equal(receipt.crc64, head.crc64);
    const md5 = md5Of('123456789');
    for (const told of [receipt.md5, head.md5]) assert.ok(told === undefined || told === md5);
    if (receipt.date !== undefined) assert.ok(Math.abs(receipt.date - startedAt) < 60_000);
  });

  for (const kind of ['crc64', 'crc64nvme'] as const) {
    promise(
      'CRC-64',
      `the CRC of a receipt and a head is that of the bytes: ${kind}`,
      async ({ store, signal, prefix }) => {
        const bytes = patterned(100 * KiB);
        const crc = (await startCrc64(kind)).update(bytes).digest();
        const key = `${prefix}${kind}`;
        const body = { content: bytes, size: bytes.length };
        assert.equal((await store.put(key, body, {}, signal))[kind], crc);
        const whole = await store.read(key, {}, signal);
        whole.body.discard();
        const kept = kind === 'crc64' || whole.head[kind] !== undefined; // Azure keeps none.
        const told = kept ? crc : undefined;
        assert.equal(whole.head[kind], told);
        assert.equal((await store.head(key, signal))[kind], told);
        const ranged = await store.read(key, { range: { first: 0, last: 9 } }, signal);
        ranged.body.discard();
        assert.ok(ranged.head[kind] === undefined || ranged.head[kind] === crc);
      },
      { needs: kind },
    );
  }

  promise('put', 'a put replaces what was there, all of it', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}replaced`;
    const userMetadata = { old: 'yes' };
    await store.put(key, bodyOf('the first, and longer'), { userMetadata }, signal);
    await store.put(key, bodyOf('second'), {}, signal);
    assert.equal(await textAt(trial, key), 'second');
    assert.deepEqual((await store.head(key, signal)).userMetadata, {});
  });

  promise(
    'metadata',
    'what describes the content comes back',
    async ({ store, signal, prefix }) => {
      const key = `${prefix}described`;
      const all: ContentHeaders = {
        'content-encoding': 'gzip',
        'content-disposition': 'attachment; filename="a b.txt"',
        'content-language': 'de, en',
        'cache-control': 'max-age=60, public',
        'expires': 'Fri, 21 Dec 2040 00:00:00 GMT',
      };
      const kept = store.traits.metadata.contentHeaders;
      const contentHeaders = Object.fromEntries(kept.map((name) => [name, all[name]]));
      const contentType = 'text/plain; charset=utf-8';
      await store.put(key, bodyOf('x'), { contentType, contentHeaders }, signal);
      const head = await store.head(key, signal);
      assert.deepEqual(head.contentHeaders, contentHeaders);
      assert.equal(head.contentType, contentType);
    },
  );

  promise('put', 'a type beyond ASCII comes back, where the store keeps such', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}type`;
    const contentType = 'text/plain; name="grün 中"';
    const put = store.put(key, bodyOf('x'), { contentType }, signal);
    if (store.traits.metadata.contentHeaderValues === 'ascii') {
      await rejectsWith('refused', put);
      return;
    }
    await put;
    assert.equal((await store.head(key, signal)).contentType, contentType);
    const { head, body } = await store.read(key, {}, signal);
    body.discard();
    assert.equal(head.contentType, contentType);
  });

  promise('metadata', 'user metadata come back as they were', async ({ store, signal, prefix }) => {
    const key = `${prefix}metadata`;
    const separator = store.traits.metadata.names === 'identifier' ? '_' : '-';
    const userMetadata = {
      'plain': 'value',
      [`parted${separator}name`]: 'a, b; c="d"',
      'spaces': ' leading, two  inside, trailing ',
      'chinese': '中文 und Umlaute: grün',
      'emoji': '🙈'.repeat(30),
      'percent': '100% %41 %zz',
      'encoded': '=?UTF-8?B?eA==?=',
      'lines': 'one\r\ntwo\tthree',
      'empty': '',
    };
    await store.put(key, bodyOf('x'), { userMetadata }, signal);
    assert.deepEqual((await store.head(key, signal)).userMetadata, userMetadata);
    const { head, body } = await store.read(key, {}, signal);
    body.discard();
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  promise(
    'put',
    'bytes that do not match their MD5 are not taken',
    async (trial) => {
      const { store, signal, prefix } = trial;
      const key = `${prefix}bad-md5`;
      const body = { ...bodyOf('right'), md5: md5Of('wrong') };
      await failsWithoutTrace(trial, key, () => store.put(key, body, {}, signal), {
        name: 'StoreError',
        fault: 'corrupt',
      });
      const right = { ...bodyOf('right'), md5: md5Of('right') };
      await store.put(key, right, {}, signal);
      assert.equal(await textAt(trial, key), 'right');
    },
    { needs: 'checksMd5' },
  );

  promise('put', 'a stream is sent as it arrives', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}streamed`;
    const bytes = patterned(6 * MiB);
    const chunks = [
      bytes.subarray(0, 1),
      new Uint8Array(),
      bytes.subarray(1, MiB),
      bytes.subarray(MiB),
    ];
    await store.put(key, { content: streamed(...chunks), size: bytes.length }, {}, signal);
    const { body } = await store.read(key, {}, signal);
    assert.ok(bytes.equals(await body.bytes()));
    await store.put(key, { content: streamed(), size: 0 }, {}, signal);
    assert.equal(await textAt(trial, key), '');
  });

  promise('put', 'a stream of another length than was said leaves no trace', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}other-length`;
    for (const [chunks, size] of [
      [['1234'], 5],
      [['12', '34'], 5],
      [['12', '345'], 4],
      [['1234', '5'], 4],
      [[], 3],
      [['1'], 0],
    ] as const) {
      const put = () => store.put(key, { content: streamed(...chunks), size }, {}, signal);
      await failsWithoutTrace(trial, key, put, { name: 'StoreError', fault: 'interrupted' });
    }
  });

  promise(
    'put',
    'a put fails with the error of its own stream, and leaves no trace',
    async (trial) => {
      const { store, signal, prefix } = trial;
      const key = `${prefix}own-error`;
      const failure = new RangeError('the source broke');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('12');
        throw failure;
      }
      const put = () => store.put(key, { content: broken(), size: 4 }, {}, signal);
      await failsWithoutTrace(trial, key, put, (error: unknown) => error === failure);
    },
  );

  promise('put', 'a header with a line break is refused', async ({ store, signal, prefix }) => {
    const key = `${prefix}line-break`;
    for (const options of [
      { contentType: 'text/plain\r\nx-amz-acl: public-read' },
      { contentHeaders: { 'cache-control': 'a\nb' } },
      { contentType: 'A\0' },
      { userMetadata: { 'bad name': 'x' } },
      { userMetadata: { 'x:': 'x' } },
    ]) {
      await rejectsWith('refused', store.put(key, bodyOf('x'), options, signal));
      await rejectsWith('refused', store.startParts(key, options, signal));
    }
    await rejectsWith('not-found', store.head(key, signal));
  });

  promise('put', 'a put that fails releases its stream, begun or not', async (trial) => {
    const { store, signal, prefix } = trial;
    const aborted = AbortSignal.abort(new Error('enough'));
    const key = `${prefix}let-go`;
    await store.put(`${prefix}held`, bodyOf('held'), {}, signal);
    for (const [options, stop, to] of [
      [{}, aborted, key],
      [{ contentType: 'a\nb' }, signal, key],
      [{}, signal, ''],
    ] as const) {
      const { head, body } = await store.read(`${prefix}held`, {}, signal);
      await assert.rejects(store.put(to, { content: body, size: head.size }, options, stop));
      await assert.rejects(body.bytes());
      let returned = false;
      const content = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false as const, value: Buffer.from('x') }),
          return: async () => {
            returned = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      await assert.rejects(store.put(to, { content, size: 5 }, options, stop));
      assert.ok(returned);
    }
  });

  promise(
    'put',
    'a key that is taken is not taken twice',
    async (trial) => {
      const { store, signal, prefix } = trial;
      const key = `${prefix}absent-only`;
      await store.put(key, bodyOf('first'), { mode: 'create' }, signal);
      const again = store.put(key, bodyOf('second'), { mode: 'create' }, signal);
      await rejectsWith('exists', again);
      assert.equal(await textAt(trial, key), 'first');
    },
    { needs: 'conditionalPut' },
  );

  promise('put', 'what is not a trait is unsupported', async ({ store, signal, prefix }) => {
    const { conditionalPut, restore, serverSideCopy } = store.traits;
    const key = `${prefix}unsupported`;
    const options = { mode: 'create' } as const;
    if (!conditionalPut) {
      await rejectsWith('unsupported', store.put(key, bodyOf('x'), options, signal));
      await rejectsWith('unsupported', store.startParts(key, options, signal));
    }
    if (!restore) await rejectsWith('unsupported', store.restore(key, { days: 1 }, signal));
    if (!serverSideCopy) {
      await rejectsWith('unsupported', store.copy({ bucket: 'b', key }, key, signal));
    }
  });

  promise(
    'copy',
    'a copy has the bytes and all that describes them',
    async (trial) => {
      const { store, bucket, signal, prefix } = trial;
      const from = { bucket, key: `${prefix}copy +%2F中/from` };
      const to = `${prefix}copy +%2F中/to`;
      const options = { contentType: 'text/plain', userMetadata: { mark: 'kept' } };
      await store.put(from.key, bodyOf('copied'), options, signal);
      const receipt = await store.copy(from, to, signal);
      const head = await store.head(to, signal);
      assert.equal(await textAt(trial, to), 'copied');
      assert.equal(receipt.etag.replaceAll('"', ''), head.etag.replaceAll('"', ''));
      assert.equal(head.contentType, 'text/plain');
      assert.deepEqual(head.userMetadata, { mark: 'kept' });
    },
    { needs: 'serverSideCopy' },
  );

  promise(
    'copy',
    'a copy is pinned like a read',
    async ({ store, bucket, signal, prefix }) => {
      const key = `${prefix}copy-pinned`;
      const { etag } = await store.put(key, bodyOf('first'), {}, signal);
      await store.copy({ bucket, key, ifMatch: etag }, `${key}-1`, signal);
      await store.put(key, bodyOf('second'), {}, signal);
      await rejectsWith('changed', store.copy({ bucket, key, ifMatch: etag }, `${key}-2`, signal));
      const missing = { bucket, key: `${prefix}nowhere` };
      await rejectsWith('not-found', store.copy(missing, `${key}-3`, signal));
    },
    { needs: 'conditionalCopy' },
  );

  promise('copy', 'a copy that cannot be pinned is not made', async (trial) => {
    const { store, bucket, signal, prefix } = trial;
    if (store.traits.conditionalCopy) return;
    const key = `${prefix}copy-unpinned`;
    const { etag } = await store.put(key, bodyOf('first'), {}, signal);
    const copy = store.copy({ bucket, key, ifMatch: etag }, `${key}-1`, signal);
    await rejectsWith('unsupported', copy);
    await rejectsWith('not-found', store.head(`${key}-1`, signal));
  });
}
