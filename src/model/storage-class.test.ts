import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storagePolicies, storageTiers, targetTier } from './storage-class.ts';

test('a fixed policy is what the target writes, whatever the source has', () => {
  for (const policy of storagePolicies) {
    if (policy === 'SRC_STORAGE_MAPPING') continue;
    for (const source of [undefined, ...storageTiers])
      assert.equal(targetTier(policy, source), policy);
  }
});

test('without a policy the bucket decides', () => {
  for (const source of [undefined, ...storageTiers])
    assert.equal(targetTier(undefined, source), undefined);
});

test('the mapping keeps the tier, and takes what is not known for STANDARD', () => {
  for (const source of storageTiers)
    assert.equal(targetTier('SRC_STORAGE_MAPPING', source), source);
  assert.equal(targetTier('SRC_STORAGE_MAPPING', undefined), 'STANDARD');
});
