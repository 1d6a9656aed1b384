import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import { insertAccessKey } from '../access/access-keys-table.ts';
import { keepSealingKey } from './sealing-key-table.ts';
import { insertUser } from '../access/users-table.ts';

test('of keys that arrive at once one is kept, and all callers receive it', async () => {
  await using db = await testDatabase();
  const kept = await Promise.all(
    ['a', 'b', 'c', 'd'].map((keyId) => keepSealingKey(db, { keyId, mayReplace: false })),
  );
  assert.equal(new Set(kept).size, 1);
});

test('a key is replaced only while nothing is sealed, by a process that is alone', async () => {
  await using db = await testDatabase();
  assert.equal(await keepSealingKey(db, { keyId: 'a', mayReplace: false }), 'a');
  assert.equal(await keepSealingKey(db, { keyId: 'b', mayReplace: false }), 'a');
  assert.equal(await keepSealingKey(db, { keyId: 'b', mayReplace: true }), 'b');
  await addTask(db);
  assert.equal(await keepSealingKey(db, { keyId: 'c', mayReplace: true }), 'b');
});

test('a key is not replaced while there is an access key', async () => {
  await using db = await testDatabase();
  await keepSealingKey(db, { keyId: 'a', mayReplace: false });
  await insertUser(db, { id: 'user', name: 'user', passwordHash: undefined });
  const sealed = { sealedSecret: Buffer.of(1), sealingKeyId: 'a' };
  await insertAccessKey(db, { id: 'key', userId: 'user', ...sealed });
  assert.equal(await keepSealingKey(db, { keyId: 'b', mayReplace: true }), 'a');
});
