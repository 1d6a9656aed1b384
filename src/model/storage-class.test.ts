import assert from 'node:assert/strict';
import { test } from 'node:test';
import { s3ClassOf, targetPolicy } from './storage-class.ts';
import { storagePolicies } from './sync-task.ts';

test('a fixed policy is what the target writes, whatever the source has', () => {
  for (const policy of storagePolicies) {
    if (policy === 'SRC_STORAGE_MAPPING') continue;
    for (const source of [undefined, 'GLACIER', 'unheard of']) {
      assert.equal(targetPolicy(policy, source), policy);
    }
  }
});

test('without a policy the bucket decides', () => {
  assert.equal(targetPolicy(undefined, 'GLACIER'), undefined);
});

for (const [source, target] of [
  [undefined, 'STANDARD'],
  ['STANDARD', 'STANDARD'],
  ['STANDARD_IA', 'IA'],
  ['WARM', 'IA'],
  ['GLACIER', 'ARCHIVE'],
  ['COLD', 'ARCHIVE'],
  ['DEEP_ARCHIVE', 'DEEP_ARCHIVE'],
  ['unheard of', 'STANDARD'],
] as const) {
  test(`${source ?? 'no class'} at the source is mapped to ${target}`, () => {
    assert.equal(targetPolicy('SRC_STORAGE_MAPPING', source), target);
  });
}

test('names that every object has are not taken for classes', () => {
  for (const source of ['constructor', '__proto__', 'toString']) {
    assert.equal(targetPolicy('SRC_STORAGE_MAPPING', source), 'STANDARD');
  }
});

test('mapping there and back keeps the class', () => {
  for (const [policy, name] of Object.entries(s3ClassOf)) {
    assert.equal(targetPolicy('SRC_STORAGE_MAPPING', name), policy);
  }
});
