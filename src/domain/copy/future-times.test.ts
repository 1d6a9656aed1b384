import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, CopyPair, KEY, lying, write } from '../../../test/kit/copy-pair.ts';

for (const [isWritten, kind] of [
  [true, 'copied'],
  [false, 'failed'],
] as const) {
  test(`a source of the future is ${kind} when the write is ${isWritten ? '' : 'not '}seen at the target`, async () => {
    const pair = new CopyPair({ crc64: false });
    await write(pair.target, bytesOf(7, 2));
    pair.clock.time += 7_200_000;
    await pair.fill(bytesOf(7), { inParts: true });
    pair.clock.time -= 3_600_000;
    const old = await pair.target.head(KEY, new AbortController().signal);
    pair.targetSeen = {
      ...lying(pair.target, () => ({ md5: undefined })),
      head: async (...call) => ({
        ...(isWritten ? await pair.target.head(...call) : old),
        md5: undefined,
      }),
    };
    assert.equal((await pair.copy()).kind, kind);
  });
}
