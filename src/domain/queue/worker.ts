import { backoffMs } from '../../platform/base/backoff.ts';
import type { Clock } from '../../platform/base/clock.ts';
import { Alarm } from '../../platform/base/timers.ts';
import type { ClaimedChange, ClaimRequest } from './changes.ts';
import type { Settlement } from './settle.ts';
import { Claims } from './claims.ts';
import { Slots, type SlotsOptions } from './slots.ts';
import { Settler } from './settler.ts';
import { type Claim, released, type WorkHandler, type WorkResult } from './work.ts';

/** The database's side of the work, a function a statement. */
export interface WorkQueue {
  /** Their IDs, in order. */
  dueTasks(): Promise<string[]>;
  claim(request: ClaimRequest): Promise<ClaimedChange[]>;
  renew(request: {
    taskId: string;
    claims: readonly { key: string; claimId: string }[];
    leaseMs: number;
  }): Promise<ReadonlySet<string>>;
  settle(taskId: string, settlements: readonly Settlement[]): Promise<ReadonlySet<string>>;
  /** Milliseconds until a change becomes due by itself. */
  untilNextDue(): Promise<number | undefined>;
}

export interface WorkerOptions extends SlotsOptions {
  readonly queue: WorkQueue;
  readonly handle: WorkHandler;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Called for each result once it is settled. */
  readonly onSettled: (claim: Claim, result: WorkResult) => void;
  readonly onLate: (taskId: string, count: number) => void;
  /** The database could not be reached, or it refused. Work continues when it answers again. */
  readonly onError: (doing: string, error: unknown) => void;
}

/** A process stops itself this long before the database would give its work to another. */
const DEADLINE_MARGIN = 1 / 6;
const RENEWALS_A_LEASE = 3;
const EXPIRE_EVERY_MS = 500;
const MEASURE_EVERY_MS = 1_000;
/** So many results are worth a statement of their own. */
const BATCH = 256;
/**
 * So many claims share a signal. Each of their requests is a listener of it, and Node walks all listeners to add
 * or remove one: measured 0.4 µs with 32 of them, and 9.5 µs with 1,024.
 */
const SIGNAL_SHARED_BY = 32;
const POLL_MS = { least: 20, most: 5_000 };
const RETRY_DELAY = { baseMs: 200, maxMs: 5_000 };
const GATHER_MS = 100;

/**
 * Claims due changes, works on them with bounded concurrency, fairly across tasks, and settles them.
 *
 * It is woken by {@link Worker.wake}, which is only a hint: it looks by itself as well. Beyond what
 * is in work it claims ahead about as much as it settled in the last second, but no more than there are
 * slots, so that slots do not idle and yet slow work is not withheld from other processes. What has ended and is not
 * settled yet takes no room, so that a slow database does not leave slots idle, unless results come faster than it
 * takes them.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #claims: Claims;
  readonly #settler: Settler;
  /** Nothing more is claimed. */
  readonly #stopping = new AbortController();
  /** No claim is held any more, so no lease needs renewal. */
  readonly #ended = new AbortController();
  readonly #slots: Slots;
  /** The task that got a claim last. */
  #claimedLast = '';
  #woken = false;
  readonly #alarm: Alarm;
  /** By task: settled since the last measurement, and in the time before it. */
  #settledLately = new Map<string, number>();
  #ahead: ReadonlyMap<string, number> = new Map();
  #aheadOfAll = 0;
  #claiming: Promise<void> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#claims = new Claims(options.clock);
    this.#slots = new Slots(options);
    this.#alarm = new Alarm(options.clock);
    this.#settler = new Settler({
      clock: options.clock,
      settle: (taskId, settlements) => options.queue.settle(taskId, settlements),
      onEnded: (claim, result, written) => this.#settled(claim, result, written),
      onLate: options.onLate,
      onError: (error) => options.onError('settle', error),
      gatherMs: GATHER_MS,
      batchEnough: BATCH,
    });
  }

  start(): void {
    this.#claiming = this.#claimLoop();
    this.#loops = Promise.all([
      this.#every(this.#options.leaseMs / RENEWALS_A_LEASE, () => this.#renew()),
      this.#every(EXPIRE_EVERY_MS, () => this.#claims.expire()),
      this.#every(MEASURE_EVERY_MS, () => this.#measure()),
    ]);
  }

  /** There may be something to claim now. */
  wake(): void {
    this.#woken = true;
    this.#alarm.ring();
  }

  /** Gives back the claims of a task that wait here, as when it was stopped. Those in work continue. */
  giveBack(taskId: string): void {
    for (const claim of this.#slots.takeBack(taskId)) this.#end(claim, released);
    this.wake();
  }

  /** Changes that are claimed and not settled. */
  get inWork(): number {
    return this.#claims.size;
  }

  /**
   * Claims nothing more, lets what is in work end for up to `drainMs`, gives the rest back, and
   * resolves when all of it is settled.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort(new Error('stopping'));
    this.#alarm.ring();
    for (const taskId of this.#slots.waiting) this.giveBack(taskId);
    const { clock } = this.#options;
    const deadline = clock.monotonic() + drainMs;
    // Later, results that the database does not take are given up too: their changes come round again.
    const late = clock.sleep(drainMs, this.#ended.signal).then(
      () => this.#claims.abortAll(),
      () => undefined,
    );
    while (this.#slots.busy > 0) {
      if (clock.monotonic() >= deadline) this.#claims.abortAll();
      await clock.sleep(10, this.#ended.signal);
    }
    // What a last claim brings is given back as well, and settled.
    await this.#claiming;
    await this.#settler.drained();
    this.#ended.abort(new Error('ended'));
    await late;
    await this.#loops;
  }

  async #claimLoop(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#woken = false;
      try {
        const wait = this.#room() > 0 ? await this.#claimRound() : POLL_MS.most;
        failures = 0;
        if (wait > 0) await this.#wait(wait);
      } catch (error) {
        failures += 1;
        this.#options.onError('claim', error);
        await this.#wait(backoffMs(failures, RETRY_DELAY, this.#options.clock.random()));
      }
    }
  }

  #room(): number {
    const most = this.#options.concurrency + this.#aheadOfAll;
    return roomOf(most, { open: this.#claims.open, all: this.#claims.size });
  }

  get #aheadMax(): number {
    return Math.max(BATCH, this.#options.concurrency);
  }

  /**
   * One look at all tasks that have something due; each gets its share of the room.
   *
   * @returns How long to wait for the next look, in milliseconds, unless woken.
   */
  async #claimRound(): Promise<number> {
    const due = this.#inTurn(await this.#options.queue.dueTasks());
    let claimed = 0;
    for (const [index, taskId] of due.entries()) {
      const share = Math.ceil(this.#room() / (due.length - index));
      const count = await this.#claimOf(taskId, share);
      if (count > 0) this.#claimedLast = taskId;
      claimed += count;
    }
    if (claimed > 0) return 0;
    // What is due and not claimed waits for room, or for another process: a settle wakes us.
    if (due.length > 0) return POLL_MS.most / 5;
    const next = (await this.#options.queue.untilNextDue()) ?? POLL_MS.most;
    return Math.min(Math.max(next, POLL_MS.least), POLL_MS.most);
  }

  /** From the one after that which got a claim last: where there is room for few, they take turns. */
  #inTurn(due: readonly string[]): string[] {
    const next = due.findIndex((taskId) => taskId > this.#claimedLast);
    return next <= 0 ? [...due] : [...due.slice(next), ...due.slice(0, next)];
  }

  async #claimOf(taskId: string, share: number): Promise<number> {
    const { queue, leaseMs, clock } = this.#options;
    const most = this.#slots.limitOf(taskId) + this.#aheadOf(taskId);
    const { all: open, scanned: held } = this.#claims.openOf(taskId);
    const limit = Math.min(share, roomOf(most, { open, all: this.#claims.sizeOf(taskId) }));
    if (limit <= 0) return 0;
    const scanned = this.#slots.scannedOf(taskId, { limit, held, most });
    const deadline = clock.monotonic() + leaseMs * (1 - DEADLINE_MARGIN);
    const changes = await queue.claim({ taskId, limit, leaseMs, scanned });
    let batch = new AbortController();
    for (const [index, change] of changes.entries()) {
      if (index % SIGNAL_SHARED_BY === 0) batch = new AbortController();
      this.#slots.add(this.#claims.add(change, taskId, batch, deadline));
    }
    if (this.#stopping.signal.aborted) this.giveBack(taskId);
    this.#fill();
    return changes.length;
  }

  #fill(): void {
    for (let claim = this.#slots.next(); claim !== undefined; claim = this.#slots.next()) {
      void this.#work(claim);
    }
  }

  async #work(claim: Claim): Promise<void> {
    try {
      const result = claim.lease.held() ? await this.#options.handle(claim) : released;
      this.#end(claim, result);
    } finally {
      this.#slots.free(claim);
      if (!this.#stopping.signal.aborted) this.#fill();
      this.#wakeIfFew();
    }
  }

  #end(claim: Claim, result: WorkResult): void {
    this.#claims.ended(claim);
    this.#settler.add(claim, result);
  }

  /** Claims what the next slots get while the last claims that wait get theirs. */
  #wakeIfFew(): void {
    const waiting = this.#claims.open - this.#slots.busy;
    if (waiting <= this.#aheadOfAll / 2) this.wake();
  }

  #settled(claim: Claim, result: WorkResult, written: boolean): void {
    this.#claims.remove(claim);
    const { taskId } = claim;
    if (!result.released) {
      this.#settledLately.set(taskId, (this.#settledLately.get(taskId) ?? 0) + 1);
    }
    if (written) this.#options.onSettled(claim, result);
    this.wake();
  }

  #measure(): void {
    this.#ahead = this.#settledLately;
    const all = [...this.#ahead.values()].reduce((total, settled) => total + settled, 0);
    this.#aheadOfAll = Math.min(all, this.#aheadMax);
    this.#settledLately = new Map();
    // Held ahead by a task that hangs, they would be withheld from other processes.
    for (const taskId of this.#slots.waiting) {
      for (const claim of this.#slots.takeBack(taskId, this.#aheadOf(taskId))) {
        this.#end(claim, released);
      }
    }
  }

  /** Claims of a task beyond those in work: a task that settles nothing holds none. */
  #aheadOf(taskId: string): number {
    return Math.min(this.#ahead.get(taskId) ?? 0, this.#aheadMax);
  }

  /** Each task by itself: one whose renewal fails or hangs costs no other its leases. */
  #renew(): void {
    for (const { taskId, claims } of this.#claims.tasks()) void this.#renewTask(taskId, claims);
  }

  async #renewTask(
    taskId: string,
    claims: readonly { readonly key: string; readonly claimId: string }[],
  ): Promise<void> {
    const { queue, leaseMs, clock, onError } = this.#options;
    const deadline = clock.monotonic() + leaseMs * (1 - DEADLINE_MARGIN);
    try {
      this.#claims.renewed(taskId, await queue.renew({ taskId, claims, leaseMs }), deadline);
    } catch (error) {
      onError('renew', error);
    }
  }

  /** Resolves when woken, when stopping, or after `ms`. */
  async #wait(ms: number): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    await this.#alarm.wait(ms);
  }

  async #every(ms: number, work: () => void): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (;;) {
        await this.#options.clock.sleep(ms, signal);
        work();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** How many more may be claimed: of those to work on, and of all, so that no more wait for the database than for work. */
function roomOf(
  most: number,
  { open, all }: { readonly open: number; readonly all: number },
): number {
  return Math.min(most - open, 2 * most - all);
}
