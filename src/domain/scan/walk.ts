import { createHash } from 'node:crypto';
import type { Slices } from '../../platform/base/slices.ts';
import { type CopyFilters, filteredBy } from '../../platform/model/copy-filters.ts';
import type { KeyScope } from '../../platform/model/key-scope.ts';
import type { ObjectEntry } from '../../platform/model/object.ts';
import type { OverwriteMode } from '../../platform/model/sync-task.ts';
import { compareKeys } from '../../platform/stores/keys.ts';
import type { Store } from '../../platform/stores/store.ts';
import { type Comparison, compareListed } from './compare.ts';
import type { Difference } from './differences-table.ts';
import { checkCut } from './cut-check.ts';
import type { Examine, Examined } from './examine.ts';
import type { Side } from './kept-listings-table.ts';
import { type Pair, pairBatches, type PairBatch, type WalkedRange } from './listing.ts';
import type { HeldRange, PageSettlement, SettledRange } from './ranges-table.ts';
import { type ScanKind, writes } from './scan.ts';
import { outsideOf } from './scan-scope.ts';
import { seenOf, type Tally, tallied } from './tally.ts';
import { isKept } from './unreadable.ts';

export interface WalkOptions {
  readonly source: Store;
  readonly target: Store;
  readonly kind: ScanKind;
  readonly mode: OverwriteMode;
  /** The keys that count; all where it is not given. */
  readonly scope?: KeyScope | undefined;
  /** In which keys are matched with the scope. */
  readonly slices: Slices;
  readonly copyFilters?: CopyFilters | undefined;
  readonly range: HeldRange & Omit<WalkedRange, 'until' | 'batchPairs'>;
  /** About as many pairs are settled at once. */
  readonly batchPairs?: number | undefined;
  /**
   * Settles a page in one transaction, if the range is as it is held here.
   *
   * @returns The range as it was found; undefined where it is no longer ours, and the walk ends.
   */
  readonly settle: (held: HeldRange, page: PageSettlement) => Promise<SettledRange | undefined>;
  /** Whether more keys may be enqueued now. */
  readonly hasRoom: () => Promise<boolean>;
  /** Whether other scans need the slot of this walk. It is called after each page, so it must cost next to nothing. */
  readonly turnOver: () => Promise<boolean>;
  /** Examines pairs further than by both listings; absent where these decide. */
  readonly examine?: Examine | undefined;
}

/**
 * `no-room`: the rest has to wait. `turn-over`: other scans come first. `lost`: the range is no longer ours, or may not
 * be walked now.
 */
export type WalkEnd = 'done' | 'no-room' | 'turn-over' | 'lost';

/**
 * Walks a range from its cursor to its end, page by page. A walk that breaks off repeats at most one page, and leaves
 * out none: the cursor moves in the transaction that enqueues what was found up to there.
 *
 * @throws {StoreError} for what a listing throws.
 */
export async function walkRange(options: WalkOptions, signal: AbortSignal): Promise<WalkEnd> {
  const { source, target, range, batchPairs } = options;
  const { sourceNext, targetNext } = range;
  let at: Position = { held: range, cursor: range.cursor, next: { sourceNext, targetNext } };
  /** Pairs above the cursor: a walk that breaks off finds them again, so they are not settled before it moves. */
  let above: readonly Pair[] = [];
  for await (const read of pairBatches({ source, target }, { ...range, batchPairs }, signal)) {
    signal.throwIfAborted();
    const outside = await outsideOf([...above, ...read.pairs], options.scope, options.slices);
    for await (const piece of examined(options, { ...read, outside }, signal)) {
      const whole = withPairsAbove(above, piece);
      const next = await settleBatch(options, whole, { at, signal });
      if (typeof next === 'string') return next;
      if (await options.turnOver()) return 'turn-over';
      at = next;
      above = whole.pairs.slice(whole.pairs.findLastIndex(isKept) + 1);
    }
  }
  return 'done';
}

/** Includes the pairs that do not count, because the cursor moves past them, too. */
interface WalkedBatch extends PairBatch {
  readonly outside: ReadonlySet<Pair>;
}

interface Position {
  readonly held: HeldRange;
  readonly cursor: string;
  readonly next: Pick<PageSettlement, 'sourceNext' | 'targetNext'>;
}

/** @returns Where the walk continues; if nowhere, how it ended. */
async function settleBatch(
  options: WalkOptions,
  batch: Piece,
  { at, signal }: { readonly at: Position; readonly signal: AbortSignal },
): Promise<Position | WalkEnd> {
  const page = settlementOf(options, batch, at);
  if (page.done) await checkCut(options, { until: at.held.until, ...page }, signal);
  if (page.enqueue.length > 0 && !(await options.hasRoom())) return 'no-room';
  const found = await options.settle(at.held, page);
  // Another digest: a page was settled, and its answer was lost. Then the walk does not know its cursor.
  if (found === undefined || Buffer.compare(found.digest, at.held.digest) !== 0) return 'lost';
  if (!found.settled)
    return await settleBatch(options, batch, { at: { ...at, held: found }, signal });
  if (page.done) return 'done';
  const { cursor, sourceNext, targetNext } = page;
  const held = { until: found.until, digest: page.digest };
  return { held, cursor, next: { sourceNext, targetNext } };
}

/** Pairs that are settled in one transaction. */
interface Piece extends WalkedBatch {
  /** One for each pair; undefined where both listings decide. */
  readonly examined: readonly Examined[] | undefined;
  /** Nothing of the batch follows. */
  readonly isEnd: boolean;
}

/** The pairs of a batch, in as many pieces as it takes to examine them. */
async function* examined(
  { examine }: WalkOptions,
  batch: WalkedBatch,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, undefined> {
  if (examine === undefined || batch.pairs.length === 0) {
    yield { ...batch, examined: undefined, isEnd: true };
    return;
  }
  for (let { pairs, pages } = batch; pairs.length > 0; pages = 0) {
    const found = await examinedInside(pairs, batch.outside, (inside) => examine(inside, signal));
    const rest = pairs.slice(found.length);
    const isEnd = rest.length === 0;
    const piece = { pairs: pairs.slice(0, found.length), pages, examined: found, isEnd };
    yield { ...batch, ...piece, last: batch.last && isEnd };
    pairs = rest;
  }
}

/** What the task is not about is not examined. */
async function examinedInside(
  pairs: readonly Pair[],
  outside: ReadonlySet<Pair>,
  examine: (inside: readonly Pair[]) => Promise<readonly Examined[]>,
): Promise<readonly Examined[]> {
  const inside = pairs.filter((pair) => !outside.has(pair));
  const ofInside = inside.length === 0 ? [] : await examine(inside);
  const end = inside[ofInside.length];
  const upToEnd = end === undefined ? pairs : pairs.slice(0, pairs.indexOf(end));
  let next = 0;
  return upToEnd.map((pair) =>
    outside.has(pair) ? toExamined('equal') : (ofInside[next++] ?? toExamined('equal')),
  );
}

/** @param above Pairs that no examination is of. */
function withPairsAbove(above: readonly Pair[], piece: Piece): Piece {
  if (above.length === 0) return piece;
  const none = above.map(() => toExamined('equal'));
  const found = piece.examined === undefined ? undefined : [...none, ...piece.examined];
  return { ...piece, pairs: [...above, ...piece.pairs], examined: found };
}

/** What a page comes to, once it is known where the range ends now. */
function settlementOf(
  options: WalkOptions,
  { pairs, pages, last, tokens, isEnd, outside, examined: found }: Piece,
  { held, cursor, next }: Position,
): PageSettlement {
  const inRange = upTo(pairs, held.until);
  const done = last || inRange.length < pairs.length;
  // No cursor can be a key that the database does not take.
  const within = done ? inRange : inRange.slice(0, inRange.findLastIndex(isKept) + 1);
  const { kind, source, target } = options;
  const counting = within.filter((pair) => !outside.has(pair));
  const { counts, differing, tallies, lines } = compared(
    within,
    { examined: found, outside },
    options,
  );
  const end = done ? held.until : undefined;
  const nextOf = (side: Side, { traits }: Store, before: string | undefined) => {
    if (traits.listsFromKey) {
      return within.findLast((pair) => pair[side] !== undefined && isKept(pair))?.key ?? before;
    }
    // What is left of this batch is on a page before the one of this token.
    return isEnd && within.length === pairs.length ? tokens[side] : before;
  };
  return {
    ...counts,
    ...listed(counting),
    pages,
    enqueue: writes(kind) ? differing.filter(isToCopy) : [],
    differences: kind === 'verify' ? differing : [],
    tally: tallies.length === 0 ? undefined : tallied(tallies),
    done,
    cursor: end ?? within.findLast(isKept)?.key ?? cursor,
    sourceNext: nextOf('source', source, next.sourceNext),
    targetNext: nextOf('target', target, next.targetNext),
    unreadable: counting.filter((pair) => !isKept(pair)).map(({ key }) => key),
    digest: createHash('sha256').update(held.digest).update(lines).digest(),
  };
}

/** A filter decides only whether an object is copied: one that needs no copy is equal, and what it keeps is no extra. */
function isFiltered(
  { source }: Pair,
  comparison: Comparison | 'unreadable',
  { source: store, copyFilters }: WalkOptions,
): boolean {
  const toCopy = comparison === 'missing' || comparison === 'different';
  if (copyFilters === undefined || source === undefined || !toCopy) return false;
  const facts = { ...source, tier: store.traits.tierOf(source.storageClass ?? '') };
  return filteredBy(copyFilters, facts) !== undefined;
}

/** @param found One for each pair, and for some beyond; undefined where both listings decide. */
function compared(
  pairs: readonly Pair[],
  { examined: found, outside }: Pick<Piece, 'examined' | 'outside'>,
  options: WalkOptions,
) {
  const counts = { equal: 0, different: 0, missing: 0, extra: 0, unreadable: 0, filtered: 0 };
  const differing: Difference[] = [];
  const tallies: Tally[] = [];
  let lines = '';
  for (const [index, pair] of pairs.entries()) {
    if (!isKept(pair) || outside.has(pair)) continue;
    const { comparison, tally, ...facts } =
      found?.[index] ?? toExamined(compareListed(pair, options));
    lines += line(pair);
    if (isFiltered(pair, comparison, options)) {
      counts.filtered += 1;
      if (tally !== undefined) tallies.push(seenOf(tally));
      continue;
    }
    counts[comparison] += 1;
    if (tally !== undefined) tallies.push(tally);
    if (comparison !== 'equal') differing.push({ ...differenceOf(pair, comparison), ...facts });
  }
  return { counts, differing, tallies, lines };
}

function toExamined(comparison: Comparison): Examined {
  return { comparison };
}

/** What only the target has is never touched. */
function isToCopy({ comparison }: Difference): boolean {
  return comparison !== 'extra';
}

function differenceOf(
  { key, source, target }: Pair,
  comparison: Difference['comparison'],
): Difference {
  return {
    key,
    comparison,
    sourceSize: source?.size,
    sourceEtag: source?.etag,
    sourceModifiedAt: source?.lastModified,
    targetSize: target?.size,
    targetEtag: target?.etag,
    targetModifiedAt: target?.lastModified,
  };
}

function listed(pairs: readonly Pair[]) {
  const sums = { sourceObjects: 0, sourceBytes: 0, targetObjects: 0, targetBytes: 0 };
  for (const { source, target } of pairs) {
    if (source !== undefined) {
      sums.sourceObjects += 1;
      sums.sourceBytes += source.size;
    }
    if (target !== undefined) {
      sums.targetObjects += 1;
      sums.targetBytes += target.size;
    }
  }
  return sums;
}

/** The range may have been cut while the page was on its way: what lies beyond belongs to another range. */
function upTo(pairs: readonly Pair[], until: string | undefined): readonly Pair[] {
  const last = pairs.at(-1);
  if (until === undefined || last === undefined || compareKeys(last.key, until) <= 0) return pairs;
  return pairs.filter(({ key }) => compareKeys(key, until) <= 0);
}

/** A key has no NUL, so that no two pages give the same text. */
function line({ key, source, target }: Pair): string {
  return `${key}\0${factsOf(source)}\0${factsOf(target)}\0`;
}

function factsOf(entry: ObjectEntry | undefined): string {
  return entry === undefined ? '' : `${entry.size} ${entry.lastModified} ${entry.etag}`;
}
