import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults, isRepeatable, isTransient } from './fault.ts';
import { remedies } from './remedies.ts';

test('what is worth sending again at once is worth another attempt later', () => {
  for (const fault of faults.filter(isRepeatable)) assert.ok(isTransient(fault), fault);
});

test('a fault that a person must fix first is not retried automatically', () => {
  assert.deepEqual(
    faults.filter((fault) => !isTransient(fault)),
    [
      'not-found',
      'no-bucket',
      'exists',
      'denied',
      'bad-credentials',
      'archived',
      'refused',
      'out-of-order',
      'unsupported',
    ],
  );
});

test('every kind of failure has a remedy of its own, in whole sentences', () => {
  const kinds = [...faults, 'inconsistent', 'too-large', 'internal'];
  assert.deepEqual(Object.keys(remedies).sort(), kinds.sort());
  const texts = Object.values(remedies);
  assert.equal(new Set(texts).size, texts.length);
  for (const text of texts) assert.match(text, /^[A-Z].*\.$/);
});
