import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  classNote,
  storagePolicies,
  type StorageTier,
  storageTiers,
  targetTier,
} from './storage-class.ts';

test('a fixed policy is what the target writes, whatever the source has', () => {
  for (const policy of storagePolicies) {
    if (policy === 'SRC_STORAGE_MAPPING') continue;
    for (const source of [undefined, ...storageTiers])
      assert.equal(targetTier(policy, source, storageTiers), policy);
  }
});

test('without a policy the bucket decides', () => {
  for (const source of [undefined, ...storageTiers])
    assert.equal(targetTier(undefined, source, storageTiers), undefined);
});

test('the mapping keeps the tier, and treats an unknown class as STANDARD', () => {
  for (const source of storageTiers)
    assert.equal(targetTier('SRC_STORAGE_MAPPING', source, storageTiers), source);
  assert.equal(targetTier('SRC_STORAGE_MAPPING', undefined, storageTiers), 'STANDARD');
});

test('a mapped tier that the target lacks becomes the next warmer one, or the bucket decides', () => {
  const mapped = (source: StorageTier, tiers: readonly StorageTier[]) =>
    targetTier('SRC_STORAGE_MAPPING', source, tiers);
  assert.equal(mapped('DEEP_ARCHIVE', ['STANDARD', 'IA', 'ARCHIVE']), 'ARCHIVE');
  assert.equal(mapped('DEEP_ARCHIVE', ['STANDARD']), 'STANDARD');
  assert.equal(mapped('IA', ['STANDARD', 'ARCHIVE']), 'STANDARD');
  assert.equal(mapped('DEEP_ARCHIVE', []), undefined);
});

test('another class than requested is reported, unless it is the one archive of a cloud', () => {
  assert.equal(classNote('IA', 'STANDARD').length, 1);
  assert.equal(classNote('STANDARD', 'DEEP_ARCHIVE').length, 1);
  for (const [requested, kept] of [
    ['IA', 'IA'],
    ['DEEP_ARCHIVE', 'ARCHIVE'],
    [undefined, 'IA'],
    ['IA', undefined],
  ] as const) {
    assert.deepEqual(classNote(requested, kept), []);
  }
});
