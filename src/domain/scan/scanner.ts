import { backoffMs } from '../../platform/base/backoff.ts';
import { Semaphore } from '../../platform/base/semaphore.ts';
import { Slices } from '../../platform/base/slices.ts';
import { Alarm, every } from '../../platform/base/timers.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { alreadyLogged } from '../../platform/postgres/db.ts';
import type { Store } from '../../platform/stores/store.ts';
import { recordedCopies } from '../queue/recorded-copies.ts';
import { ServiceError } from '../service-error.ts';
import type { Sample } from './deep.ts';
import { insertDifferences } from './differences-table.ts';
import { enqueueNextBatch } from './enqueue-report.ts';
import { estimating } from './estimate.ts';
import type { Examine } from './examine.ts';
import { endOf } from './ending.ts';
import { keptListing, readListing } from './kept-listing.ts';
import {
  claimListing,
  type ListingClaim,
  removeKept,
  setUnordered,
} from './kept-listings-table.ts';
import { OutOfOrder } from './listing.ts';
import { othersWait } from './others-wait.ts';
import {
  claimRange,
  failRange,
  type HeldRange,
  type PageSettlement,
  type RangeClaim,
  rangesOf,
  raiseTally,
  rangeToSplit,
  type SplitCandidate,
  releaseRange,
  renewRange,
  scannedWaiting,
  scansToEnd,
  type SettledRange,
  settlePage,
  splitRange,
} from './ranges-table.ts';
import { writes } from './scan.ts';
import { inScope } from './scan-scope.ts';
import { ATTEMPTS_MAX, BACKOFF, type ScannedTask, type ScannerOptions } from './scanner-options.ts';
import { endScan } from './scans-table.ts';
import { findCut } from './split.ts';
import { verifying } from './verify.ts';
import { walkRange } from './walk.ts';

const POLL_MS = 5_000;
/** While others walk what might be split. */
const SPLIT_POLL_MS = 100;
/** How long a range waits whose task has as many scanned keys waiting as it may. */
const NO_ROOM_MS = 2_000;
/** How long a range is walked before scans that have no slot are looked for. */
const TURN_MS = 10_000;
/** Rows of a kept listing whose scan has ended. */
const REMOVED_AT_ONCE = 10_000;
const RENEWALS_A_LEASE = 3;
/** Pairs that verifications of this process read at once, so that the copies have the rest of the network. */
const READ_AT_ONCE = 2;
/** Pages of both sides; a range with less left is not worth the requests of a split. */
const SPLIT_PAGES = 40;

/**
 * Walks the ranges of scans, several at once, together with the other processes: a range is a row with a lease, as a
 * change is. Where nothing is left to claim, it splits the range that others have walked longest. A scan may so have all
 * slots; where another one waits for a slot, the walks give their ranges back in turn.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #stopping = new AbortController();
  readonly #alarm: Alarm;
  readonly #slices: Slices;
  readonly #walks = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #woken = false;
  /** The search for a cut takes some ten requests to a store: claims go on meanwhile. */
  #splitting = false;
  readonly #reading = new Semaphore(READ_AT_ONCE);

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock);
    this.#slices = new Slices(options.clock);
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There may be a range to claim now. */
  wake(): void {
    this.#woken = true;
    this.#alarm.ring();
  }

  /** Breaks off all walks, gives their ranges back, and resolves when that is written. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopping'));
    this.#alarm.ring();
    await this.#loop;
    await Promise.all(this.#walks);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      this.#woken = false;
      let waitMs = 0;
      try {
        waitMs = await this.#round();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#failed('claim', error);
        waitMs = backoffMs(failures, BACKOFF, this.#options.clock.random());
      }
      if (waitMs > 0) await this.#wait(waitMs);
    }
  }

  /** Resolves when woken, when stopping, or after `ms`. */
  async #wait(ms: number): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    await this.#alarm.wait(ms);
  }

  /** @returns How long to wait for the next round, in milliseconds, unless woken. */
  async #round(): Promise<number> {
    const { database, waitingMax } = this.#options;
    await this.#endScans();
    const more = await enqueueNextBatch(database, waitingMax);
    const waitMs = await this.#claimOrSplit();
    return more ? 0 : waitMs;
  }

  async #claimOrSplit(): Promise<number> {
    const { database, concurrency, leaseMs } = this.#options;
    if (this.#walks.size >= concurrency) return POLL_MS;
    // First, since a range that was given back for a listing is due at once.
    const listing = await claimListing(database, leaseMs);
    if (listing !== undefined) {
      this.#track(this.#read(listing));
      return 0;
    }
    const claim = await claimRange(database, leaseMs);
    if (claim !== undefined) {
      this.#track(this.#walk(claim));
      return 0;
    }
    if (await removeKept(database, REMOVED_AT_ONCE)) return 0;
    if (this.#splitting) return POLL_MS;
    const { splitPages = SPLIT_PAGES } = this.#options;
    const candidate = await rangeToSplit(database, { pages: splitPages });
    if (candidate === undefined) return this.#walks.size > 0 ? SPLIT_POLL_MS : POLL_MS;
    this.#splitting = true;
    this.#track(
      this.#split(candidate).finally(() => {
        this.#splitting = false;
      }),
    );
    return POLL_MS;
  }

  /** @param work Never rejects. */
  #track(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.#walks.delete(tracked);
      this.wake();
    });
    this.#walks.add(tracked);
  }

  /** Never rejects. */
  async #walk(claim: RangeClaim): Promise<void> {
    const { database, clock, leaseMs } = this.#options;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    using renewing = new DisposableStack();
    const renew = (): void => {
      renewRange(database, claim, leaseMs).then(
        (ours) => {
          if (!ours) lost.abort(new Error('the range is no longer ours'));
        },
        (error: unknown) => this.#failed('renew', error),
      );
    };
    renewing.use(every(clock, leaseMs / RENEWALS_A_LEASE, renew));
    try {
      using task = await this.#options.open(claim.taskId, claim.revision);
      await this.#walkOpen(claim, task, signal);
    } catch (error) {
      await this.#ended(claim, signal, error).catch((failure: unknown) =>
        this.#failed('release', failure),
      );
    }
  }

  async #walkOpen(claim: RangeClaim, task: ScannedTask, signal: AbortSignal): Promise<void> {
    const { database, batchPairs } = this.#options;
    const { kind } = claim;
    const mode = task.policy.overwriteMode;
    const end = await walkRange(
      {
        ...{ ...this.#sides(claim, task), kind, mode, batchPairs },
        ...{ scope: task.scope, slices: this.#slices, copyFilters: task.policy.copyFilters },
        range: claim,
        settle: (held, page) => this.#settle(claim, held, page),
        hasRoom: async () => !writes(kind) || (await this.#hasRoom(claim.taskId)),
        turnOver: this.#turnOf(claim),
        examine: this.#examineOf(claim, task),
      },
      signal,
    );
    // A range that waits takes no slot from another one, and those that have waited longer are claimed first.
    if (end !== 'done') await releaseRange(database, claim, end === 'no-room' ? NO_ROOM_MS : 0);
  }

  /** What is not listed in order is taken from what is kept of it. */
  #sides(
    scan: Pick<RangeClaim, 'scanId' | 'sourceUnordered' | 'targetUnordered'>,
    task: ScannedTask,
  ): Pick<ScannedTask, 'source' | 'target'> {
    const { database } = this.#options;
    const { source, target } = inScope(task);
    const { scanId, sourceUnordered, targetUnordered } = scan;
    return {
      source: sourceUnordered ? keptListing(database, { scanId, side: 'source' }, source) : source,
      target: targetUnordered ? keptListing(database, { scanId, side: 'target' }, target) : target,
    };
  }

  /** Never rejects. */
  async #read(claim: ListingClaim): Promise<void> {
    try {
      await readListing(this.#options, claim, this.#stopping.signal);
    } catch (error) {
      this.#failed('read', error);
    }
  }

  async #settle(
    claim: RangeClaim,
    held: HeldRange,
    page: PageSettlement,
  ): Promise<SettledRange | undefined> {
    const { database, onWithoutEvent } = this.#options;
    const { differences } = page;
    const found =
      differences.length === 0
        ? await settlePage(database, claim, held, page)
        : await database.transaction(async (db) => {
            const settled = await settlePage(db, claim, held, page);
            if (settled?.settled !== true) return settled;
            const reported = await insertDifferences(db, claim.scanId, differences);
            if (reported > 0) await raiseTally(db, claim, { reported });
            return settled;
          });
    if (found !== undefined && found.withoutEvent > 0) onWithoutEvent?.(found.withoutEvent);
    return found;
  }

  #examineOf(claim: RangeClaim, task: ScannedTask): Examine | undefined {
    const { kind, taskId, attempts, options } = claim;
    const { database, sizes } = this.#options;
    if (kind === 'estimate') return estimating({ ...task, sizes });
    if (kind !== 'verify') return undefined;
    const recorded = (keys: readonly string[]) => recordedCopies(database, taskId, keys);
    const share = options?.deepShare;
    const sample: Sample | undefined =
      share === undefined ? undefined : { share, places: this.#reading };
    return verifying({ source: task.source, target: task.target, recorded, attempts, sample });
  }

  async #hasRoom(taskId: string): Promise<boolean> {
    const { database, waitingMax } = this.#options;
    return (await scannedWaiting(database, taskId, waitingMax)) < waitingMax;
  }

  /** @returns Whether the turn of a walk is over: it has lasted a while, and another scan has no slot. */
  #turnOf({ scanId }: RangeClaim): () => Promise<boolean> {
    const { database, clock } = this.#options;
    let began = clock.monotonic();
    return async () => {
      const now = clock.monotonic();
      if (now - began < TURN_MS) return false;
      began = now;
      return await othersWait(database, scanId);
    };
  }

  /** Releases the range where this process stops or has lost the claim; otherwise acts on the error. */
  async #ended(claim: RangeClaim, signal: AbortSignal, error: unknown): Promise<void> {
    if (signal.aborted) await releaseRange(this.#options.database, claim);
    else if (error instanceof OutOfOrder) await this.#unordered(claim, error);
    else await this.#failedRange(claim, error);
  }

  async #unordered({ scanId, taskId }: RangeClaim, error: OutOfOrder): Promise<void> {
    const { database, log } = this.#options;
    const { side } = error;
    if (!(await database.transaction((db) => setUnordered(db, scanId, side)))) return;
    const line = { event: 'scan.unordered', scanId, taskId, side, err: error };
    log.warn(line, 'a store does not list in order: its whole listing is read first');
  }

  async #failedRange(claim: RangeClaim, error: unknown): Promise<void> {
    const { database, clock, log } = this.#options;
    const { scanId, taskId, attempts, sourceNext, targetNext } = claim;
    const isOfStore = error instanceof StoreError;
    // A store may have forgotten the token that its listing was to go on from.
    const mayBeToken = sourceNext !== undefined || targetNext !== undefined;
    const relist = isOfStore && error.fault === 'refused' && mayBeToken;
    const again = !isOfStore || error.transient || relist;
    const delayMs = again ? backoffMs(attempts, BACKOFF, clock.random()) : undefined;
    const line = { event: 'scan.range', scanId, taskId, attempts, delayMs, err: error };
    log.warn(line, again ? 'a range of a scan is tried again' : 'a range of a scan has failed');
    const known = isOfStore || error instanceof ServiceError;
    const message = known ? error.message.replaceAll('\0', '') : 'an unexpected error; see the log';
    await failRange(database, claim, { message, delayMs, attemptsMax: ATTEMPTS_MAX, relist });
  }

  /** Never rejects. */
  async #split(candidate: SplitCandidate): Promise<void> {
    const { database, open, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      using task = await open(candidate.taskId, candidate.revision);
      const { source, target } = this.#sides(candidate, task);
      if (![source, target].every((store) => store.traits.listsFromKey)) return;
      const [long, short] = candidate.longer === 'source' ? [source, target] : [target, source];
      const probe = async (store: Store, after: string): Promise<string | undefined> => {
        const { entries } = await store.list({ after, limit: 1, forScan: true }, signal);
        return entries[0]?.key;
      };
      const cut = await findCut(candidate, (after) => probe(long, after));
      if (cut === undefined) return;
      // A store that does not take this text as a key to go on from would fail the new range for good.
      await probe(short, cut);
      await splitRange(database, candidate, cut);
    } catch (error) {
      if (signal.aborted) return;
      log.debug({ event: 'scan.unsplit', scanId: candidate.scanId, err: error }, 'not split');
    }
  }

  async #endScans(): Promise<void> {
    const { database, log } = this.#options;
    for (const scanId of await scansToEnd(database)) {
      const end = endOf(await rangesOf(database, scanId));
      if (!(await endScan(database, scanId, end))) continue;
      const { state } = end;
      log.info({ event: 'scan.ended', scanId, state }, 'a scan has ended');
    }
  }

  #failed(doing: string, error: unknown): void {
    const level = alreadyLogged(error) ? 'debug' : 'error';
    this.#options.log[level]({ event: 'scan.failed', doing, err: error }, 'a scan could not go on');
  }
}
