import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimedChange } from '../../../test/kit/claimed-change.ts';
import { Slots, type SlotsOptions } from './slots.ts';
import type { Claim } from './work.ts';

let claims = 0;

function claimOf(taskId: string, lane = 0): Claim {
  claims += 1;
  return {
    ...claimedChange({ key: `k${claims}`, claimId: String(claims), lane }),
    taskId,
    lease: { signal: new AbortController().signal, held: () => true },
  };
}

function slotsOf(options: SlotsOptions, waiting: Readonly<Record<string, number>>): Slots {
  const slots = new Slots(options);
  for (const [taskId, count] of Object.entries(waiting)) {
    for (let added = 0; added < count; added++) slots.add(claimOf(taskId));
  }
  return slots;
}

/** Takes every slot that is free. @returns The claims that got them, in order. */
function give(slots: Slots): Claim[] {
  const given: Claim[] = [];
  for (let claim = slots.next(); claim !== undefined; claim = slots.next()) given.push(claim);
  return given;
}

function tasksOf(given: readonly Claim[]): string {
  return given.map(({ taskId }) => taskId).join('');
}

describe('slots', () => {
  test('a task that is alone has its concurrency of them', () => {
    for (const [concurrency, taskConcurrency, got] of [
      [48, 32, 32],
      [3, 2, 2],
      [4, 4, 4],
      [4, 9, 4],
      [1, 1, 1],
      [48, 1, 1],
    ] as const) {
      assert.equal(give(slotsOf({ concurrency, taskConcurrency }, { a: 99 })).length, got);
    }
  });

  test('go to the task with the fewest, in turns', () => {
    const slots = slotsOf({ concurrency: 6, taskConcurrency: 6 }, { a: 9, b: 9, c: 1 });
    const given = give(slots);
    assert.equal(tasksOf(given), 'abcaba');
    for (const claim of given.slice(0, 2)) slots.free(claim);
    assert.equal(tasksOf(give(slots)), 'ba');
  });

  test('of one that ends go round: who has just been served waits for the others', () => {
    const slots = slotsOf({ concurrency: 1, taskConcurrency: 1 }, { a: 3, b: 3, c: 3 });
    let order = '';
    for (let claim = slots.next(); claim !== undefined; claim = slots.next()) {
      order += claim.taskId;
      slots.free(claim);
    }
    assert.equal(order, 'abcabcabc');
  });

  test('are left for tasks that come after tasks that hang', () => {
    const slots = slotsOf({ concurrency: 48, taskConcurrency: 32 }, { a: 99 });
    const counts = ['a', 'b', 'c', 'd'].map((taskId) => {
      for (let added = 0; added < 99; added++) slots.add(claimOf(taskId));
      return give(slots).length;
    });
    assert.deepEqual(counts, [32, 10, 4, 1]);
    assert.equal(slots.busy, 47);
  });

  test('of a task that has too many are not filled again', () => {
    const slots = slotsOf({ concurrency: 48, taskConcurrency: 32 }, { a: 99 });
    const hanging = give(slots);
    for (let added = 0; added < 99; added++) slots.add(claimOf('b'));
    give(slots);
    for (const claim of hanging) {
      slots.free(claim);
      give(slots);
    }
    assert.ok(Math.abs(slots.limitOf('a') - slots.limitOf('b')) <= 1);
  });

  test('go to events first, whenever they came; scanned keys are taken back first', () => {
    const slots = slotsOf({ concurrency: 2, taskConcurrency: 2 }, {});
    for (const lane of [1, 0, 1, 0, 1]) slots.add(claimOf('a', lane));
    assert.deepEqual(
      give(slots).map(({ lane }) => lane),
      [0, 0],
    );
    slots.add(claimOf('a', 0));
    assert.deepEqual(
      slots.takeBack('a', 1).map(({ lane }) => lane),
      [1, 1, 1],
    );
    assert.deepEqual(
      slots.takeBack('a').map(({ lane }) => lane),
      [0],
    );
  });

  for (const concurrency of [1, 2, 8, 32]) {
    test(`${concurrency}: of eight grants one is for a scan, however many events wait`, () => {
      const slots = slotsOf({ concurrency, taskConcurrency: concurrency }, {});
      const given: number[] = [];
      for (let round = 0; round < 800; round++) {
        for (const lane of [0, 0, 1]) slots.add(claimOf('a', lane));
        const claim = slots.next();
        assert.ok(claim !== undefined);
        given.push(claim.lane);
        slots.free(claim);
      }
      assert.equal(given.filter((lane) => lane === 1).length, 100);
      assert.equal(given.indexOf(1), 7);
    });
  }

  test('that slow scanned keys hold are one in eight while events wait', () => {
    const slots = slotsOf({ concurrency: 32, taskConcurrency: 32 }, {});
    const scanned: Claim[] = [];
    for (let round = 0; round < 1_000; round++) {
      for (const lane of [0, 0, 1]) slots.add(claimOf('a', lane));
      const claim = slots.next();
      assert.ok(claim !== undefined, 'an event always gets a slot');
      if (claim.lane === 0) slots.free(claim);
      else scanned.push(claim);
    }
    assert.equal(scanned.length, 4);
  });

  test('are left for events by scanned keys, however slow these are, unless there is only one', () => {
    for (const [concurrency, got] of [
      [1, 1],
      [2, 1],
      [8, 7],
      [32, 28],
    ] as const) {
      const slots = slotsOf({ concurrency, taskConcurrency: concurrency }, {});
      for (let added = 0; added < 99; added++) slots.add(claimOf('a', 1));
      assert.equal(give(slots).length, got);
      for (let added = 0; added < 99; added++) slots.add(claimOf('a', 0));
      assert.equal(give(slots).length, concurrency - got);
    }
  });

  test('that scanned keys of one task may not have go to other tasks', () => {
    const slots = slotsOf({ concurrency: 9, taskConcurrency: 9 }, {});
    for (let added = 0; added < 99; added++) slots.add(claimOf('a', 1));
    assert.equal(give(slots).length, 8);
    for (let added = 0; added < 99; added++) slots.add(claimOf('b', 0));
    assert.equal(tasksOf(give(slots)), 'b');
  });

  test('a claim brings as many scanned keys as have slots, and room is left for events', () => {
    const slots = slotsOf({ concurrency: 32, taskConcurrency: 32 }, {});
    assert.deepEqual(slots.scannedOf('a', { limit: 64, held: 0, most: 64 }), {
      least: 8,
      most: 60,
    });
    assert.deepEqual(slots.scannedOf('a', { limit: 64, held: 5, most: 64 }), {
      least: 3,
      most: 55,
    });
    assert.deepEqual(slots.scannedOf('a', { limit: 7, held: 0, most: 64 }), { least: 0, most: 60 });
    assert.deepEqual(slots.scannedOf('a', { limit: 4, held: 60, most: 64 }), { least: 0, most: 0 });
  });

  test('a claim for one slot brings a scanned key once seven events have had it', () => {
    const slots = slotsOf({ concurrency: 1, taskConcurrency: 1 }, { a: 7 });
    const one = { limit: 1, held: 0, most: 1 };
    for (let event = 0; event < 7; event++) {
      assert.deepEqual(slots.scannedOf('a', one), { least: 0, most: 1 });
      for (const claim of give(slots)) slots.free(claim);
    }
    assert.deepEqual(slots.scannedOf('a', one), { least: 1, most: 1 });
  });

  test('what waits is taken back, but for what waited longest', () => {
    const slots = slotsOf({ concurrency: 1, taskConcurrency: 1 }, { a: 4 });
    assert.equal(slots.takeBack('a', 3).length, 1);
    assert.deepEqual(slots.waiting, ['a']);
    assert.equal(slots.takeBack('a').length, 3);
    assert.deepEqual(slots.waiting, []);
    assert.equal(slots.next(), undefined);
  });
});
