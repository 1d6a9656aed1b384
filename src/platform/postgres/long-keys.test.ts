import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { indexedKey, keyOfIndexed } from './long-keys.ts';

const units = ['a', 'é', '中', '🙈', '\uffff', '\u{10ffff}'] as const;

test('a name of up to 2,500 bytes is kept as it is', () => {
  for (const key of ['', 'a', '中'.repeat(833), 'x'.repeat(2_500), '\uffff']) {
    assert.equal(indexedKey(key), key);
    assert.equal(keyOfIndexed(key), key);
  }
});

test('every name comes back, however long and whatever it begins with', () => {
  const key = fc.array(fc.constantFrom(...units), { maxLength: 1_024 });
  fc.assert(
    fc.property(key, (characters) => {
      const name = characters.join('');
      assert.equal(keyOfIndexed(indexedKey(name)), name);
      assert.equal(indexedKey(name).startsWith('\u{10ffff}'), indexedKey(name) !== name);
    }),
  );
});

test('names of 1,024 characters that cannot be compressed fit into an index with an ID', async () => {
  await using db = await testDatabase();
  await db.query(
    `create table named (id uuid, key text collate "C", number int, primary key (id, key, number))`,
  );
  let state = 1;
  const random = () => (state = (state * 48_271) % 2_147_483_647);
  const name = Array.from({ length: 1_024 }, () =>
    String.fromCodePoint(0x4e00 + (random() % 0x5000)),
  );
  const key = name.join('');
  assert.equal(Buffer.byteLength(key), 3_072);
  const insert = `insert into named values (gen_random_uuid(), $1, 1)`;
  await assert.rejects(db.query(insert, [key]), /index row size|54000|exceeds/);
  await db.query(insert, [indexedKey(key)]);
  const { rows } = await db.query<{ key: string }>(`select key from named`);
  assert.deepEqual(
    rows.map((row) => keyOfIndexed(row.key)),
    [key],
  );
});
