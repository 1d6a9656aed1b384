import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, CopyPair, KEY, lying, type PairOptions } from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { memoryBody } from '../../../test/kit/memory-body.ts';
import { around } from '../../platform/stores/layers/around.ts';

const wrong = '0'.repeat(32);
const SIZE = 37;
const PARTS = 5;
const { signal } = new AbortController();
const oneByOne = { sizes: { bufferBytes: 8, putBytes: 32, partBytes: 8, partConcurrency: 1 } };

/** Between stores without a CRC; the target answers parts with ETags that are not their MD5s. */
async function otherEtags(options: PairOptions = {}) {
  const pair = new CopyPair({ crc64: false, ...options });
  await pair.fill(bytesOf(SIZE));
  const { store, calls } = faulty(pair.target, {});
  const sentFirst: (boolean | undefined)[] = [];
  const told = lying(store, (_receipt, operation) =>
    operation === 'putPart' ? { md5: wrong } : {},
  );
  pair.targetSeen = {
    ...told,
    startParts: async (...call) => {
      const upload = await told.startParts(...call);
      return {
        ...upload,
        putPart: (number, body, stop) => {
          sentFirst.push(body.md5First);
          return upload.putPart(number, body, stop);
        },
      };
    },
  };
  return { pair, sentFirst, gets: () => calls.get('read') ?? 0 };
}

describe('parts whose ETags at the target look like MD5s and are none', () => {
  test('are sent with their MD5 from the second on, and one is read back', async () => {
    const { pair, sentFirst, gets } = await otherEtags();
    const outcome = await pair.copy(oneByOne);
    assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
    assert.deepEqual(pair.copied, bytesOf(SIZE));
    assert.deepEqual(sentFirst, [false, ...Array.from({ length: PARTS }, () => true)]);
    assert.match(
      outcome.notes.join(),
      /^the ETags of the target are not the MD5s of the parts: part 1/,
    );
    assert.equal(gets(), 1);
    pair.target.objects.clear();
    const next = await pair.copy(oneByOne);
    assert.ok(next.kind === 'copied');
    assert.deepEqual([next.notes, gets()], [[], 1]);
  });

  test('are not read back with no_check', async () => {
    const policy = { consistencyCheck: 'no_check', overwriteMode: 'FULL_OVERWRITE' } as const;
    const { pair, gets } = await otherEtags({ policy });
    assert.equal((await pair.copy()).kind, 'copied');
    assert.equal(gets(), 0);
  });

  test('are sent again once, and not held, where a CRC of the target agrees', async () => {
    const { pair, sentFirst, gets } = await otherEtags({ crc64: true });
    const outcome = await pair.copy(oneByOne);
    assert.ok(outcome.kind === 'copied');
    assert.equal(outcome.check.method, 'crc64');
    const withoutMd5 = Array.from({ length: PARTS + 1 }, () => false);
    assert.deepEqual([sentFirst, gets()], [withoutMd5, 0]);
  });

  test('fail the copy where the target holds other bytes', async () => {
    const { pair } = await otherEtags();
    const garbled = around(pair.target, {
      call: (_operation, _signal, run) => run(),
      read: async (_signal, run) => {
        const { head, body } = await run();
        const bytes = Buffer.from(await body.bytes());
        bytes.writeUInt8(255, 0);
        return { head, body: memoryBody(bytes, signal) };
      },
    });
    pair.targetSeen = { ...pair.targetSeen, read: (...call) => garbled.read(...call) };
    const outcome = await pair.copy(oneByOne);
    assert.ok(
      outcome.kind === 'failed' && outcome.fault === 'inconsistent',
      JSON.stringify(outcome),
    );
    assert.equal(pair.findings.etagsAreNoMd5, false);
  });

  test('are corrupt where the target compares the MD5 of no stream', async () => {
    const { pair } = await otherEtags();
    Object.assign(pair.target.traits, { checksMd5OfStreams: false });
    await assert.rejects(pair.copy(), {
      fault: 'corrupt',
      message: /arrived with another checksum/,
    });
    assert.equal(pair.target.objects.get(KEY), undefined);
  });
});

test('a part that was damaged on its way does not make others be held', async () => {
  const pair = new CopyPair({ crc64: false });
  await pair.fill(bytesOf(SIZE));
  let lies = 1;
  pair.targetSeen = lying(pair.target, (_receipt, operation) =>
    operation === 'putPart' && lies-- > 0 ? { md5: wrong } : {},
  );
  const outcome = await pair.copy();
  assert.ok(outcome.kind === 'copied');
  assert.equal(outcome.check.method, 'md5_of_parts');
  assert.equal(pair.findings.partsNeedMd5, false);
});
