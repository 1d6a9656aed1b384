import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { CopyRig } from '../kit/copy-rig.ts';
import { head, ScriptedAzure } from '../kit/scripted-azure.ts';

const azure = new ScriptedAzure();
/** What a writer has said when blocks were committed, or headers set: Azure compares it with nothing. */
const claimed = Buffer.alloc(16, 7);
const blob = { ...head, 'x-ms-blob-type': 'BlockBlob', 'content-md5': claimed.toString('base64') };

/** How often each is read: to be sent, refused by the target, and looked into. */
const ways = { 'held whole': ['a reel.', 2], 'streamed': ['twenty bytes of film', 4] } as const;

describe('a Content-MD5 of a blob that is not the MD5 of its bytes', () => {
  for (const [way, [text, reads]] of Object.entries(ways)) {
    for (const consistencyCheck of ['size_last_modified', 'crc64', 'no_check'] as const) {
      test(`does not keep the blob from being copied, ${way}, ${consistencyCheck}`, async () => {
        const policy = { consistencyCheck, overwriteMode: 'FULL_OVERWRITE' } as const;
        const rig = new CopyRig({ crc64: false, policy });
        rig.sourceSeen = azure.store;
        for (let read = 1; read <= reads; read++) azure.says(text, blob);
        const outcome = await rig.copy();
        assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
        assert.equal(Buffer.from(rig.copied ?? []).toString(), text);
        assert.deepEqual([outcome.check.passed, outcome.proof], [true, 'transport']);
        const md5 = createHash('md5').update(text).digest('hex');
        assert.deepEqual(outcome.notes, [
          `the Content-MD5 of the source, ${claimed.toString('hex')}, is not the MD5 of its bytes: they have ${md5}, in two reads that agree`,
        ]);
        assert.equal(azure.asked.length, reads);
      });
    }

    test(`does not excuse reads that differ from each other, ${way}`, async () => {
      const rig = new CopyRig({ crc64: false, policy: { overwriteMode: 'FULL_OVERWRITE' } });
      rig.sourceSeen = azure.store;
      for (let read = 1; read <= reads; read++) azure.says(`${text.slice(1)}${read}`, blob);
      await assert.rejects(rig.copy(), { fault: 'corrupt', message: /two reads of one version/ });
      assert.equal(rig.copied, undefined);
    });
  }
});
