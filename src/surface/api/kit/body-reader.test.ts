import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { readBody } from './body-reader.ts';
import { BodyRoom, unlimitedRoom } from './body-room.ts';
import { RequestError, type RequestProblem } from './request-error.ts';

const limits = { bytes: 10_000, values: 10_000 };

function isRefused(problem: RequestProblem, detail: RegExp) {
  return (error: unknown): boolean =>
    error instanceof RequestError && error.problem === problem && detail.test(error.detail);
}

/** A stream that has the pieces one by one. */
function streamOf(pieces: readonly string[]): PassThrough {
  const stream = new PassThrough({ objectMode: true });
  for (const piece of pieces) stream.write(Buffer.from(piece));
  return stream.end();
}

describe('a body that is read', () => {
  test('is what was sent, in pieces of any size', async () => {
    for (const pieces of [[], [''], ['{"a":', '1}'], Array<string>(100).fill('[12345678]')]) {
      const body = await readBody(streamOf(pieces), limits, unlimitedRoom);
      assert.equal(body.toString(), pieces.join(''));
    }
  });

  test('uses at most twice the memory of what has arrived', async () => {
    const room = new BodyRoom({ bytes: 1e9, bytesOfAddress: 1e9 });
    const stream = new PassThrough();
    const reading = readBody(stream, { bytes: 1e9, values: 1 }, room.open('a'));
    for (let sent = 10_000; sent <= 100_000; sent += 10_000) {
      stream.write(Buffer.alloc(10_000));
      assert.ok(room.held >= sent && room.held <= 2 * sent, `${room.held} for ${sent}`);
    }
    stream.end();
    assert.equal((await reading).length, 100_000);
  });

  test('is refused at the first byte that is too much, and the stream stays open', async () => {
    const stream = new PassThrough();
    const reading = readBody(stream, limits, unlimitedRoom);
    stream.write(Buffer.alloc(10_000));
    stream.write(Buffer.alloc(1));
    await assert.rejects(reading, isRefused('body-too-large', /more than 10000 bytes/));
    assert.equal(stream.destroyed, false);
    for (let count = 0; count < 100; count++) stream.write(' ');
    assert.equal(stream.readableLength, 0, 'what still arrives is dropped');
  });

  test('is refused when it arrives in many short pieces', async () => {
    const large = { bytes: 1e9, values: 1e9 };
    const letters = (count: number) => streamOf(Array<string>(count).fill('"'));
    assert.equal((await readBody(letters(512), large, unlimitedRoom)).length, 512);
    const reading = readBody(letters(513), large, unlimitedRoom);
    await assert.rejects(reading, isRefused('bad-http', /too many pieces/));
    const longer = streamOf(Array<string>(2_000).fill('"'.repeat(32)));
    assert.equal((await readBody(longer, large, unlimitedRoom)).length, 64_000);
  });

  test('is unfinished when its connection ends first', async () => {
    const stream = new PassThrough();
    const reading = readBody(stream, limits, unlimitedRoom);
    stream.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    await assert.rejects(reading, isRefused('bad-http', /ended before the body did/));
  });
});
