import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { startCrc64 } from '../../base/crc64.ts';
import { checksumKinds, checksumNames } from '../../model/checksums.ts';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { checkedBody } from './checked-body.ts';

const bytes = Buffer.from('what the bucket has');
const { signal } = new AbortController();

async function sumOf(kind: (typeof checksumKinds)[number], content: Uint8Array): Promise<string> {
  if (kind === 'md5') return createHash('md5').update(content).digest('hex');
  return (await startCrc64(kind)).update(content).digest();
}

describe('the body of a whole object from a CDN', () => {
  for (const kind of checksumKinds) {
    test(`is compared with the bucket's ${checksumNames[kind]}`, async () => {
      const store = new MemoryStore();
      await store.put('key', { content: bytes, size: bytes.length }, {}, signal);
      const read = async (of: Uint8Array) => {
        const { head, body } = await store.read('key', {}, signal);
        const none = { md5: undefined, crc64: undefined, crc64nvme: undefined };
        const told = { ...head, ...none, [kind]: await sumOf(kind, of) };
        return checkedBody(body, {
          head: told,
          bucketServes: async () => false,
          failure: (message) => new Error(message),
        });
      };
      assert.ok(bytes.equals(await (await read(bytes)).bytes()));
      const other = await read(Buffer.from('something else'));
      await assert.rejects(
        other.bytes(),
        new RegExp(`has the ${checksumNames[kind]} .*the CDN's has`),
      );
    });
  }
});
