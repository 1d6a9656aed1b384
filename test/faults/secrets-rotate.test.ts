import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { Sealer, Secret } from '../../src/platform/base/seal.ts';
import { insertAccessKey } from '../../src/domain/access/access-keys-table.ts';
import type { Db } from '../../src/platform/postgres/db.ts';
import { sealedByOthers } from '../../src/domain/maintenance/sealing-key-table.ts';
import { insertTask, taskToWork } from '../../src/domain/tasks/tasks-table.ts';
import { insertProject } from '../../src/domain/access/tokens-table.ts';
import { insertUser } from '../../src/domain/access/users-table.ts';
import { openCredentials, sealCredentials } from '../../src/domain/tasks/credentials.ts';
import { openAccessKey, sealAccessKey } from '../../src/domain/access/sealed-access-key.ts';
import {
  checkSealingKey,
  resealAll,
  WrongSealingKey,
} from '../../src/domain/maintenance/sealing-key.ts';
import { testDatabase } from '../kit/postgres.ts';
import { plainPlan, projectId } from '../kit/queue-rows.ts';

const keys = { old: randomBytes(32), new: randomBytes(32) };
const old = new Sealer(keys.old);
const both = new Sealer(keys.new, [keys.old]);
const onlyNew = new Sealer(keys.new);

const pair = { accessKeyId: 'an-id', secretAccessKey: new Secret('a secret') };

/** Tasks and access keys, some of each, sealed by the old key. */
async function fill(db: Db, tasks: number, accessKeys: number): Promise<void> {
  await insertProject(db, projectId);
  await insertUser(db, { id: 'user', name: 'user', passwordHash: undefined });
  for (let index = 0; index < tasks; index++) {
    const id = randomUUID();
    const sealed = sealCredentials(old, id, { source: pair, target: pair });
    await insertTask(db, { ...plainPlan, id, projectId }, sealed, { tasksMax: 1000 });
  }
  for (let index = 0; index < accessKeys; index++) {
    const id = `key-${index}`;
    const sealed = sealAccessKey(old, id, new Secret(`secret of ${id}`));
    await insertAccessKey(db, { id, userId: 'user', ...sealed });
  }
}

/** Opens all that is sealed. @returns How much that was. */
async function openAll(db: Db, sealer: Sealer): Promise<number> {
  const all = await sealedByOthers(db, [], 10_000);
  for (const { kind, id, sealed } of all) {
    if (kind === 'access key') {
      assert.equal(openAccessKey(sealer, id, sealed).reveal(), `secret of ${id}`);
      continue;
    }
    const found = await taskToWork(db, id);
    assert.ok(found !== undefined);
    const { source } = openCredentials(sealer, id, found.credentials);
    assert.equal(source.secretAccessKey.reveal(), 'a secret');
  }
  return all.length;
}

describe('resealAll', () => {
  test('leaves nothing that the old key opens, and starts are judged by that', async () => {
    await using database = await testDatabase();
    await checkSealingKey({ database, sealer: old, alone: false });
    await fill(database, 3, 120);
    // Before, a process needs the old key; which of the two it seals by is its own affair.
    await assert.rejects(
      checkSealingKey({ database, sealer: onlyNew, alone: false }),
      WrongSealingKey,
    );
    await checkSealingKey({ database, sealer: both, alone: false });
    await checkSealingKey({ database, sealer: new Sealer(keys.old, [keys.new]), alone: false });

    assert.deepEqual(await resealAll({ database, sealer: both }), { task: 3, 'access key': 120 });

    assert.equal(await openAll(database, onlyNew), 123);
    await checkSealingKey({ database, sealer: onlyNew, alone: false });
    await assert.rejects(checkSealingKey({ database, sealer: old, alone: false }), WrongSealingKey);
    assert.deepEqual(await resealAll({ database, sealer: both }), { task: 0, 'access key': 0 });
  });

  test('may end at any of its statements: every secret can be opened then, and the next rotation continues', async () => {
    await using database = await testDatabase();
    await checkSealingKey({ database, sealer: old, alone: false });
    await fill(database, 2, 4);
    const query = database.query.bind(database);
    for (let last = 0; ; last++) {
      let asked = 0;
      database.query = async (...statement: Parameters<typeof query>) => {
        if (asked++ === last) throw new Error('killed');
        return query(...statement);
      };
      const ended = await resealAll({ database, sealer: both }).catch((error: unknown) => error);
      database.query = query;
      assert.equal(await openAll(database, both), 6);
      await checkSealingKey({ database, sealer: both, alone: false });
      if (!(ended instanceof Error)) break;
    }
    assert.equal(await openAll(database, onlyNew), 6);
    await checkSealingKey({ database, sealer: onlyNew, alone: false });
  });

  test('does not undo what a start seals meanwhile', async () => {
    await using database = await testDatabase();
    await fill(database, 1, 0);
    const [task] = await sealedByOthers(database, [], 1);
    assert.ok(task !== undefined);
    const query = database.query.bind(database);
    const fresh = { ...pair, secretAccessKey: new Secret('newer') };
    let meanwhile = true;
    database.query = async (...statement: Parameters<typeof query>) => {
      if (meanwhile && JSON.stringify(statement[0]).includes('update sync_tasks')) {
        meanwhile = false;
        const { sealed, keyId } = sealCredentials(old, task.id, { source: fresh, target: fresh });
        await query('update sync_tasks set sealed_credentials = $1, sealing_key_id = $2', [
          sealed,
          keyId,
        ]);
      }
      return query(...statement);
    };
    await resealAll({ database, sealer: both });
    const found = await taskToWork(database, task.id);
    assert.ok(found !== undefined);
    const { target } = openCredentials(onlyNew, task.id, found.credentials);
    assert.equal(target.secretAccessKey.reveal(), 'newer');
  });

  test('names what opens with no key, and leaves it as it is', async () => {
    await using database = await testDatabase();
    await fill(database, 0, 1);
    const lost = sealAccessKey(new Sealer(randomBytes(32)), 'lost', new Secret('x'));
    await insertAccessKey(database, { id: 'lost', userId: 'user', ...lost });
    await assert.rejects(resealAll({ database, sealer: both }), /access key lost opens with none/);
    const before = await sealedByOthers(database, [onlyNew.keyId], 9);
    assert.deepEqual(
      before.map(({ id }) => id),
      ['lost'],
    );
  });
});
