import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../src/platform/base/log.ts';
import { startEmbedded } from '../../src/platform/postgres/embedded.ts';
import { type Child, startChild } from '../kit/child-process.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { taskBetween } from '../kit/service.ts';
import { startServiceProcess } from '../kit/service-process.ts';

const keys = { old: randomBytes(32), new: randomBytes(32) };

function rotate(environment: Readonly<Record<string, string>>): Child {
  const main = new URL('../../src/surface/cli/brigade.js', import.meta.url);
  return startChild(main, ['secrets', 'rotate'], environment);
}

describe('brigade secrets rotate', () => {
  test('a database of our own: while processes work, one after the other', async () => {
    await using server = await startS3Server({ buckets: ['source', 'target'] });
    await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-rotate-'));
    await using postgres = await startEmbedded({ dataDir: dir.path, log: silentLog });
    const environment = (key: Buffer, more?: Buffer) => ({
      BRIGADE_DATABASE_URL: postgres.url.reveal(),
      BRIGADE_SECRET_KEY: key.toString('hex'),
      ...(more !== undefined && { BRIGADE_OLD_SECRET_KEYS: more.toString('base64') }),
    });
    const start = (name: string, key: Buffer, more?: Buffer) =>
      startServiceProcess(join(dir.path, name), environment(key, more));
    server.bucket('source').put('key', 'bytes');
    await using behind = await start('behind', keys.old, keys.new);
    const taskId = await behind.client.createTask(taskBetween(server, server));
    await using ahead = await start('ahead', keys.new, keys.old);

    await using alone = rotate(environment(keys.new));
    assert.equal(await alone.stopped(), 1);
    assert.match(alone.errors(), /set BRIGADE_SECRET_KEY to the new key/);
    await using wrong = rotate(environment(keys.new, randomBytes(32)));
    assert.equal(await wrong.stopped(), 1);
    assert.match(wrong.errors(), /sealed by another key/);

    await using right = rotate(environment(keys.new, keys.old));
    assert.equal(await right.stopped(), 0, right.errors());
    assert.match(right.output(), /credentials of 1 tasks, secrets of 0 access keys/);
    for (const [index, service] of [ahead, behind].entries()) {
      await service.client.sendEvents(taskId, ['key']);
      await service.client.settled(taskId, index + 1);
      await service.child.stop();
    }
    await using after = await start('after', keys.new);
    await after.client.stop(taskId);
  });

  test('a private database: killed at any moment, nothing is lost and the rotation continues', async () => {
    await using server = await startS3Server({ buckets: ['source', 'target'] });
    await using dir = await mkdtempDisposable(join(tmpdir(), 'brigade-rotate-'));
    const environment = { BRIGADE_DATA_DIR: dir.path };
    const keyFile = join(dir.path, 'secret.key');
    let taskId = '';
    let copies = 0;

    /** The service starts, and copies by what it finds sealed. */
    async function works(): Promise<void> {
      await using service = await startServiceProcess(dir.path);
      if (taskId === '') taskId = await service.client.createTask(taskBetween(server, server));
      const key = `copy-${copies++}`;
      server.bucket('source').put(key, key);
      await service.client.sendEvents(taskId, [key]);
      await service.client.settled(taskId, copies);
      assert.equal(String(server.bucket('target').bytes(key)), key);
      // It holds the data directory.
      await using held = rotate(environment);
      assert.equal(await held.stopped(), 1);
      assert.match(held.errors(), /is in use by process \d+: stop it/);
    }

    await works();
    const first = await readFile(keyFile, 'utf8');
    for (const delayMs of [0, 3, 15]) {
      await using doomed = rotate(environment);
      const ended = doomed.stopped();
      while ((await readFile(keyFile, 'utf8')).split('\n').length !== 3) await sleep(1);
      await sleep(delayMs);
      await doomed.kill();
      await ended;
      await works();
    }
    await using last = rotate(environment);
    assert.equal(await last.stopped(), 0, last.errors());
    assert.match(
      last.output(),
      /Continuing an interrupted key rotation[^]*Encrypted with the new key[^]*has a new key/,
    );
    const second = await readFile(keyFile, 'utf8');
    assert.match(second, /^[0-9a-f]{64}\n$/);
    assert.notEqual(second, first);
    assert.doesNotMatch(last.output() + last.errors(), new RegExp(second.trim()));
    await works();
    await using outdated = startChild(
      new URL('../../src/surface/cli/brigade.js', import.meta.url),
      ['serve'],
      {
        ...environment,
        BRIGADE_PORT: '0',
        BRIGADE_SECRET_KEY: first.trim(),
      },
    );
    assert.equal(await outdated.stopped(), 1);
    assert.match(outdated.errors(), /sealed by another key/);
  });
});
