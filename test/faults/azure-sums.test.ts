import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import { CopyPair } from '../kit/copy-pair.ts';
import { head as good, ScriptedAzure } from '../kit/scripted-azure.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/**
 * What Azure answers for a block that was sent without an MD5, as Microsoft recorded it with the real
 * service, at the API version that our requests name:
 * https://github.com/Azure/azure-sdk-for-js/blob/fbfbcf64b839a03a4d7ef845f1500a1e8f19bab7/sdk/storage/storage-blob/recordings/node/blockblobclient/recording_stageblock.json
 */
const recorded = { text: 'HelloWorld', crc64: { 'x-ms-content-crc64': '8R2aIe9T07E=' } };
/** That of "Hello World". */
const other = { 'x-ms-content-crc64': 'YeJLfssylmU=' };

const { signal } = new AbortController();
const azure = new ScriptedAzure();

async function started() {
  azure.says('', {}, 201);
  return await azure.store.startParts('key', {}, signal);
}

test('the receipt of a part without an MD5 has the sum of what has arrived', async () => {
  const upload = await started();
  const body = { content: Buffer.from(recorded.text), size: recorded.text.length };
  azure.says('', recorded.crc64, 201);
  const { crc64nvme } = await upload.putPart(1, body, signal);
  assert.equal(crc64nvme, (await startCrc64('crc64nvme')).update(body.content).digest());
  for (const headers of [{}, { 'x-ms-content-crc64': 'of another program' }]) {
    azure.says('', headers, 201);
    assert.equal((await upload.putPart(1, body, signal)).crc64nvme, undefined);
  }
});

test('a part with an MD5 is compared by the service', async () => {
  const upload = await started();
  const base64 = 'aOEJ8PQMpyoV4FzCJ4b45g==';
  const md5 = Buffer.from(base64, 'base64').toString('hex');
  azure.says('', { 'content-md5': base64, ...other }, 201);
  const body = { content: Buffer.from(recorded.text), size: 10, md5 };
  assert.equal((await upload.putPart(1, body, signal)).md5, md5);
  assert.equal(azure.asked.at(-1)?.headers['content-md5'], base64);
});

describe('a copy in parts', series('azure-checksums', { way: 'own', clouds: ['Azure'] }), () => {
  const sizes = { bufferBytes: 8, putBytes: 8, partBytes: 10, partConcurrency: 1 };

  async function pairOf(): Promise<CopyPair> {
    const pair = new CopyPair({
      policy: { overwriteMode: 'FULL_OVERWRITE', consistencyCheck: 'no_check' },
    });
    await pair.fill(Buffer.from(recorded.text.repeat(2)), { inParts: true });
    pair.targetSeen = azure.store;
    azure.says('', {}, 201);
    return pair;
  }

  function blocksAsked(): (string | null)[] {
    return azure.asked.map(({ url = '' }) => new URL(url, 'http://x').searchParams.get('blockid'));
  }

  test(
    'puts a part again that has arrived otherwise, and publishes the second',
    proves('CRC-64'),
    async () => {
      const pair = await pairOf();
      for (const sum of [other, recorded.crc64, recorded.crc64]) azure.says('', sum, 201);
      azure.says('', good, 201);
      assert.equal((await pair.copy({ sizes })).kind, 'copied');
      const [, bad, ...kept] = blocksAsked();
      const list = azure.bodies.at(-1) ?? '';
      assert.deepEqual(
        [...list.matchAll(/<Uncommitted>([^<]+)/g)].map(([, id]) => id),
        kept.slice(0, 2),
      );
      assert.ok(typeof bad === 'string' && !list.includes(bad));
    },
  );

  test('that never arrives as it was sent publishes nothing', async () => {
    const pair = await pairOf();
    for (let tries = 1; tries <= 5; tries++) azure.says('', other, 201);
    azure.says('<BlockList/>');
    await assert.rejects(pair.copy({ sizes }), { fault: 'corrupt' });
    const committed = azure.asked.filter(
      ({ method, url = '' }) => method === 'PUT' && url.includes('comp=blocklist'),
    );
    assert.deepEqual(committed, []);
    assert.equal(pair.journal.upload, undefined);
  });
});
