import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mountDisk, NO_DISK } from '../../../test/kit/small-disk.ts';
import { lockByFile, lockBySocket } from './data-directory-lock.ts';
import { DataDirectoryError, lockDataDirectory, sharedFileSystem } from './data-directory.ts';

async function temporary(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'brigade-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const onLinux = process.platform === 'linux';

async function lockAndFree(path: string, lockBy: typeof lockBySocket): Promise<void> {
  const held = await lockDataDirectory(path, lockBy);
  await held[Symbol.asyncDispose]();
}

describe('lockDataDirectory', () => {
  test('makes the folder, for ourselves alone', async () => {
    await using parent = await temporary();
    const dir = join(parent.path, 'a/b');
    await using data = await lockDataDirectory(dir);
    assert.equal(data.path, dir);
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
  });

  test('closes an empty folder that was there', async () => {
    await using dir = await temporary();
    await chmod(dir.path, 0o755);
    await mkdir(join(dir.path, 'lost+found'));
    await lockAndFree(dir.path, lockByFile);
    assert.equal((await stat(dir.path)).mode & 0o777, 0o700);
  });

  test('refuses a folder with other things in it, and leaves it as it is', async () => {
    await using dir = await temporary();
    await writeFile(join(dir.path, 'thesis.doc'), '');
    await assert.rejects(lockDataDirectory(dir.path), {
      name: 'DataDirectoryError',
      message: /thesis|other files/,
    });
    assert.deepEqual(await readdir(dir.path), ['thesis.doc']);
  });

  test('a path below a file, a file, and a loop of links: the directory, the cause and the setting are named', async () => {
    await using dir = await temporary();
    const file = join(dir.path, 'file');
    const loop = join(dir.path, 'loop');
    await writeFile(file, '');
    await symlink(loop, loop);
    for (const [path, cause] of [
      [`${file}/data`, `a part of the path is not a directory (ENOTDIR at ${file}/data)`],
      [file, `it is not a directory (EEXIST at ${file})`],
      [loop, `its symbolic links form a loop (ELOOP at ${loop})`],
      [`${dir.path}/${'x'.repeat(300)}`, `the path is too long (ENAMETOOLONG at `],
    ] as const) {
      await assert.rejects(lockDataDirectory(path), (error: Error) => {
        assert.equal(error.name, 'DataDirectoryError');
        assert.ok(error.message.startsWith(`the data directory ${path} cannot be used: ${cause}`));
        assert.match(error.message, /\. Set \{settings\.dataDir\} to a directory on a local disk/);
        return true;
      });
    }
  });

  test('a path in /proc is refused at once', { skip: !onLinux && 'only on Linux' }, async () => {
    for (const path of ['/proc/brigade', '/proc/brigade/deep/data']) {
      await assert.rejects(lockDataDirectory(path), {
        name: 'DataDirectoryError',
        message:
          /cannot be used: it does not exist and cannot be created \(ENOENT at \/proc\/brigade\)/,
      });
    }
  });

  test('a read-only file system is named as such', async (context) => {
    using disk = mountDisk('ro');
    if (disk === undefined) return context.skip(NO_DISK);
    for (const below of ['data', 'deep/data']) {
      await assert.rejects(lockDataDirectory(join(disk.path, below)), {
        name: 'DataDirectoryError',
        message: /the file system is read-only \(EROFS at /,
      });
    }
  });

  test('a full disk is named as such, with the remedy', async (context) => {
    using disk = mountDisk('size=64k');
    if (disk === undefined) return context.skip(NO_DISK);
    await lockAndFree(join(disk.path, 'data'), lockBySocket);
    await assert.rejects(writeFile(join(disk.path, 'filler'), Buffer.alloc(100_000)), /ENOSPC/);
    await assert.rejects(lockDataDirectory(join(disk.path, 'data')), {
      name: 'DataDirectoryError',
      message:
        /no space is left on the disk \(ENOSPC.*\)\. Free some space, or set \{settings\.dataDir\}/,
    });
  });

  test('a directory that this user may not write to is named, with the user', async () => {
    await using dir = await temporary();
    await lockAndFree(dir.path, lockByFile);
    await chmod(dir.path, 0o555);
    const program = `
      import { lockDataDirectory } from ${JSON.stringify(new URL('data-directory.ts', import.meta.url))};
      if (process.geteuid() === 0) process.seteuid(65534);
      const refused = async (path) => {
        const error = await lockDataDirectory(path).then(() => 'no error', ({ message }) => message);
        console.log(error.replace(String(process.geteuid()), 'OURS'));
      };
      await refused(${JSON.stringify(dir.path)});
      await refused(${JSON.stringify(join(dir.path, 'below'))});`;
    const args = ['--input-type=module-typescript', '--eval', program];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed = (await child.stdout.toArray()).join('');
    const refusals = printed.trim().split('\n');
    assert.equal(refusals.length, 2, printed);
    for (const refusal of refusals) {
      assert.match(
        refusal,
        /permission denied for the user with ID OURS \(EACCES at .*\)\. Set \{settings/,
      );
    }
  });

  test('knows network file systems, however the number is signed', () => {
    assert.equal(sharedFileSystem(0x6969), 'NFS');
    assert.equal(sharedFileSystem(0xff534d42 | 0), 'CIFS');
    assert.equal(sharedFileSystem(0xef53), undefined);
  });

  for (const [name, lockBy] of [
    ['a socket', lockBySocket],
    ['a file', lockByFile],
  ] as const) {
    const skip = name === 'a socket' && process.platform !== 'linux' ? 'only on Linux' : false;

    test(`by ${name}: a second process gets an error that names the holder`, { skip }, async () => {
      await using dir = await temporary();
      await using held = await lockDataDirectory(dir.path, lockBy);
      assert.equal(held.path, dir.path);
      const other = `${dir.path}-alias`;
      await symlink(dir.path, other);
      for (const path of [dir.path, other]) {
        await assert.rejects(lockDataDirectory(path, lockBy), (error: Error) => {
          assert.ok(error.message.includes(`${dir.path} is in use by process ${process.pid}`));
          return error instanceof DataDirectoryError;
        });
      }
      await rm(other);
    });

    test(`by ${name}: it is free again after its end`, { skip }, async () => {
      await using dir = await temporary();
      for (let round = 0; round < 3; round++) {
        await lockAndFree(dir.path, lockBy);
      }
    });

    test(`by ${name}: it is free again after kill -9`, { skip }, async () => {
      await using dir = await temporary();
      const program = `
        import { lockDataDirectory } from ${JSON.stringify(new URL('data-directory.ts', import.meta.url))};
        import * as locks from ${JSON.stringify(new URL('data-directory-lock.ts', import.meta.url))};
        await lockDataDirectory(${JSON.stringify(dir.path)}, locks.${lockBy.name});
        console.log('held');
        setInterval(() => undefined, 1000);`;
      const args = ['--input-type=module-typescript', '--eval', program];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await assert.rejects(
        lockDataDirectory(dir.path, lockBy),
        new RegExp(`in use by process ${child.pid ?? ''}:`),
      );
      child.kill('SIGKILL');
      await once(child, 'exit');
      await lockAndFree(dir.path, lockBy);
    });
  }
});
