import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  expireLeases,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import type { ClaimedChange } from './changes.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { listObjects } from './objects.ts';
import { dueRechecks, endRecheck } from './rechecks.ts';
import { countersOfMonth } from './statistics.ts';
import { clearTask, hideTask, stopTask } from '../tasks/tasks-table.ts';

const keys = ['a', 'b'] as const;
const outcomes = ['copied', 'skipped', 'failed'] as const;
type Outcome = (typeof outcomes)[number];

/** A claim as some worker remembers it. Whether it is still the live one, the model knows. */
interface Held {
  readonly change: ClaimedChange;
  /** The event or scan that had come last when it was claimed, by its number. */
  readonly sawEvent: number;
}

/** What is true of one key, in so many words. */
interface KeyModel {
  /** The number of the event or scan that named it last. */
  lastEvent: number;
  /** The one that a completed look is known to have seen. */
  seenEvent: number;
  /** Whether something is to be done: an event or a scan since the last look began, or a late write. */
  waiting: boolean;
  /** The best of those that it was enqueued in since it waits. */
  lane: 0 | 1;
  /** Named or overtaken since the live claim was made. */
  again: boolean;
  liveClaim: string | undefined;
  attempts: number;
  lastOutcome: Outcome | undefined;
  /** A claim ended without a settlement: rechecks are outstanding. */
  lost: boolean;
}

interface Model {
  readonly keys: Map<string, KeyModel>;
  /** What workers still mean to settle; a crash forgets them. */
  held: Held[];
  /** Events and scans so far. */
  events: number;
  accepted: number;
  settled: Record<Outcome, number>;
}

interface Real {
  readonly db: Database;
  readonly taskId: string;
}

function newModel(): Model {
  const fresh = () => ({
    lastEvent: 0,
    seenEvent: 0,
    waiting: false,
    lane: 0 as const,
    again: false,
    liveClaim: undefined,
    attempts: 0,
    lastOutcome: undefined,
    lost: false,
  });
  return {
    keys: new Map(keys.map((key) => [key, fresh()])),
    held: [],
    events: 0,
    accepted: 0,
    settled: { copied: 0, skipped: 0, failed: 0 },
  };
}

function keyOf(model: Model, key: string): KeyModel {
  const found = model.keys.get(key);
  assert.ok(found !== undefined, `nobody named ${key}`);
  return found;
}

type Command = fc.AsyncCommand<Model, Real>;

function enqueued(one: KeyModel, lane: 0 | 1): void {
  if (!one.waiting || lane < one.lane) one.lane = lane;
  one.waiting = true;
}

/** A command that is always possible. */
function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

function event(named: readonly string[], duplicates: number): Command {
  return command(`event(${named.join()} +${duplicates})`, async (model, { db, taskId }) => {
    const accepted = named.length + duplicates;
    assert.equal(await addKeys(db, taskId, named, { accepted }), true);
    model.events += 1;
    model.accepted += accepted;
    for (const key of named) {
      const one = keyOf(model, key);
      one.lastEvent = model.events;
      enqueued(one, 0);
      if (one.liveClaim === undefined) one.attempts = 0;
      else one.again = true;
    }
  });
}

function scan(found: readonly string[]): Command {
  return command(`scan(${found.join()})`, async (model, { db, taskId }) => {
    await enqueue(db, taskId, 'scan', found);
    model.events += 1;
    for (const key of found) {
      const one = keyOf(model, key);
      one.lastEvent = model.events;
      enqueued(one, 1);
      if (one.liveClaim !== undefined) one.again = true;
    }
  });
}

/** @param share Keys of scans that come before events, where as many are due. */
function claiming(limit: number, share = 0): Command {
  return command(`claim(${limit}, ${share})`, async (model, { db, taskId }) => {
    const replaced = (await claimsNow(db)).filter(({ claim_id }) => claim_id !== undefined);
    const claimed = await claim(db, taskId, { limit, scanned: { least: share, most: limit } });
    const free = [...model.keys.values()].filter((one) => one.waiting && !one.liveClaim);
    assert.equal(claimed.length, Math.min(limit, free.length));
    const scanned = claimed.filter(({ lane }) => lane === 1).length;
    const first = free.filter(({ lane }) => lane === 0).length;
    const shared = Math.min(limit, share, free.length - first);
    const events = Math.min(limit - shared, first);
    assert.equal(claimed.length - scanned, events, 'no event waits behind more than the share');
    for (const change of claimed) {
      const one = keyOf(model, change.key);
      assert.ok(one.waiting, `${change.key} does not wait`);
      assert.equal(one.liveClaim, undefined, `${change.key} is claimed already`);
      one.attempts += 1;
      assert.equal(change.attempt, one.attempts);
      assert.equal(change.lane, one.lane);
      one.lost ||= replaced.some(({ key }) => key === change.key);
      assert.equal(change.unsettled, one.lost);
      one.liveClaim = change.claimId;
      one.again = false;
      model.held.push({ change, sawEvent: one.lastEvent });
    }
  });
}

const expiry = command('leases run out', async (model, { db }) => {
  await expireLeases(db);
  for (const one of model.keys.values()) one.liveClaim = undefined;
});

const crash = command('crash', async (model) => {
  model.held = [];
});

interface Ending {
  readonly done: boolean;
  readonly released: boolean;
  readonly outcome: Outcome;
}

/** Settles some of what is held, in one statement, whether or not its lease lasted. */
function settling(picks: readonly boolean[], endings: readonly Ending[]): Command {
  return command(`settle(${picks.map(Number).join('')})`, async (model, { db, taskId }) => {
    const chosen = model.held.filter((_, index) => picks[index % picks.length] === true);
    model.held = model.held.filter((held) => !chosen.includes(held));
    const ended = chosen.map((held, index) => ({ held, ending: endings[index % endings.length] }));
    const settlements = ended.map(({ held, ending }) =>
      settlement(held.change, ending?.done === true ? { outcome: ending.outcome } : { ...ending }),
    );
    // A claim whose lease has lapsed is still ours if no later claim has replaced it.
    const ours = new Map<string, string | undefined>();
    for (const { key, claim_id } of await claimsNow(db)) ours.set(key, claim_id);
    const counts = await settle(db, taskId, settlements);
    const mine = ended.filter(({ held }) => ours.get(held.change.key) === held.change.claimId);
    const late = ended.filter((one) => !mine.includes(one));
    assert.deepEqual(counts, { held: mine.length, late: late.length });
    for (const { held } of late) {
      const one = keyOf(model, held.change.key);
      one.again = true;
      // A claim of the same key that is settled with it keeps the lane.
      if (!mine.some((other) => other.held.change.key === held.change.key)) enqueued(one, 0);
      one.lost = true;
    }
    for (const one of mine) settleOne(model, one);
    for (const { held } of late) {
      const one = keyOf(model, held.change.key);
      if (one.liveClaim === undefined && !ours.has(held.change.key)) one.attempts = 0;
    }
  });
}

/** Makes all outstanding rechecks, of which some find another object at the target. */
function rechecking(finds: readonly boolean[]): Command {
  return command(`recheck(${finds.map(Number).join('')})`, async (model, { db, taskId }) => {
    await db.query('update rechecks set due_at = now()');
    const due = await dueRechecks(db, { taskId, limit: 100 });
    const free = [...model.keys].filter(([, one]) => one.lost && !one.waiting);
    assert.deepEqual(due.map(({ key }) => key).sort(), free.map(([key]) => key).sort());
    for (const [index, recheck] of due.entries()) {
      const again = finds[index % finds.length] === true;
      const end = { again, doubtful: true, kept: false };
      assert.equal(await endRecheck(db, taskId, recheck, end), true);
      assert.equal(await endRecheck(db, taskId, recheck, end), false, 'once');
      if (again) enqueued(keyOf(model, recheck.key), 0);
    }
  });
}

async function recheckedKeys(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>(
    'select object_key as key from rechecks order by object_key',
  );
  return rows.map(({ key }) => key);
}

async function claimsNow(db: Database): Promise<{ key: string; claim_id?: string }[]> {
  const { rows } = await db.query<{ key: string; claim_id?: string }>(
    'select object_key as key, claim_id::text from changes',
  );
  return rows;
}

function settleOne(
  model: Model,
  { held, ending }: { readonly held: Held; readonly ending: Ending | undefined },
): void {
  assert.ok(ending !== undefined);
  const one = keyOf(model, held.change.key);
  const again = one.again || one.lastEvent > held.sawEvent;
  one.liveClaim = undefined;
  one.again = false;
  if (ending.done) {
    model.settled[ending.outcome] += 1;
    one.lastOutcome = ending.outcome;
    one.seenEvent = held.sawEvent;
    one.waiting = again;
  }
  if (again || !one.waiting) one.attempts = 0;
  else if (ending.released) one.attempts -= 1;
}

/** Works like one good worker until nothing waits, and then compares everything. */
async function drain(model: Model, real: Real): Promise<void> {
  const { db, taskId } = real;
  await crash.run(model, real);
  await expiry.run(model, real);
  const good = [{ done: true, released: false, outcome: 'copied' }] as const;
  for (let round = 0; [...model.keys.values()].some((one) => one.waiting); round++) {
    assert.ok(round < 10, 'the work does not end');
    await claiming(10).run(model, real);
    await settling([true], good).run(model, real);
  }
  for (const [key, one] of model.keys) {
    assert.equal(one.seenEvent, one.lastEvent, `the last event of ${key} was never looked at`);
  }
  assert.deepEqual(await claimsNow(db), []);
  const lost = [...model.keys].flatMap(([key, one]) => (one.lost ? [key] : []));
  assert.deepEqual(await recheckedKeys(db), lost, 'no recheck is lost');
  const now = { atMs: Date.now(), timeZone: 'UTC' };
  const counted = await countersOfMonth(db, taskId, now);
  assert.deepEqual(
    {
      requests: counted.REQUEST,
      copied: counted.SUCCESS,
      skipped: counted.SKIP,
      failed: counted.FAILURE,
    },
    { requests: model.accepted, ...model.settled },
  );
  const listed = await listObjects(db, taskId, { limit: 100 });
  assert.deepEqual(
    listed.map(({ key, outcome }) => [key, outcome]),
    [...model.keys].flatMap(([key, one]) => (one.lastOutcome ? [[key, one.lastOutcome]] : [])),
  );
}

const someKeys = fc.subarray([...keys], { minLength: 1 });
const ending = fc.oneof(
  fc.record({
    done: fc.constant(true),
    released: fc.constant(false),
    outcome: fc.constantFrom(...outcomes),
  }),
  fc.record({
    done: fc.constant(false),
    released: fc.boolean(),
    outcome: fc.constant<Outcome>('failed'),
  }),
);
const events = fc.tuple(someKeys, fc.nat(2)).map(([named, more]) => event(named, more));
const scans = someKeys.map(scan);
const claims = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.nat(1))
  .map(([limit, share]) => claiming(limit, share));
const settlements = fc
  .tuple(
    fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
    fc.array(ending, { minLength: 1, maxLength: 4 }),
  )
  .map(([picks, endings]) => settling(picks, endings));
const rechecks = fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }).map(rechecking);
// A crash forgets what makes the other cases: it comes less often.
const commands = fc.commands(
  [
    events,
    events,
    scans,
    claims,
    claims,
    claims,
    settlements,
    settlements,
    fc.constant(expiry),
    fc.constant(expiry),
    fc.constant(crash),
    rechecks,
  ],
  { maxCommands: 40, size: 'max' },
);

test('whatever happens, no event and no recheck is lost, and no outcome counts twice', async () => {
  await using db = await testDatabase();
  await fc.assert(
    fc.asyncProperty(commands, async (given) => {
      const model = newModel();
      const real = { db, taskId: await addTask(db, {}) };
      await fc.asyncModelRun(() => ({ model, real }), given);
      await drain(model, real);
      await stopTask(db, real.taskId);
      await hideTask(db, real.taskId);
      await clearTask(db, real.taskId);
    }),
    { numRuns: 10_000, interruptAfterTimeLimit: 4_000 },
  );
});
