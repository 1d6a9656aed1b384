import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowList } from './allow-list.ts';
import { addressGuard } from './guard.ts';

const strict = addressGuard([]);

for (const address of [
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd00:c1::a9fe:a9fe',
  '::ffff:168.63.129.16',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  // Other notations, and other clothes.
  '0:0:0:0:0:ffff:127.0.0.1',
  '0000:0000:0000:0000:0000:FFFF:7F00:0001',
  '0:0::ffff:10.0.0.1',
  '::ffff:127.0.0.1%eth0',
  '0064:ff9b:0:0::10.0.0.1',
  '64:ff9b:1:7f00:0:100::',
  '::127.0.0.1',
  '::a00:1',
  '::ffff:0:10.0.0.1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '0:0:0:0:0:0:0:1',
  'FE80::1',
  'fd20:ce::254',
]) {
  test(`${address} is refused`, () => {
    assert.match(strict('some.host', address) ?? '', /settings\.allowEndpoints/);
  });
}

for (const address of [
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.255.255',
  '168.63.129.15',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2002:808:808::1',
  '2001:4860:4860::8888',
  '::ffff:0:8.8.8.8',
]) {
  test(`${address} is anybody's`, () => {
    assert.equal(strict('some.host', address), undefined);
  });
}

test('the operator allows names, addresses and networks', () => {
  const guard = addressGuard(
    allowList('minio.lan', '*.Ceph.lan', '10.1.0.0/16', '192.168.1.9', 'fd00::/8'),
  );
  assert.equal(guard('minio.lan', '10.9.9.9'), undefined);
  assert.equal(guard('MINIO.lan', '127.0.0.1'), undefined);
  assert.equal(guard('a.b.ceph.lan', '10.9.9.9'), undefined);
  assert.equal(guard('any', '10.1.200.3'), undefined);
  assert.equal(guard('any', '192.168.1.9'), undefined);
  assert.equal(guard('any', 'fd12::1'), undefined);
  assert.notEqual(guard('ceph.lan', '10.9.9.9'), undefined);
  assert.notEqual(guard('xminio.lan', '10.9.9.9'), undefined);
  assert.notEqual(guard('any', '10.2.0.1'), undefined);
  assert.notEqual(guard('any', '192.168.1.8'), undefined);
});

test('an allowed name does not give access to metadata: only an allowed address does', () => {
  const byName = addressGuard(allowList('store.example', '*.corp.example'));
  const byAddress = addressGuard(allowList('store.example', '169.254.169.254', 'fd00:ec2::/64'));
  for (const address of ['169.254.169.254', 'fd00:ec2::254', '::ffff:169.254.169.254']) {
    assert.match(byName('store.example', address) ?? '', /by its address in \{settings\.allow/);
    assert.match(byName('a.corp.example', address) ?? '', /by its address in \{settings\.allow/);
    assert.equal(byAddress('store.example', address), undefined);
  }
  for (const address of [
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::23',
    'fd00:c1::a9fe:a9fe',
    '64:ff9b:1::a00:1',
    '192.0.0.192',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    'fe80::1',
  ]) {
    assert.notEqual(byName('store.example', address), undefined);
  }
  for (const address of ['10.0.0.1', '127.0.0.1', '100.64.0.1', 'fd12::1', '::1']) {
    assert.equal(byName('store.example', address), undefined);
  }
});

test('what a name resolves to is not revealed, nor of which kind it is', () => {
  const answers = ['127.0.0.1', '10.0.0.5', '169.254.169.254', 'fd00::7', '::ffff:10.0.0.5'].map(
    (address) => strict('some.host', address),
  );
  assert.equal(new Set(answers).size, 1);
  assert.doesNotMatch(answers[0] ?? '', /\d/);
});
