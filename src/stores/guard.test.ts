import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  '192.0.0.192',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
]) {
  test(`${address} is refused`, () => {
    assert.match(strict('some.host', address) ?? '', /BRIGADE_ALLOW_ENDPOINTS/);
  });
}

for (const address of [
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.255.255',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
]) {
  test(`${address} is anybody's`, () => {
    assert.equal(strict('some.host', address), undefined);
  });
}

test('the operator allows names, addresses and networks', () => {
  const guard = addressGuard(['minio.lan', '*.Ceph.lan', '10.1.0.0/16', '192.168.1.9', 'fd00::/8']);
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
