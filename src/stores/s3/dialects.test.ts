import assert from 'node:assert/strict';
import { test } from 'node:test';
import { s3Dialects } from './dialects.ts';

test('who is known to keep the condition of a put is named, and nobody else is trusted', () => {
  const known = Object.entries(s3Dialects).filter(([, { conditionalPut }]) => conditionalPut);
  assert.deepEqual(
    known.map(([name]) => name),
    ['AWS', 'MinIO', 'Ceph', 'R2'],
  );
});
