import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from './store-error.ts';

test('a long key leaves room for what went wrong, and is in the details whole', () => {
  const key = `${'x'.repeat(199)}🎬${'x'.repeat(800)}`;
  const error = new StoreError('refused', {
    store: 'Aliyun:films',
    operation: 'put',
    key,
    status: 400,
    cloudCode: 'InvalidObjectName',
  });
  assert.equal(
    error.message,
    `put Aliyun:films/${'x'.repeat(199)}\uFFFD…: refused (400 InvalidObjectName)`,
  );
  assert.equal(error.details.key, key);
});
