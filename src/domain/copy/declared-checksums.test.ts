import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  before,
  bytesOf,
  CopyPair,
  KEY,
  type PairOptions,
  write,
} from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { memoryBody } from '../../../test/kit/memory-body.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { around } from '../../platform/stores/layers/around.ts';
import type { Store } from '../../platform/stores/store.ts';

const { signal } = new AbortController();
const wrong = '0'.repeat(32);
const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** A size for each way of copying in which the MD5 of the whole object is known. */
const ways = { 'held whole': 7, 'streamed': 20, 'in one part': 28 } as const;
type Way = keyof typeof ways;

/** A store that declares something else of every object. */
function declaring(inner: Store, change: (head: ObjectHead) => Partial<ObjectHead>): Store {
  return {
    ...around(inner, {
      call: (_operation, _signal, run) => run(),
      read: async (_signal, run) => {
        const { head, body } = await run();
        return { head: { ...head, ...change(head) }, body };
      },
    }),
    head: async (...call) => {
      const head = await inner.head(...call);
      return { ...head, ...change(head) };
    },
  };
}

/** A store that serves other bytes, of the same number, in the reads that are chosen. */
function garbling(inner: Store, garble: (bytes: Buffer, read: number) => void): Store {
  let reads = 0;
  return around(inner, {
    call: (_operation, _signal, run) => run(),
    read: async (_signal, run) => {
      const { head, body } = await run();
      const bytes = Buffer.from(await body.bytes());
      garble(bytes, (reads += 1));
      return { head, body: memoryBody(bytes, signal) };
    },
  });
}

/** A copy of one object whose ETag looks like an MD5 and is none. */
async function falseEtag(way: Way, options: PairOptions & { checksMd5?: boolean } = {}) {
  const pair = new CopyPair({ crc64: false, ...options });
  await pair.fill(bytesOf(ways[way]));
  const { checksMd5 = true } = options;
  Object.assign(pair.target.traits, {
    checksMd5,
    ...(way === 'in one part' && { putSizeMax: 8, partSizeMin: 100 }),
  });
  const { store, calls } = faulty(pair.source, {});
  pair.sourceSeen = declaring(store, () => ({ md5: wrong, etag: `"${wrong}"` }));
  // The memory store compares the pin with its own ETag.
  const found = pair.source.objects.get(KEY) ?? assert.fail();
  pair.source.objects.set(KEY, { ...found, head: { ...found.head, etag: `"${wrong}"` } });
  return { pair, reads: () => calls.get('read') ?? 0 };
}

describe('an ETag of the source that looks like an MD5 and is none', () => {
  for (const way of Object.keys(ways) as Way[]) {
    // Without, an object that could be streamed goes in several parts, which have no MD5 of the whole.
    for (const checksMd5 of way === 'streamed' ? [true] : [true, false]) {
      for (const overwriteMode of ['FULL_OVERWRITE', 'NO_OVERWRITE'] as const) {
        const target = checksMd5 ? 'that compares MD5s' : 'that compares no MD5';
        test(`does not keep its object from a target ${target}, ${way}, ${overwriteMode}`, async () => {
          const { pair } = await falseEtag(way, { policy: { overwriteMode }, checksMd5 });
          const outcome = await pair.copy();
          assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
          const bytes = bytesOf(ways[way]);
          assert.deepEqual(pair.copied, bytes);
          assert.equal(outcome.check.passed, true);
          assert.equal(outcome.proof, 'transport', 'the source’s own checksum proves nothing here');
          assert.equal(outcome.sourceEtag, `"${wrong}"`);
          const [note = ''] = outcome.notes;
          assert.match(note, /^the ETag of the source, 0{32}, is not the MD5 of its bytes/);
          assert.ok(note.includes(`they have ${md5Of(bytes)}, in two reads that agree`), note);
          assert.ok(pair.clean);
        });
      }
    }
  }

  for (const way of ['held whole', 'streamed'] as const) {
    /** A target that says that it compares MD5s, and takes any bytes. */
    const careless = (pair: CopyPair): void => {
      const { target } = pair;
      pair.targetSeen = {
        ...around(target, { call: (_operation, _signal, run) => run(), read: (_s, run) => run() }),
        put: (key, body, ...rest) => target.put(key, { ...body, md5: undefined }, ...rest),
      };
    };

    test(`does not keep its object from a target that ignores the MD5 it is sent, ${way}`, async () => {
      const { pair } = await falseEtag(way);
      careless(pair);
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
      assert.deepEqual([outcome.check.passed, outcome.proof], [true, 'transport']);
      assert.match(outcome.notes.join(), /^the ETag of the source, 0{32}, is not the MD5/);
    });

    test(`is not blamed where such a target has taken damaged bytes, ${way}`, async () => {
      const pair = new CopyPair({ crc64: false });
      await pair.fill(bytesOf(ways[way]));
      careless(pair);
      pair.sourceSeen = garbling(pair.source, (bytes, read) => {
        if (read === 1) bytes.writeUInt8(255, 3);
      });
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
      assert.deepEqual([pair.copied, outcome.notes], [bytesOf(ways[way]), []]);
    });
  }

  test('costs one more read, in two ranges, of an object that is held whole', async () => {
    const { pair, reads } = await falseEtag('held whole');
    await pair.copy();
    assert.equal(reads(), 3);
  });

  for (const fault of ['unsupported', 'bad-reply'] as const) {
    test(`is compared by a read of the whole where a range is ${fault}`, async () => {
      const { pair } = await falseEtag('held whole');
      pair.sourceSeen = faulty(pair.sourceSeen, { read: { 2: fault } }).store;
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
      assert.match(outcome.notes.join(), /in two reads that agree/);
    });
  }

  test('costs no more reads where a CRC of the source agrees with the bytes', async () => {
    const { pair, reads } = await falseEtag('held whole', { crc64: true });
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.equal(reads(), 1);
    assert.match(outcome.notes.join(), /the CRC-64 of the source agrees/);
    assert.equal(outcome.proof, 'source_checksum');
  });

  for (const way of ['held whole', 'streamed'] as const) {
    test(`does not hide a copy whose answer was lost, under NO_OVERWRITE, ${way}`, async () => {
      const { pair } = await falseEtag(way, { policy: { overwriteMode: 'NO_OVERWRITE' } });
      await write(pair.target, bytesOf(ways[way]));
      const outcome = await pair.copy({ writeSent: true });
      assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
      assert.match(outcome.notes.join(), /is not the MD5 of its bytes/);
    });
  }

  test('is named as Content-MD5 where the ETag is another', async () => {
    const pair = new CopyPair({ crc64: false });
    await pair.fill(bytesOf(7));
    pair.sourceSeen = declaring(pair.source, () => ({ md5: wrong }));
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.match(outcome.notes.join(), /^the Content-MD5 of the source, 0{32}, is not the MD5/);
  });
});

test('a right MD5 of the source is a proof of what goes in one part', async () => {
  const pair = new CopyPair({ crc64: false });
  Object.assign(pair.target.traits, { putSizeMax: 8, partSizeMin: 100 });
  await pair.fill(bytesOf(ways['in one part']));
  const outcome = await pair.copy();
  assert.ok(outcome.kind === 'copied');
  assert.deepEqual([outcome.check.method, outcome.proof], ['md5_of_parts', 'source_checksum']);
});

describe('reads of one version that differ', () => {
  for (const way of Object.keys(ways) as Way[]) {
    for (const consistencyCheck of ['crc64', 'no_check'] as const) {
      test(`are corrupt and nothing is published, ${way}, ${consistencyCheck}`, async () => {
        const { pair } = await falseEtag(way, { policy: { consistencyCheck } });
        pair.sourceSeen = garbling(pair.sourceSeen, (bytes, read) => bytes.writeUInt8(read, 0));
        await assert.rejects(pair.copy(), {
          fault: 'corrupt',
          message:
            /read .*two reads of one version gave different bytes, with the MD5 .* and .*: the source, or the network to it, damages data/,
        });
        assert.equal(pair.copied, undefined);
        assert.ok(pair.clean);
      });
    }
  }

  for (const way of Object.keys(ways) as Way[]) {
    test(`are noticed where each answer is damaged at the same place, ${way}`, async () => {
      const pair = new CopyPair({ crc64: false });
      if (way === 'in one part')
        Object.assign(pair.target.traits, { putSizeMax: 8, partSizeMin: 100 });
      await pair.fill(bytesOf(ways[way]));
      pair.sourceSeen = garbling(pair.source, (bytes) => {
        const middle = bytes.length >> 1;
        bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
      });
      await assert.rejects(pair.copy(), { fault: 'corrupt', message: /two reads of one version/ });
      assert.equal(pair.copied, undefined);
    });
  }

  test('are distinguished from a wrong ETag where only the first read was damaged', async () => {
    const pair = new CopyPair({ crc64: false });
    await pair.fill(bytesOf(7));
    pair.sourceSeen = garbling(pair.source, (bytes, read) => {
      if (read === 1) bytes.writeUInt8(255, 3);
    });
    await assert.rejects(pair.copy(), { fault: 'corrupt', message: /two reads of one version/ });
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.deepEqual([pair.copied, outcome.notes], [bytesOf(7), []]);
  });

  test('of an object that is replaced meanwhile are a change', async () => {
    const { pair } = await falseEtag('held whole');
    pair.sourceSeen = before(pair.sourceSeen, 'read', async (read) => {
      if (read === 2) await write(pair.source, bytesOf(7, 5));
    });
    await assert.rejects(pair.copy(), { fault: 'changed' });
    assert.equal(pair.copied, undefined);
  });
});

describe('a CRC that the source has computed, and that its bytes do not have', () => {
  /** @param size Of an object that is held whole, or goes in parts. */
  async function damaged(size: number, consistencyCheck: 'crc64' | 'no_check') {
    const pair = new CopyPair({ policy: { consistencyCheck } });
    await pair.fill(bytesOf(size));
    const found = pair.source.objects.get(KEY) ?? assert.fail();
    pair.source.objects.set(KEY, { ...found, head: { ...found.head, crc64: '1', md5: undefined } });
    return pair;
  }

  test('fails the copy and says what two reads showed', async () => {
    const pair = await damaged(7, 'crc64');
    await assert.rejects(pair.copy(), {
      fault: 'corrupt',
      message:
        /the source has the CRC-64 1, what was read from it has \d+, in two reads that agree: the object is damaged at the source/,
    });
    assert.equal(pair.copied, undefined);
  });

  for (const size of [7, 37]) {
    test(`fails no copy of ${size} bytes with no_check where two reads agree`, async () => {
      const pair = await damaged(size, 'no_check');
      const outcome = await pair.copy();
      assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
      assert.match(
        outcome.notes.join(),
        /^the CRC-64 of the source, 1, is not the CRC-64 of its bytes/,
      );
      assert.deepEqual(pair.copied, bytesOf(size));
    });
  }
});

describe('an ETag of the target that looks like an MD5 and is none', () => {
  /** A target with ETags of its own in answers to puts and heads, which keeps what it is given. */
  function encrypting(pair: CopyPair): { gets: () => number } {
    const { store, calls } = faulty(pair.target, {});
    const other = { md5: wrong, etag: `"${wrong}"` };
    pair.targetSeen = {
      ...declaring(store, () => other),
      put: async (...call) => ({ ...(await store.put(...call)), ...other }),
    };
    return { gets: () => calls.get('read') ?? 0 };
  }

  for (const way of ['held whole', 'streamed'] as const) {
    for (const overwriteMode of ['FULL_OVERWRITE', 'NO_OVERWRITE'] as const) {
      test(`is found out by reading one object back, ${way}, ${overwriteMode}`, async () => {
        const pair = new CopyPair({ crc64: false, policy: { overwriteMode } });
        const { gets } = encrypting(pair);
        await pair.fill(bytesOf(ways[way]));
        const first = await pair.copy();
        assert.ok(first.kind === 'copied', JSON.stringify(first));
        assert.deepEqual([first.check.method, first.check.passed], ['md5', true]);
        assert.match(
          first.notes.join(),
          /^the ETag of the target, 0{32}, is not the MD5 of the obj/,
        );
        pair.target.objects.clear();
        const second = await pair.copy();
        assert.ok(second.kind === 'copied', JSON.stringify(second));
        assert.deepEqual([second.check.method, second.notes], ['size_last_modified', []]);
        assert.equal(gets(), 1);
      });
    }

    test(`does not hide a copy whose answer was lost, under NO_OVERWRITE, ${way}`, async () => {
      const pair = new CopyPair({ crc64: false, policy: { overwriteMode: 'NO_OVERWRITE' } });
      encrypting(pair);
      await pair.fill(bytesOf(ways[way]));
      await write(pair.target, bytesOf(ways[way]));
      assert.equal((await pair.copy({ writeSent: true })).kind, 'copied');
      await write(pair.target, bytesOf(ways[way], 5));
      assert.equal((await pair.copy({ writeSent: true })).kind, 'skipped');
    });
  }

  test('needs no reading where a CRC agrees', async () => {
    const pair = new CopyPair();
    const { gets } = encrypting(pair);
    await pair.fill(bytesOf(7));
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.deepEqual([outcome.check.method, gets()], ['crc64', 0]);
  });

  test('needs no reading with no_check, where the target has compared the MD5', async () => {
    const pair = new CopyPair({ crc64: false, policy: { consistencyCheck: 'no_check' } });
    const { gets } = encrypting(pair);
    await pair.fill(bytesOf(7));
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied');
    assert.deepEqual([outcome.check.method, gets()], ['size', 0]);
  });

  test('is found out for each object where the target compares no MD5', async () => {
    const pair = new CopyPair({ crc64: false, policy: { consistencyCheck: 'no_check' } });
    Object.assign(pair.target.traits, { checksMd5: false });
    const { gets } = encrypting(pair);
    await pair.fill(bytesOf(7));
    for (let copies = 1; copies <= 2; copies++) {
      const outcome = await pair.copy({ targetDoubtful: true });
      assert.ok(outcome.kind === 'copied');
      assert.deepEqual([outcome.check.method, gets()], ['md5', copies]);
    }
  });

  test('does not count as an MD5 where the object may not be read', async () => {
    const pair = new CopyPair({ crc64: false });
    encrypting(pair);
    pair.targetSeen = before(pair.targetSeen, 'read', () => {
      for (const object of pair.target.objects.values()) object.archived = true;
    });
    await pair.fill(bytesOf(7));
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
    assert.equal(outcome.check.method, 'size_last_modified');
  });

  test('is an MD5 where the target has other bytes: the copy does not pass', async () => {
    const pair = new CopyPair({ crc64: false });
    const inner = pair.target;
    pair.targetSeen = {
      ...declaring(inner, () => ({})),
      put: async (key, body, options, stop) => {
        const content = bytesOf(body.size, 9);
        return inner.put(key, { ...body, content, md5: md5Of(content) }, options, stop);
      },
    };
    await pair.fill(bytesOf(7));
    const outcome = await pair.copy();
    assert.ok(outcome.kind === 'failed' && outcome.fault === 'inconsistent');
    const [source, target] = [md5Of(bytesOf(7)), md5Of(bytesOf(7, 9))];
    assert.ok(outcome.message.includes(`the source has ${source}, the target ${target}`));
    assert.equal(pair.findings.etagsAreNoMd5, false);
  });
});
