import assert from 'node:assert/strict';
import { test } from 'node:test';
import { before } from '../../test/kit/copy-rig.ts';
import { MemoryStore } from '../../test/kit/memory-store.ts';
import { ProbeFailed, probeTarget } from './probe.ts';

test('a probe that ends in the middle takes away what it began', async () => {
  const target = new MemoryStore();
  const ending = new AbortController();
  const slow = before(target, 'putPart', () => ending.abort(new Error('too late')));
  const probing = probeTarget(slow, { tier: undefined, kms: false }, ending.signal);
  await assert.rejects(probing, ProbeFailed);
  assert.equal(target.openUploads.size, 0);
});
