import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import { openCredentials, sealCredentials } from './credentials.ts';

const sealer = new Sealer(Buffer.alloc(32, 1));
const credentials = {
  source: { accessKeyId: 'AK-source', secretAccessKey: new Secret('hunter2 é') },
  target: { accessKeyId: 'AK-target', secretAccessKey: new Secret('hunter3') },
};

test('what was sealed for a task opens for it', () => {
  const { source, target } = openCredentials(
    sealer,
    'a',
    sealCredentials(sealer, 'a', credentials),
  );
  assert.deepEqual(
    [source.accessKeyId, source.secretAccessKey.reveal()],
    ['AK-source', 'hunter2 é'],
  );
  assert.deepEqual([target.accessKeyId, target.secretAccessKey.reveal()], ['AK-target', 'hunter3']);
});

test('with tokens of temporary credentials, where there are any', () => {
  const { source, target } = credentials;
  const temporary = { source: { ...source, sessionToken: new Secret('hunter5') }, target };
  const opened = openCredentials(sealer, 'a', sealCredentials(sealer, 'a', temporary));
  assert.equal(opened.source.sessionToken?.reveal(), 'hunter5');
  assert.equal(opened.target.sessionToken, undefined);
  assert.doesNotMatch(`${inspect(opened, { depth: 9 })} ${JSON.stringify(opened)}`, /hunter/);
});

test('with the key of a CDN too, and as it was sealed before there were any', () => {
  const withKey = { ...credentials, cdnKey: new Secret('hunter4') };
  const opened = openCredentials(sealer, 'a', sealCredentials(sealer, 'a', withKey));
  assert.equal(opened.cdnKey?.reveal(), 'hunter4');
  assert.doesNotMatch(`${inspect(opened, { depth: 9 })} ${JSON.stringify(opened)}`, /hunter/);
  const before = sealer.seal('[["AK","SK"],["ak","sk"]]', 'sync-task a');
  const old = openCredentials(sealer, 'a', { sealed: before, keyId: sealer.keyId });
  assert.equal(old.source.accessKeyId, 'AK');
  assert.equal(old.target.secretAccessKey.reveal(), 'sk');
  assert.equal(old.cdnKey, undefined);
});

test('it opens for no other task, and with no other key', () => {
  const sealed = sealCredentials(sealer, 'a', credentials);
  assert.throws(() => openCredentials(sealer, 'b', sealed), { name: 'SealError' });
  const other = new Sealer(Buffer.alloc(32, 2));
  assert.throws(() => openCredentials(other, 'a', sealed), { name: 'SealError' });
  assert.equal(sealed.keyId, sealer.keyId);
  assert.notEqual(other.keyId, sealer.keyId);
});

test('neither the sealed bytes nor what was opened shows a secret', () => {
  const sealed = sealCredentials(sealer, 'a', credentials);
  const opened = openCredentials(sealer, 'a', sealed);
  const told = [
    Buffer.from(sealed.sealed).toString('latin1'),
    inspect(opened, { depth: 9 }),
    JSON.stringify(opened),
  ];
  for (const text of told) assert.doesNotMatch(text, /hunter/);
});
