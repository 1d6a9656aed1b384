import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialectAtHost, s3Dialects } from './dialects.ts';

test('the stores known to honour the condition of a put are listed, and no other one is trusted', () => {
  const all = Object.entries(s3Dialects);
  const known = all.filter(([, { conditionalPut }]) => conditionalPut !== undefined);
  assert.deepEqual(Object.fromEntries(known.map(([name, row]) => [name, row.conditionalPut])), {
    AWS: 'if-none-match',
    Aliyun: 'forbid-overwrite',
    Tencent: 'forbid-overwrite',
    Baidu: 'if-none-match',
    MinIO: 'if-none-match',
    Ceph: 'if-none-match',
    R2: 'if-none-match',
  });
  const versioned = known.filter(([, row]) => row.conditionalPutVersioned);
  assert.deepEqual(
    versioned.map(([name]) => name),
    ['AWS', 'Baidu', 'MinIO', 'R2'],
  );
});

test('a copy with a condition is made only where the condition is known to be heeded', () => {
  const others = Object.entries(s3Dialects).filter(([, row]) => !row.conditionalCopy);
  assert.deepEqual(
    others.map(([name]) => name),
    ['Qiniu', 'UCloud', 'S3', 'Ceph', 'Wasabi'],
  );
});

test('a removal with a condition is sent only where the condition is known to be heeded', () => {
  const known = Object.entries(s3Dialects).filter(([, row]) => row.conditionalRemove);
  assert.deepEqual(
    known.map(([name]) => name),
    ['AWS'],
  );
});

test('a cloud is known by each of its domains', () => {
  for (const [cloud, host] of [
    ['AWS', 's3.eusc-de-east-1.amazonaws.eu'],
    ['QingCloud', 's3.pek3b.qingstor.com'],
    ['QingCloud', 's3.pek3b.qsstor.com'],
  ] as const) {
    assert.equal(dialectAtHost(cloud, host), cloud, host);
  }
  assert.equal(dialectAtHost('QingCloud', 's3.pek3b.qstor.com'), 'S3');
});
