import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { Sealer, Secret } from './seal.ts';

const sealer = new Sealer(Buffer.alloc(32, 7));

test('any text comes back under its context', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
      assert.equal(sealer.open(sealer.seal(text, context), context), text);
    }),
  );
});

test('a single other bit anywhere does not open', () => {
  const sealed = sealer.seal('secret', 'context');
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const other = Buffer.from(sealed);
    other.writeUInt8((other[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => sealer.open(other, 'context'), { name: 'SealError' }, `bit ${bit}`);
  }
});

test('nor does a part of it, more of it, another context or another key', () => {
  const sealed = sealer.seal('secret', 'context');
  for (let length = 0; length < sealed.length; length++) {
    const part = sealed.subarray(0, length);
    assert.throws(() => sealer.open(part, 'context'), { name: 'SealError' }, `${length} bytes`);
  }
  const more = Buffer.concat([sealed, Buffer.of(0)]);
  assert.throws(() => sealer.open(more, 'context'), { name: 'SealError' });
  assert.throws(() => sealer.open(sealed, 'another'), { name: 'SealError' });
  assert.throws(() => new Sealer(Buffer.alloc(32, 8)).open(sealed, 'context'), {
    name: 'SealError',
  });
});

test('what an old key sealed still opens; what is sealed now is by the new one', () => {
  const both = new Sealer(Buffer.alloc(32, 8), [Buffer.alloc(32, 7)]);
  assert.equal(both.open(sealer.seal('secret', 'context'), 'context'), 'secret');
  assert.throws(() => both.open(sealer.seal('secret', 'context'), 'other'), { name: 'SealError' });
  assert.throws(() => sealer.open(both.seal('secret', 'context'), 'context'));
  assert.deepEqual(both.keyIds, [new Sealer(Buffer.alloc(32, 8)).keyId, sealer.keyId]);
});

test('the same text is never sealed to the same bytes', () => {
  assert.notDeepEqual(sealer.seal('secret', ''), sealer.seal('secret', ''));
});

test('a key of another length is refused', () => {
  for (const length of [0, 16, 31, 33]) {
    assert.throws(() => new Sealer(Buffer.alloc(length)), { name: 'SealError' });
  }
});

test('the ID of a key identifies the key without revealing it', () => {
  assert.equal(sealer.keyId, new Sealer(Buffer.alloc(32, 7)).keyId);
  assert.notEqual(sealer.keyId, new Sealer(Buffer.alloc(32, 8)).keyId);
  assert.match(sealer.keyId, /^[0-9a-f]{16}$/);
});

test('a secret appears in text, JSON or inspected output only if it is revealed explicitly', () => {
  const secret = new Secret('hunter2');
  const told = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ deep: { secret } }, { showHidden: true, depth: 9 }),
    format('%s %o %j', secret, secret, secret),
    Object.values(secret).join(),
  ];
  for (const text of told) assert.doesNotMatch(text, /hunter2/);
  assert.equal(secret.reveal(), 'hunter2');
});
