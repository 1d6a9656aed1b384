import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Hands, type HandsOptions } from './hands.ts';
import type { Claim } from './work.ts';

let claims = 0;

function claimOf(taskId: string, lane = 0): Claim {
  claims += 1;
  return {
    key: `k${claims}`,
    taskId,
    revision: 1,
    generation: '1',
    claimId: String(claims),
    attempt: 1,
    lane,
    acceptedAt: 0,
    copiedEtag: undefined,
    targetDoubtful: false,
    unsettled: false,
    ...{ targetEtag: undefined, targetVersion: undefined, targetWrittenAt: undefined },
    uploading: false,
    restoringSince: undefined,
    lease: { signal: new AbortController().signal, held: () => true },
  };
}

function handsOf(options: HandsOptions, waiting: Readonly<Record<string, number>>): Hands {
  const hands = new Hands(options);
  for (const [taskId, count] of Object.entries(waiting)) {
    for (let added = 0; added < count; added++) hands.add(claimOf(taskId));
  }
  return hands;
}

/** Gives all hands that it may. @returns The tasks that got them, in order. */
function give(hands: Hands): Claim[] {
  const given: Claim[] = [];
  for (let claim = hands.next(); claim !== undefined; claim = hands.next()) given.push(claim);
  return given;
}

function tasksOf(given: readonly Claim[]): string {
  return given.map(({ taskId }) => taskId).join('');
}

describe('hands', () => {
  test('a task that is alone has its concurrency of them', () => {
    for (const [concurrency, taskConcurrency, got] of [
      [48, 32, 32],
      [3, 2, 2],
      [4, 4, 4],
      [4, 9, 4],
      [1, 1, 1],
      [48, 1, 1],
    ] as const) {
      assert.equal(give(handsOf({ concurrency, taskConcurrency }, { a: 99 })).length, got);
    }
  });

  test('go to the task with the fewest, in turns', () => {
    const hands = handsOf({ concurrency: 6, taskConcurrency: 6 }, { a: 9, b: 9, c: 1 });
    const given = give(hands);
    assert.equal(tasksOf(given), 'abcaba');
    for (const claim of given.slice(0, 2)) hands.free(claim);
    assert.equal(tasksOf(give(hands)), 'ba');
  });

  test('of one that ends go round: who has just been served waits for the others', () => {
    const hands = handsOf({ concurrency: 1, taskConcurrency: 1 }, { a: 3, b: 3, c: 3 });
    let order = '';
    for (let claim = hands.next(); claim !== undefined; claim = hands.next()) {
      order += claim.taskId;
      hands.free(claim);
    }
    assert.equal(order, 'abcabcabc');
  });

  test('are left to whoever comes after tasks that hang', () => {
    const hands = handsOf({ concurrency: 48, taskConcurrency: 32 }, { a: 99 });
    const counts = ['a', 'b', 'c', 'd'].map((taskId) => {
      for (let added = 0; added < 99; added++) hands.add(claimOf(taskId));
      return give(hands).length;
    });
    assert.deepEqual(counts, [32, 10, 4, 1]);
    assert.equal(hands.busy, 47);
  });

  test('of a task that has too many are not filled again', () => {
    const hands = handsOf({ concurrency: 48, taskConcurrency: 32 }, { a: 99 });
    const hanging = give(hands);
    for (let added = 0; added < 99; added++) hands.add(claimOf('b'));
    give(hands);
    for (const claim of hanging) {
      hands.free(claim);
      give(hands);
    }
    assert.ok(Math.abs(hands.limitOf('a') - hands.limitOf('b')) <= 1);
  });

  test('go to the lower lane of a task first, whenever it came; the others are taken back first', () => {
    const hands = handsOf({ concurrency: 2, taskConcurrency: 2 }, {});
    for (const lane of [1, 0, 1, 0, 1]) hands.add(claimOf('a', lane));
    assert.deepEqual(
      give(hands).map(({ lane }) => lane),
      [0, 0],
    );
    hands.add(claimOf('a', 0));
    assert.deepEqual(
      hands.takeBack('a', 1).map(({ lane }) => lane),
      [1, 1, 1],
    );
  });

  test('what waits is taken back, but for what waited longest', () => {
    const hands = handsOf({ concurrency: 1, taskConcurrency: 1 }, { a: 4 });
    assert.equal(hands.takeBack('a', 3).length, 1);
    assert.deepEqual(hands.waiting, ['a']);
    assert.equal(hands.takeBack('a').length, 3);
    assert.deepEqual(hands.waiting, []);
    assert.equal(hands.next(), undefined);
  });
});
