import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { CopyPair } from '../kit/copy-pair.ts';
import { head, ScriptedAzure } from '../kit/scripted-azure.ts';

const azure = new ScriptedAzure();
/** What a writer has said when blocks were committed, or headers set: Azure compares it with nothing. */
const claimed = Buffer.alloc(16, 7);
const blob = { ...head, 'x-ms-blob-type': 'BlockBlob', 'content-md5': claimed.toString('base64') };

/** How often each is read before and after it is read in two ranges, to be compared. */
const ways = {
  'held whole': { text: 'a reel.', before: 1, after: 0 },
  'streamed': { text: 'twenty bytes of film', before: 2, after: 1 },
} as const;

function saysRanges(text: string): void {
  const middle = Math.ceil(text.length / 3);
  for (const [first, end] of [
    [0, middle],
    [middle, text.length],
  ] as const) {
    const range = { 'content-range': `bytes ${first}-${end - 1}/${text.length}` };
    azure.says(text.slice(first, end), { ...blob, ...range }, 206);
  }
}

describe('a Content-MD5 of a blob that is not the MD5 of its bytes', () => {
  for (const [way, { text, before, after }] of Object.entries(ways)) {
    for (const consistencyCheck of ['size_last_modified', 'crc64', 'no_check'] as const) {
      test(`does not keep the blob from being copied, ${way}, ${consistencyCheck}`, async () => {
        const policy = { consistencyCheck, overwriteMode: 'FULL_OVERWRITE' } as const;
        const pair = new CopyPair({ crc64: false, policy });
        pair.sourceSeen = azure.store;
        for (let read = 1; read <= before; read++) azure.says(text, blob);
        saysRanges(text);
        for (let read = 1; read <= after; read++) azure.says(text, blob);
        const outcome = await pair.copy();
        assert.ok(outcome.kind === 'copied', JSON.stringify(outcome));
        assert.equal(Buffer.from(pair.copied ?? []).toString(), text);
        assert.deepEqual([outcome.check.passed, outcome.proof], [true, 'transport']);
        const md5 = createHash('md5').update(text).digest('hex');
        assert.deepEqual(outcome.notes, [
          `the Content-MD5 of the source, ${claimed.toString('hex')}, is not the MD5 of its bytes: they have ${md5}, in two reads that agree`,
        ]);
        assert.equal(azure.asked.length, before + 2 + after);
      });
    }

    test(`does not excuse reads that differ from each other, ${way}`, async () => {
      const pair = new CopyPair({ crc64: false, policy: { overwriteMode: 'FULL_OVERWRITE' } });
      pair.sourceSeen = azure.store;
      for (let read = 1; read <= before; read++) azure.says(text, blob);
      saysRanges(`${text.slice(1)}?`);
      await assert.rejects(pair.copy(), { fault: 'corrupt', message: /two reads of one version/ });
      assert.equal(pair.copied, undefined);
    });
  }
});
