import assert from 'node:assert/strict';
import type { ScanRecord } from '../../../src/domain/scan/scans-table.ts';
import type { Database } from '../../../src/platform/postgres/db.ts';
import { keyOfIndexed } from '../../../src/platform/postgres/long-keys.ts';
import { compareKeys } from '../../../src/platform/stores/keys.ts';
import { type Simulation, type Truth, truthsOf } from './simulation.ts';

/** What a scan has come to. */
export interface Outcome {
  readonly simulation: Simulation;
  readonly scan: ScanRecord;
  /** How often each key was enqueued. */
  readonly enqueued: ReadonlyMap<string, number>;
}

interface RangeRow {
  readonly after: string;
  readonly until?: string;
  readonly cursor: string;
  readonly state: string;
  readonly equal: number;
  readonly different: number;
  readonly missing: number;
  readonly extra: number;
  readonly sourceObjects: number;
  readonly targetObjects: number;
  readonly unreadable: number;
}

/** Checks all that must be so, however the scan has ended. */
export async function checkOutcome(db: Database, outcome: Outcome): Promise<void> {
  const { rows } = await db.query<RangeRow>(
    `select after_key as after, until_key as until, cursor_key as cursor, state, equal, different, missing, extra,
      source_objects as "sourceObjects", target_objects as "targetObjects", unreadable
    from scan_ranges where scan_id = $1 order by after_key`,
    [outcome.scan.id],
  );
  checkTiles(rows);
  const truths = truthsOf(outcome.simulation);
  const settled = new Set<string>();
  for (const range of rows) {
    // A walk that fails before a store breaks its order has no way to know.
    if (range.state === 'done' || !breaksOrder(outcome))
      checkRange(range, outcome.scan, { truths, settled });
  }
  checkEnd(rows, outcome);
  if (breaksOrder(outcome) && outcome.scan.state === 'incomplete') return;
  await checkFound(db, outcome, { truths, settled });
}

/** Whether a store that does not list in order was treated as one that does. */
function breaksOrder({ simulation, scan }: Outcome): boolean {
  const { sourceScript, targetScript } = simulation;
  return (
    (sourceScript.order !== 'bytes' && !scan.sourceUnordered) ||
    (targetScript.order !== 'bytes' && !scan.targetUnordered)
  );
}

/** The ranges are the whole key space, without a gap or an overlap. */
function checkTiles(ranges: readonly RangeRow[]): void {
  assert.equal(ranges[0]?.after, '');
  for (const [at, { until: end }] of ranges.entries()) assert.equal(end, ranges[at + 1]?.after);
}

const isBad = (key: string): boolean => key.includes('\0');

/** A range has counted each of its keys up to the cursor once. */
function checkRange(
  { after, until: end, cursor, state, ...counted }: RangeRow,
  { sourceUnordered, targetUnordered }: ScanRecord,
  {
    truths,
    settled,
  }: { readonly truths: ReadonlyMap<string, Truth>; readonly settled: Set<string> },
): void {
  const isIn = (key: string): boolean => {
    const last = state === 'done' ? end : cursor;
    return compareKeys(key, after) > 0 && (last === undefined || compareKeys(key, last) <= 0);
  };
  // What cannot be kept is counted as unreadable, with the first range, when it is read.
  const counts = { equal: 0, different: 0, missing: 0, extra: 0, unreadable: 0 };
  let [sourceObjects, targetObjects] = [0, 0];
  for (const [key, truth] of truths) {
    if (!isIn(key)) continue;
    counts[isBad(key) ? 'unreadable' : truth] += 1;
    sourceObjects += Number(truth !== 'extra' && !(sourceUnordered && isBad(key)));
    targetObjects += Number(truth !== 'missing' && !(targetUnordered && isBad(key)));
    settled.add(key);
  }
  const what = `the counts above ${JSON.stringify(after)}`;
  const unreadable = sourceUnordered || targetUnordered ? counted.unreadable : counts.unreadable;
  assert.deepEqual({ ...counted }, { ...counts, unreadable, sourceObjects, targetObjects }, what);
}

/** Complete only if all was listed; else it names what was not. */
function checkEnd(ranges: readonly RangeRow[], { simulation, scan }: Outcome): void {
  const { sourceScript, targetScript } = simulation;
  const failed = ranges.filter(({ state, unreadable }) => state !== 'done' || unreadable > 0);
  assert.equal(scan.state, failed.length === 0 ? 'complete' : 'incomplete', scan.reason);
  assert.equal(scan.digest !== undefined, scan.state === 'complete');
  if (scan.reason?.startsWith('The listing of the ') === true) {
    assert.ok(sourceScript.deniedFrom !== undefined || targetScript.deniedFrom !== undefined);
    return;
  }
  const [first] = failed;
  if (first !== undefined && first.after !== '') {
    assert.ok(scan.reason?.includes(JSON.stringify(first.after)), scan.reason);
  }
  const passes = [sourceScript, targetScript].every(({ deniedFrom }) => deniedFrom === undefined);
  if (passes)
    assert.ok(
      ranges.every(({ state }) => state === 'done'),
      scan.reason,
    );
}

/** What differs was enqueued, once, and nothing else; a verification reports it instead. */
async function checkFound(
  db: Database,
  { simulation, scan, enqueued }: Outcome,
  { truths, settled }: { truths: ReadonlyMap<string, Truth>; settled: ReadonlySet<string> },
): Promise<void> {
  const { rows } = await db.query<{ key: string }>(
    'select object_key as key from scan_differences where scan_id = $1',
    [scan.id],
  );
  const writes = simulation.kind !== 'verify';
  const isFound = (truth: Truth): boolean => truth !== 'equal' && !(writes && truth === 'extra');
  const expected = [...truths]
    .filter(([key, truth]) => isFound(truth) && settled.has(key) && !isBad(key))
    .map(([key]) => key);
  const unordered = scan.sourceUnordered || scan.targetUnordered;
  if (unordered && writes) {
    // What was compared before that was noticed was enqueued too, perhaps wrongly: a look at both sides decides.
    for (const key of expected) assert.ok(enqueued.has(key), key);
    return;
  }
  const found = writes ? [...enqueued.keys()] : rows.map(({ key }) => keyOfIndexed(key));
  assert.deepEqual(found.toSorted(compareKeys), expected.toSorted(compareKeys));
  const again = [...enqueued].filter(([, times]) => times > 1);
  assert.deepEqual(again, [], 'keys that were enqueued more than once');
}
