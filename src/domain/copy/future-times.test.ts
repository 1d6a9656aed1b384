import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, CopyRig, KEY, lying, write } from '../../../test/kit/copy-rig.ts';

for (const [isWritten, kind] of [
  [true, 'copied'],
  [false, 'failed'],
] as const) {
  test(`a source of the future is ${kind} when the write is ${isWritten ? '' : 'not '}seen at the target`, async () => {
    const rig = new CopyRig({ crc64: false });
    await write(rig.target, bytesOf(7, 2));
    rig.clock.time += 7_200_000;
    await rig.fill(bytesOf(7), { inParts: true });
    rig.clock.time -= 3_600_000;
    const old = await rig.target.head(KEY, new AbortController().signal);
    rig.targetSeen = {
      ...lying(rig.target, () => ({ md5: undefined })),
      head: async (...call) => ({
        ...(isWritten ? await rig.target.head(...call) : old),
        md5: undefined,
      }),
    };
    assert.equal((await rig.copy()).kind, kind);
  });
}
