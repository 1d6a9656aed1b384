import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sizes, startWorld, type World } from '../kit/world.ts';

describe('a task with enable_kms', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { checkBuckets: true } });
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [name, size] of Object.entries(sizes)) {
    test(`has a ${name} object encrypted by the key service of the target`, async () => {
      world.from.put(name, randomBytes(size));
      const taskId = await world.createTask({ enable_kms: true });
      await world.sync(taskId, [name]);
      assert.equal((await world.outcome(taskId, name)).outcome, 'copied');
      assert.equal(world.to.object(name)?.encryption?.algorithm, 'aws:kms');
      assert.equal((await world.client.show(taskId)).enable_kms, true);
    });
  }

  test('copies anew what is there and is not encrypted so', async () => {
    const bytes = randomBytes(1000);
    world.from.put('plain', bytes);
    const first = await world.createTask();
    await world.sync(first, ['plain']);
    assert.equal(world.to.object('plain')?.encryption, undefined);
    const second = await world.createTask({ enable_kms: true });
    await world.sync(second, ['plain']);
    assert.equal((await world.outcome(second, 'plain')).outcome, 'copied');
    assert.equal(world.to.object('plain')?.encryption?.algorithm, 'aws:kms');
    await world.sync(second, ['plain']);
    assert.equal((await world.outcome(second, 'plain')).outcome, 'skipped');
  });

  test('is refused where the key service of the target refuses it', async () => {
    const match = { operation: 'CreateMultipartUpload' } as const;
    world.target.faults.add({ kind: 'status', status: 501, code: 'NotImplemented', match, nth: 2 });
    await assert.rejects(world.createTask({ enable_kms: true }), (error: Error) => {
      assert.match(
        error.message,
        /400 OMS\.1020 .*key service encrypts \(enable_kms\).*501 NotImplemented/s,
      );
      return true;
    });
    world.target.faults.clear();
  });
});
