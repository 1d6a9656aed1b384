import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, CopyPair, KEY } from '../../../test/kit/copy-pair.ts';
import { startCrc64 } from '../../platform/base/crc64.ts';

/** One size for each way: held whole, in parts. */
const ways = { 'held whole': 7, 'in one part': 20, 'in parts': 37 } as const;

describe('a copy between stores that report the CRC of S3', () => {
  for (const [how, size] of Object.entries(ways)) {
    test(`of what has no MD5 is proven by the CRC of S3, ${how}`, async () => {
      const pair = new CopyPair({ crc64: false, crc64nvme: true });
      await pair.fill(bytesOf(size), { inParts: true });
      const outcome = await pair.copy();
      assert.equal(outcome.kind, 'copied', JSON.stringify(outcome));
      const crc64nvme = (await startCrc64('crc64nvme')).update(bytesOf(size)).digest();
      assert.equal(outcome.check.method, 'crc64nvme');
      assert.deepEqual(outcome.crcs, { crc64: undefined, crc64nvme });
      assert.deepEqual(pair.copied, bytesOf(size));
    });

    test(`of bytes that do not have the CRC of the source is not published, ${how}`, async () => {
      const pair = new CopyPair({ crc64: false, crc64nvme: true });
      await pair.fill(bytesOf(size), { inParts: true });
      const found = pair.source.objects.get(KEY) ?? assert.fail();
      const head = { ...found.head, crc64nvme: 'AAAAAAAAAAA=' };
      pair.source.objects.set(KEY, { ...found, head });
      await assert.rejects(pair.copy(), {
        fault: 'corrupt',
        message: /the source has the CRC-64\/NVME AAAAAAAAAAA=, what was read/,
      });
      assert.equal(pair.target.objects.size, 0);
      assert.ok(pair.clean);
    });
  }
});
