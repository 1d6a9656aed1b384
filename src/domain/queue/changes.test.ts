import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  expireLeases,
  first,
  projectId,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { acceptChanges, backlog, dueTasks, renewLeases, untilNextDue } from './changes.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { countersOfMonth } from './statistics.ts';
import { hideTask, startTask, stopTask } from '../tasks/tasks-table.ts';
import { insertUpload } from '../copy/uploads.ts';

async function waiting(db: Db): Promise<{ key: string; attempt: number }[]> {
  const { rows } = await db.query<{ key: string; attempt: number }>(
    `select object_key as key, attempt from changes order by object_key`,
  );
  return rows;
}

async function requests(db: Db, taskId: string): Promise<number> {
  const { REQUEST } = await countersOfMonth(db, taskId, { atMs: Date.now(), timeZone: 'UTC' });
  return REQUEST;
}

describe('acceptChanges', () => {
  test('many events for a key that waits are one piece of work; every name is counted', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['b', 'a'], { accepted: 3 });
    await addKeys(db, task, ['a', 'c']);
    assert.deepEqual(
      (await waiting(db)).map(({ key }) => key),
      ['a', 'b', 'c'],
    );
    assert.equal(await requests(db, task), 5);
  });

  test('names of every kind of character come back as they went in', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    const keys = ['a"b', 'a\\b', "o'clock", '中文/键', '🙈', ' ', '\n', '\u0001', '%s$1', '{}'];
    await addKeys(db, task, keys);
    const claimed = await claim(db, task);
    assert.deepEqual(new Set(claimed.map(({ key }) => key)), new Set(keys));
  });

  test('accepts the keys of several tasks, and returns which tasks took theirs', async () => {
    await using db = await testDatabase();
    const [running, stopped, hidden] = [await addTask(db), await addTask(db), await addTask(db)];
    await stopTask(db, stopped);
    await stopTask(db, hidden);
    await hideTask(db, hidden);
    const named = [running, stopped, hidden].map((taskId) => ({ taskId, projectId }));
    const others = { taskId: running, projectId: 'another' };
    const taken = await acceptChanges(db, {
      named: [...named, others].map((one) => ({ ...one, keys: [one.projectId], accepted: 1 })),
      writer: 1,
    });
    assert.deepEqual(taken, new Map([[running, projectId]]));
    assert.deepEqual(await waiting(db), [{ key: projectId, attempt: 0 }]);
    assert.equal(await requests(db, stopped), 0);
  });

  test('an event changes neither a live claim nor its attempts', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    const held = first(await claim(db, task));
    await addKeys(db, task, ['k']);
    assert.deepEqual(await claim(db, task), []);
    assert.deepEqual(await waiting(db), [{ key: 'k', attempt: 1 }]);
    assert.deepEqual(await settle(db, task, [settlement(held)]), { held: 1, late: 0 });
  });

  test('an event resets the back-off and the attempts of a key that waits', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    const held = first(await claim(db, task));
    await settle(db, task, [settlement(held, { done: false, delayMs: 60_000 })]);
    assert.deepEqual(await claim(db, task), []);
    await addKeys(db, task, ['k']);
    assert.equal(first(await claim(db, task)).attempt, 1);
  });

  test('the lag counts from the oldest event that is not settled', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    await db.query(`update changes set accepted_at = now() - interval '1 hour'`);
    await addKeys(db, task, ['k']);
    const found = (await backlog(db)).find(({ running }) => running);
    assert.equal(found?.waiting, 1);
    assert.ok(found.lagSeconds >= 3600);
  });

  test('where no task runs, or none is stopped, the backlog is zero and not missing', async () => {
    await using db = await testDatabase();
    const none = [
      { running: false, waiting: 0, lagSeconds: 0, rechecks: 0 },
      { running: true, waiting: 0, lagSeconds: 0, rechecks: 0 },
    ];
    const sorted = async () =>
      (await backlog(db)).sort((a, b) => Number(a.running) - Number(b.running));
    assert.deepEqual(await sorted(), none);
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    await stopTask(db, task);
    assert.deepEqual(
      (await sorted()).map(({ waiting }) => waiting),
      [1, 0],
    );
    await hideTask(db, task);
    assert.deepEqual(await sorted(), none);
  });

  test('a stop that commits first keeps the keys out', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    let taking: Promise<boolean> | undefined;
    await db.transaction(async (other) => {
      await stopTask(other, task);
      taking = addKeys(db, task, ['k']);
      await settledOrBlocked(db, taking);
    });
    assert.equal(await taking, false);
    assert.deepEqual(await waiting(db), []);
  });

  test('concurrent events for the same keys in any order do not deadlock with settlements', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    for (let round = 0; round < 10; round++) {
      await addKeys(db, task, keys);
      const held = await claim(db, task);
      assert.equal(held.length, keys.length);
      await Promise.all([
        addKeys(db, task, keys),
        settle(
          db,
          task,
          held.map((one) => settlement(one)),
        ),
        addKeys(db, task, keys.toReversed()),
      ]);
      await expireLeases(db);
    }
    assert.equal(await requests(db, task), 10 * 3 * keys.length);
  });

  test('notifies listeners', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    let hear = (): void => undefined;
    const heard = new Promise<void>((resolve) => (hear = resolve));
    const listening = await db.listen('changes', () => hear());
    await addKeys(db, task, ['k']);
    await heard;
    await listening[Symbol.asyncDispose]();
  });
});

/** Waits until a statement in this database waits for a lock, or `work` has ended. */
async function settledOrBlocked(db: Db, work: Promise<unknown>): Promise<void> {
  const over = work.then(
    () => true,
    () => true,
  );
  for (;;) {
    const { rows } = await db.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    if (rows.length > 0 || (await Promise.race([over, Promise.resolve(false)]))) return;
  }
}

describe('claimChanges', () => {
  test('takes those that have waited longest, up to the limit', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    for (const key of ['old', 'older', 'new']) await addKeys(db, task, [key]);
    await db.query(`update changes set due_at = now() - interval '1 min' where object_key = 'old'`);
    await db.query(`update changes set due_at = now() - interval '1 h' where object_key = 'older'`);
    const claimed = await claim(db, task, { limit: 2 });
    assert.deepEqual(
      claimed.map(({ key }) => key),
      ['old', 'older'],
    );
  });

  test('never gives one change to two claimers, and leaves none out', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(
      db,
      task,
      Array.from({ length: 300 }, (_, index) => `k${index}`),
    );
    const batches = await Promise.all(
      Array.from({ length: 8 }, () => claim(db, task, { limit: 50 })),
    );
    const keys = batches.flat().map(({ key }) => key);
    const rest = await claim(db, task, { limit: 300 });
    assert.equal(new Set([...keys, ...rest.map(({ key }) => key)]).size, 300);
    assert.equal(keys.length + rest.length, 300);
  });

  test('a change whose lease ran out is claimed again, as another attempt', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    const before = first(await claim(db, task));
    assert.deepEqual(await claim(db, task), []);
    await expireLeases(db);
    const after = first(await claim(db, task));
    assert.deepEqual([before.attempt, after.attempt], [1, 2]);
    assert.ok(BigInt(after.claimId) > BigInt(before.claimId));
    assert.equal(after.generation, before.generation);
  });

  test('takes nothing of a task that does not run, and returns the revision it works for', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['a', 'b']);
    assert.equal(first(await claim(db, task, { limit: 1 })).revision, 1);
    await stopTask(db, task);
    assert.deepEqual(await claim(db, task), []);
    await startTask(db, task, undefined);
    assert.equal(first(await claim(db, task)).revision, 2);
    await expireLeases(db);
    await stopTask(db, task);
    await hideTask(db, task);
    assert.deepEqual(await claim(db, task), []);
  });

  test('returns what is known of the key: its event, its last copy, its upload', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['a', 'b']);
    const before = Date.now();
    const plain = await claim(db, task);
    for (const { copiedEtag, uploading, acceptedAt } of plain) {
      assert.deepEqual([copiedEtag, uploading], [undefined, false]);
      assert.ok(Math.abs(acceptedAt - before) < 60_000);
    }
    await settle(
      db,
      task,
      plain.map((one) => settlement(one, { sourceEtag: `"${one.key}"` })),
    );
    const upload = { sourceEtag: '', size: 1, partSize: 1, optionsHash: 'h' };
    await insertUpload(db, { taskId: task, key: 'b' }, upload);
    await addKeys(db, task, ['a', 'b']);
    assert.deepEqual(
      (await claim(db, task)).map(({ copiedEtag, uploading }) => [copiedEtag, uploading]),
      [
        ['"a"', false],
        ['"b"', true],
      ],
    );
  });
});

describe('lanes', () => {
  test('an event is claimed before all that a scan of its task found earlier', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await enqueue(db, task, 'scan', ['a', 'b', 'c']);
    await addKeys(db, task, ['d', 'b']);
    const keysOf = async (limit: number) =>
      (await claim(db, task, { limit })).map(({ key }) => key);
    assert.deepEqual(await keysOf(1), ['b']);
    assert.deepEqual(await keysOf(2), ['a', 'd']);
    assert.deepEqual(await keysOf(9), ['c']);
  });

  test('a scan gets its share of a claim before the events, and no more than its limit', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    const numbered = (name: string) => Array.from({ length: 20 }, (_, at) => `${name}${at}`);
    await enqueue(db, task, 'scan', numbered('s'));
    await addKeys(db, task, numbered('e'));
    const lanesOf = async (limit: number, scanned: { least: number; most: number }) => {
      const claimed = await claim(db, task, { limit, scanned });
      const count = claimed.filter(({ lane }) => lane === 1).length;
      return [claimed.length - count, count];
    };
    assert.deepEqual(await lanesOf(8, { least: 1, most: 7 }), [7, 1]);
    assert.deepEqual(await lanesOf(8, { least: 3, most: 2 }), [6, 2]);
    assert.deepEqual(await lanesOf(1, { least: 5, most: 5 }), [0, 1]);
    assert.deepEqual(await lanesOf(4, { least: 0, most: 4 }), [4, 0]);
    // Three events are left, and sixteen keys of the scan.
    assert.deepEqual(await lanesOf(10, { least: 2, most: 5 }), [3, 5]);
    assert.deepEqual(await lanesOf(10, { least: 0, most: 0 }), [0, 0]);
    assert.deepEqual(await lanesOf(20, { least: 2, most: 20 }), [0, 11]);
  });

  test('what a scan found alone makes its task due, now and later', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await enqueue(db, task, 'scan', ['k']);
    assert.deepEqual(await dueTasks(db), [task]);
    await db.query(`update changes set due_at = now() + interval '1 hour'`);
    assert.deepEqual(await dueTasks(db), []);
    const ms = (await untilNextDue(db)) ?? 0;
    assert.ok(ms > 3_000_000 && ms <= 3_600_000, String(ms));
  });
});

describe('dueTasks', () => {
  test('names running tasks that have something to claim', async () => {
    await using db = await testDatabase();
    const [busy, leased, later, stopped, idle] = [
      await addTask(db),
      await addTask(db),
      await addTask(db),
      await addTask(db),
      await addTask(db),
    ];
    for (const task of [busy, leased, later, stopped]) await addKeys(db, task, ['k']);
    await claim(db, leased);
    const held = first(await claim(db, later));
    await settle(db, later, [settlement(held, { done: false, delayMs: 60_000 })]);
    await stopTask(db, stopped);
    assert.deepEqual(await dueTasks(db), [busy]);
    await startTask(db, stopped, undefined);
    const due = await dueTasks(db);
    assert.deepEqual(new Set(due), new Set([busy, stopped]));
    assert.ok(!due.includes(idle));
  });
});

describe('untilNextDue', () => {
  test('returns when the next change of a running task is due, without leased ones', async () => {
    await using db = await testDatabase();
    const [task, stopped] = [await addTask(db), await addTask(db)];
    assert.equal(await untilNextDue(db), undefined);
    await addKeys(db, task, ['leased']);
    await claim(db, task);
    await addKeys(db, stopped, ['k']);
    await stopTask(db, stopped);
    assert.equal(await untilNextDue(db), undefined);
    await addKeys(db, task, ['k']);
    const held = first(await claim(db, task));
    await settle(db, task, [settlement(held, { done: false, delayMs: 3_600_000 })]);
    const ms = (await untilNextDue(db)) ?? 0;
    assert.ok(ms > 3_000_000 && ms <= 3_600_000, String(ms));
  });
});

describe('renewLeases', () => {
  test('renews the claims that are still held, and returns them', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['held', 'lost']);
    const before = await claim(db, task, { leaseMs: 1 });
    const [held, lost] = before;
    assert.ok(held !== undefined && lost !== undefined);
    await expireLeases(db, 'lost');
    await db.query(
      `update changes set lease_until = now() + interval '5 s' where object_key = 'held'`,
    );
    await claim(db, task);
    const renewed = await renewLeases(db, { taskId: task, claims: before, leaseMs: 3_600_000 });
    assert.deepEqual(renewed, new Set([held.claimId]));
    const { rows } = await db.query(
      `select object_key as key from changes where lease_until > now() + interval '50 min'`,
    );
    assert.deepEqual(rows, [{ key: 'held' }]);
  });

  test('does not wait for a row that another transaction has locked', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['a', 'b']);
    const claims = await claim(db, task);
    const renewed = await db.transaction(async (other) => {
      await other.query(`select from changes where object_key = 'a' for update`);
      return await renewLeases(db, { taskId: task, claims, leaseMs: 1_000 });
    });
    assert.deepEqual(
      renewed,
      new Set(claims.filter(({ key }) => key === 'b').map((one) => one.claimId)),
    );
  });
});
