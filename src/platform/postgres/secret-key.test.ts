import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { newSecretKey, parseSecretKey, readSecretKeys, replaceSecretKeys } from './secret-key.ts';

const temporary = () => mkdtempDisposable(join(tmpdir(), 'brigade-key-'));

describe('readSecretKeys', () => {
  const hex = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
  const none = { given: undefined, old: [], mayGenerate: false };

  test('generates one on the first start, for ourselves alone, and keeps it', async () => {
    await using dir = await temporary();
    const first = await readSecretKeys(dir.path, { ...none, mayGenerate: true });
    assert.deepEqual(
      first.map(({ length }) => length),
      [32],
    );
    assert.equal((await stat(join(dir.path, 'secret.key'))).mode & 0o777, 0o600);
    assert.deepEqual(await readSecretKeys(dir.path, none), first);
    assert.deepEqual(await readSecretKeys(dir.path, { ...none, mayGenerate: true }), first);
    assert.deepEqual(await readdir(dir.path), ['secret.key']);
  });

  test('does not generate one for a database that has been used', async () => {
    await using dir = await temporary();
    await assert.rejects(readSecretKeys(dir.path, none), /secret\.key is missing/);
    assert.deepEqual(await readdir(dir.path), []);
  });

  test('takes the given one before the file, and writes nothing', async () => {
    await using dir = await temporary();
    await readSecretKeys(dir.path, { ...none, mayGenerate: true });
    const before = await readFile(join(dir.path, 'secret.key'));
    const given = { given: new Secret(hex), old: [new Secret('0'.repeat(64))] };
    const keys = await readSecretKeys(dir.path, { ...none, ...given });
    assert.deepEqual(keys, [Buffer.from(hex, 'hex'), Buffer.alloc(32)]);
    assert.deepEqual(await readFile(join(dir.path, 'secret.key')), before);
  });

  test('reads the old keys of a file behind the new one, and those that are given last', async () => {
    await using dir = await temporary();
    const [one, two, three] = [newSecretKey(), newSecretKey(), newSecretKey()];
    await replaceSecretKeys(dir.path, [one]);
    await replaceSecretKeys(dir.path, [two, one]);
    const old = [new Secret(three.toString('base64'))];
    assert.deepEqual(await readSecretKeys(dir.path, { ...none, old }), [two, one, three]);
    assert.equal((await stat(join(dir.path, 'secret.key'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dir.path), ['secret.key']);
  });

  test('refuses a file that others can read, and one that is not a key', async () => {
    await using dir = await temporary();
    const path = join(dir.path, 'secret.key');
    await writeFile(path, hex, { mode: 0o644 });
    await assert.rejects(readSecretKeys(dir.path, none), /chmod 600/);
    await chmod(path, 0o600);
    await writeFile(path, hex.slice(1));
    await assert.rejects(readSecretKeys(dir.path, none), (error: Error) => {
      assert.match(error.message, /is not a key/);
      return !error.message.includes(hex.slice(1, 9));
    });
  });

  test('reads 32 bytes in hexadecimal digits and in both kinds of base64', () => {
    const key = Buffer.alloc(32, 0xfb);
    for (const coding of ['hex', 'base64', 'base64url'] as const) {
      assert.deepEqual(parseSecretKey(key.toString(coding)), key);
    }
    for (const wrong of ['', 'abc', hex.slice(2), `${hex}00`, `${hex.slice(1)}g`, 'x'.repeat(42)]) {
      assert.equal(parseSecretKey(wrong), undefined);
    }
  });
});
