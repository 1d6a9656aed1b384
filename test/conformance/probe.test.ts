import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { type CheckResult, checks, runProbe } from '../kit/probe/probe.ts';
import { startS3Server } from '../kit/s3-server/server.ts';

/** Checks that our server does not pass, with the reason. */
const ours: Readonly<Record<string, string>> = {};

/** Checks that Ceph 16 does not pass, with what it does instead; later ones pass more of them. */
const cephs: Readonly<Record<string, string>> = {
  'metadata.too-large': 'limits a header, not all metadata together',
  'get.attributes': 'does not know GetObjectAttributes and sends the object',
  'put.if-match': 'refuses the right ETag as well: a bug of that version',
  'multipart.get-part': 'ignores partNumber and sends the whole object',
  'copy.if-match': 'ignores the condition on the source',
  'class.archived-refuses-get': 'keeps the name of a class; nothing is archived',
  'class.restore': 'has no RestoreObject',
  'encryption.s3': 'has no keys of its own, and says nothing of it',
  'checksum.trailing-crc32': 'knows no trailers, and asks for the length',
  'checksum.trailing-crc32c': 'knows no trailers, and asks for the length',
  'checksum.trailing-crc64nvme': 'knows no trailers, and asks for the length',
  'checksum.trailing-sha1': 'knows no trailers, and asks for the length',
  'checksum.trailing-sha256': 'knows no trailers, and asks for the length',
  'checksum.wrong': 'ignores the newer checksums',
  'checksum.parts-whole': 'ignores the newer checksums',
  'checksum.parts-composite': 'ignores the newer checksums',
};

/** Reports each check as a separate test, when all have run. */
function report(run: () => Promise<CheckResult[]>, judge: (result: CheckResult) => void): void {
  const results = new Map<string, CheckResult>();

  before(async () => {
    for (const result of await run()) results.set(result.name, result);
  });

  for (const name of Object.keys(checks)) {
    test(name, () => {
      const result = results.get(name);
      assert.ok(result, 'the check did not run');
      judge(result);
    });
  }
}

function mustPass({ name, outcome, note }: CheckResult, exceptions: typeof ours): void {
  const reason = exceptions[name];
  if (reason === undefined) assert.equal(outcome, 'ok', note);
}

describe('our S3 server answers the official SDK as S3 does', () => {
  async function run(): Promise<CheckResult[]> {
    await using server = await startS3Server({ virtualHost: 'localhost' });
    return await runProbe(server.url, server.accessKey);
  }
  report(run, (result) => {
    mustPass(result, ours);
    if (ours[result.name] !== undefined) assert.notEqual(result.outcome, 'ok', 'no exception now');
  });
});

// The test server must pass what Ceph passes: each of its exceptions would have to be one of Ceph's too.
describe('Ceph passes what the test server passes, except for known gaps', {
  skip: cephAvailable() ?? false,
}, () => {
  async function run(): Promise<CheckResult[]> {
    await using ceph = await startCeph();
    return await runProbe(ceph.url, ceph);
  }
  report(run, (result) => {
    mustPass(result, cephs);
    if (result.outcome === 'ok')
      assert.equal(ours[result.name], undefined, 'Ceph passes, ours not');
  });
});
