import assert from 'node:assert/strict';
import { MiB } from '../../src/platform/base/bytes.ts';
import { turn } from '../kit/stepped-clock.ts';
import { bodyOf, type GivePromise, patterned, rejectsWith, textAt, type Trial } from './store.ts';

async function readRange(
  { store, signal }: Trial,
  key: string,
  range: { first: number; last: number },
) {
  const { head, body } = await store.read(key, { range }, signal);
  return { size: head.size, text: Buffer.from(await body.bytes()).toString() };
}

export function readPromises(promise: GivePromise): void {
  promise('reads', 'a missing object is not-found', async ({ store, signal, prefix }) => {
    await rejectsWith('not-found', store.head(`${prefix}nowhere`, signal));
    await rejectsWith('not-found', store.read(`${prefix}nowhere`, {}, signal));
  });

  promise(['signature', 'reads'], 'a read brings head and body together', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}whole`;
    await store.put(key, bodyOf('0123456789'), { contentType: 'text/plain' }, signal);
    const { head, body } = await store.read(key, {}, signal);
    assert.equal(Buffer.from(await body.bytes()).toString(), '0123456789');
    const told = await store.head(key, signal);
    const { storageClass, tier } = store.traits.readTellsClass ? told : head;
    const { cdnEtag } = head;
    const ofCdn = cdnEtag === undefined ? {} : { cdnEtag };
    const date = 0;
    assert.deepEqual({ ...head, date }, { ...told, date, storageClass, tier, ...ofCdn });
    assert.equal(head.size, 10);
    assert.equal(head.contentType, 'text/plain');
    assert.ok(Math.abs(head.lastModified - Date.now()) < 60_000);
  });

  promise('reads', 'a range brings its bytes, and the size of the whole', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}ranged`;
    await store.put(key, bodyOf('0123456789'), {}, signal);
    for (const [first, last, text] of [
      [0, 0, '0'],
      [0, 9, '0123456789'],
      [3, 5, '345'],
      [9, 9, '9'],
      [8, 1000, '89'],
    ] as const) {
      assert.deepEqual(await readRange(trial, key, { first, last }), { size: 10, text });
    }
    await rejectsWith('refused', store.read(key, { range: { first: 10, last: 11 } }, signal));
  });

  promise('reads', 'a pinned read takes no other object', async ({ store, signal, prefix }) => {
    const key = `${prefix}pinned`;
    await store.put(key, bodyOf('first'), {}, signal);
    const pin = await store.head(key, signal);
    const range = { first: 1, last: 2 };
    const { body } = await store.read(key, { pin, range }, signal);
    assert.equal(Buffer.from(await body.bytes()).toString(), 'ir');
    await store.put(key, bodyOf('second'), {}, signal);
    await rejectsWith('changed', store.read(key, { pin }, signal));
    await rejectsWith('changed', store.read(key, { pin, range }, signal));
  });

  promise('reads', 'a pinned read is compared by its answer', async ({ store, signal, prefix }) => {
    const key = `${prefix}compared`;
    await store.put(key, bodyOf('0123456789'), {}, signal);
    const pin = await store.head(key, signal);
    for (const range of [undefined, { first: 0, last: 9 }, { first: 2, last: 4 }]) {
      // A store cannot detect this by the ETag that a request contains or does not contain.
      const resized = { ...pin, size: 11 };
      await rejectsWith('changed', store.read(key, { range, pin: resized }, signal));
      const other = { ...pin, etag: '"0123456789"' };
      await rejectsWith('changed', store.read(key, { range, pin: other }, signal));
      const ignoring = { range, pin: other, unconditional: true };
      await rejectsWith('changed', store.read(key, ignoring, signal));
      const weak = { ...pin, etag: `W/${pin.etag}` };
      // Without a version, only the time shows a change that a weak ETag does not show.
      const earlier = { versionId: undefined, lastModified: pin.lastModified - 60_000 };
      await rejectsWith(
        'changed',
        store.read(key, { range, pin: { ...weak, ...earlier } }, signal),
      );
      for (const same of [pin, weak]) {
        const { head, body } = await store.read(key, { range, pin: same }, signal);
        body.discard();
        assert.equal(head.etag, pin.etag);
      }
    }
    await store.put(key, bodyOf('01'), {}, signal);
    const range = { first: 2, last: 9 };
    await rejectsWith('changed', store.read(key, { range, pin, unconditional: true }, signal));
  });

  promise('reads', 'an empty object has an empty body', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}empty`;
    await store.put(key, bodyOf(''), {}, signal);
    assert.equal((await store.head(key, signal)).size, 0);
    assert.equal(await textAt(trial, key), '');
    const { body } = await store.read(key, {}, signal);
    for await (const chunk of body) assert.equal(chunk.length, 0);
  });

  promise(
    'reads',
    'a large body comes in pieces, as it is taken',
    async ({ store, signal, prefix }) => {
      const key = `${prefix}large`;
      const bytes = patterned(9 * MiB + 17);
      await store.put(key, { content: bytes, size: bytes.length }, {}, signal);
      const pieces: Uint8Array[] = [];
      const { body } = await store.read(key, {}, signal);
      for await (const piece of body) {
        if (pieces.length < 3) await turn();
        pieces.push(piece);
      }
      assert.ok(pieces.length > 1);
      assert.ok(Buffer.concat(pieces).equals(bytes));
      const again = await store.read(key, {}, signal);
      assert.ok(bytes.equals(await again.body.bytes()));
    },
  );

  promise('reads', 'bodies that are given up hold nothing', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}given-up`;
    const bytes = patterned(4 * MiB);
    await store.put(key, { content: bytes, size: bytes.length }, {}, signal);
    for (let round = 0; round < 20; round++) {
      const { body } = await store.read(key, {}, signal);
      if (round % 2 === 0) body.discard();
      else {
        for await (const chunk of body) {
          assert.ok(chunk.length > 0);
          break;
        }
      }
    }
    assert.equal((await store.head(key, signal)).size, bytes.length);
  });

  promise('reads', 'an aborted call rejects with the reason', async ({ store, prefix }) => {
    const reason = new Error('enough');
    const aborted = AbortSignal.abort(reason);
    const key = `${prefix}aborted`;
    const is = (error: unknown): boolean => error === reason;
    await assert.rejects(store.head(key, aborted), is);
    await assert.rejects(store.read(key, {}, aborted), is);
    await assert.rejects(store.list({}, aborted), is);
    await assert.rejects(store.put(key, bodyOf('x'), {}, aborted), is);
    await assert.rejects(store.remove([{ key }], aborted), is);
    await assert.rejects(store.startParts(key, {}, aborted), is);
    await assert.rejects(store.listUploads(key, aborted), is);
    await assert.rejects(store.copy({ bucket: 'b', key }, key, aborted), is);
    if (store.traits.restore) {
      await assert.rejects(store.restore(key, { days: 1 }, aborted), is);
    }
  });

  promise('reads', 'a body whose read is aborted rejects with the reason', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = `${prefix}aborted-body`;
    const bytes = patterned(8 * MiB);
    await store.put(key, { content: bytes, size: bytes.length }, {}, signal);
    const stop = new AbortController();
    const reason = new Error('enough');
    const { body } = await store.read(key, {}, stop.signal);
    await assert.rejects(
      async () => {
        for await (const chunk of body) {
          assert.ok(chunk.length > 0);
          stop.abort(reason);
        }
      },
      (error) => error === reason,
    );
  });

  promise(
    'restore',
    'an archived object is read only when it has been restored',
    async (trial) => {
      const { store, archive, signal, prefix } = trial;
      assert.ok(archive !== undefined);
      const key = `${prefix}archived`;
      await store.put(key, bodyOf('cold'), { tier: archive.tier }, signal);
      assert.equal((await store.head(key, signal)).tier, archive.tier);
      await rejectsWith('archived', store.read(key, {}, signal));
      await store.restore(key, { days: 1 }, signal);
      await store.restore(key, { days: 1 }, signal);
      archive.thaw(key);
      assert.equal(await textAt(trial, key), 'cold');
    },
    { needs: 'restore', needsArchive: true },
  );

  promise(
    'restore',
    'a missing object cannot be restored',
    ({ store, signal, prefix }) =>
      rejectsWith('not-found', store.restore(`${prefix}nowhere`, { days: 1 }, signal)),
    { needs: 'restore', needsArchive: true },
  );
}
