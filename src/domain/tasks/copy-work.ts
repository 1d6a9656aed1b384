import { backoffMs, type Backoff } from '../../platform/base/backoff.ts';
import type { Clock } from '../../platform/base/clock.ts';
import { Slices } from '../../platform/base/slices.ts';
import type { Logger } from '../../platform/base/log.ts';
import { keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import { alreadyLogged, type Db, DatabaseError } from '../../platform/postgres/db.ts';
import { type Claim, released, type WorkHandler, type WorkResult } from '../queue/work.ts';
import type { FailureKind, Outcome } from '../../platform/model/outcome.ts';
import type { KeyScope } from '../../platform/model/key-scope.ts';
import type { MissingSource } from '../../platform/model/sync-task.ts';
import { ObjectTooLarge } from '../../platform/model/part-plan.ts';
import { remedies } from '../../platform/model/remedies.ts';
import type { WrittenObject } from '../../platform/model/written.ts';
import { type Misses, misses } from '../../platform/stores/layers/misses.ts';
import { type Unanswered, unanswered } from '../../platform/stores/layers/unanswered.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { copyObject } from '../copy/copy-object.ts';
import { LeaseLost, type TransferSizes } from '../copy/transfer.ts';
import { ClaimJournal } from '../copy/claim-journal.ts';
import { type OpenTasks, TaskGone } from './open-tasks.ts';
import { ServiceError } from '../service-error.ts';

export interface CopyWorkOptions {
  readonly database: Db;
  readonly openTasks: Pick<OpenTasks, 'use'>;
  readonly sizes: TransferSizes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly attemptsMax: number;
  readonly backoff: Backoff;
  /** How long after it was named an object that the source does not have is looked for again, milliseconds. */
  readonly notFoundWaitMs: number;
  /** How long an archived source may take to be restored, milliseconds. */
  readonly restoreWaitMs: number;
  /** An attempt failed and comes again; counted by what it failed of. */
  readonly onRetry: (kind: FailureKind) => void;
}

const MESSAGE_MAX = 1_000;
const NOT_SERVED = 'the database did not serve';

/** The work on one claimed change: copy the object, and say how it ended. */
export function copyWork(given: CopyWorkOptions): WorkHandler {
  const options = { ...given, slices: new Slices(given.clock) };
  return async (claim) => {
    const startedAt = options.clock.now();
    if (claim.attempt > options.attemptsMax) return givenUp(options, claim, startedAt);
    const watches: Watches = {};
    const result = await attempted(options, claim, { startedAt, watches });
    const { target } = watches;
    return target?.sent() === true
      ? { ...result, writeSent: true, ...(target.left() && { unanswered: true }) }
      : result;
  };
}

/** What watches an attempt's buckets, once they are open. */
interface Watches {
  missingSource?: MissingSource;
  source?: Misses;
  target?: Unanswered;
}

/** `slices`: in which all claims together match their keys with the scopes of their tasks. */
type AttemptOptions = CopyWorkOptions & { readonly slices: Slices };

async function attempted(
  options: AttemptOptions,
  claim: Claim,
  { startedAt, watches }: { readonly startedAt: number; readonly watches: Watches },
): Promise<WorkResult> {
  const journal = new ClaimJournal(options.database, claim);
  try {
    const outcome = await copyClaimed(options, claim, { journal, watches });
    return outcome.kind === 'restoring'
      ? waiting(options, claim, { ...outcome, startedAt })
      : resultOf(outcome, startedAt);
  } catch (error) {
    if (watches.source?.missed(error) === true) {
      const { missingSource } = watches;
      return missing(options, claim, { reason: error.message, missingSource, startedAt });
    }
    const { attempt } = journal;
    return resultOfError(options, { ...claim, attempt }, { error, startedAt });
  }
}

/** Else a change that ends its process, or can never be settled, would be worked on for ever. */
function givenUp({ log }: CopyWorkOptions, claim: Claim, startedAt: number): WorkResult {
  const { taskId, key, attempt } = claim;
  log.error({ event: 'object.broke', taskId, key, attempt }, 'no attempt came to an end');
  return failed('internal', 'its attempts broke off, each without a result', startedAt);
}

async function copyClaimed(
  { openTasks, slices, sizes, clock, log }: AttemptOptions,
  claim: Claim,
  { journal, watches }: { readonly journal: ClaimJournal; readonly watches: Watches },
): Promise<Outcome> {
  using task = await openTasks.use(claim.taskId, claim.revision);
  watches.missingSource = task.missingSource;
  const outside = await slices.run(() => outsideOf(task.scope, claim));
  if (outside !== undefined) return outside;
  watches.source = misses(task.source);
  watches.target = unanswered(task.target);
  return await copyObject({
    key: keyOfIndexed(claim.key),
    source: watches.source.store,
    target: watches.target.store,
    findings: task.findings,
    copiedEtag: claim.copiedEtag,
    targetDoubtful: claim.targetDoubtful,
    unsettled: claim.unsettled,
    writeSent: claim.writeSent,
    recorded: recordedOf(claim),
    uploading: claim.uploading,
    journal,
    policy: task.policy,
    sizes,
    lease: {
      signal: claim.lease.signal,
      assertHeld() {
        if (!claim.lease.held()) throw new LeaseLost(`the right to ${claim.key} ended`);
      },
    },
    clock,
    onUploadLeft(err) {
      const { taskId, key } = claim;
      log.warn({ event: 'upload.left', taskId, key, err }, 'an upload may be left');
    },
  });
}

/** A key that the task is not about, or that the target cannot have, is not looked at. */
function outsideOf(scope: KeyScope, claim: Claim): Outcome | undefined {
  const key = keyOfIndexed(claim.key);
  const inScope = scope.includes(key);
  if (inScope && scope.hasTarget(key)) return undefined;
  const reason = inScope ? 'no-target-key' : 'out-of-scope';
  return { kind: 'skipped', reason, size: undefined, written: recordedOf(claim) };
}

function recordedOf(claim: Claim): WrittenObject | undefined {
  const { targetEtag: etag, targetVersion, targetWrittenAt } = claim;
  if (etag === undefined) return undefined;
  return { etag, versionId: targetVersion, writtenAt: targetWrittenAt };
}

type Restoring = Extract<Outcome, { kind: 'restoring' }>;

/** The source thaws: the change becomes due again, and no worker is held meanwhile. */
function waiting(
  { restoreWaitMs, clock, log }: CopyWorkOptions,
  { taskId, key, restoringSince }: Claim,
  { checkAfterMs, startedAt }: Restoring & { readonly startedAt: number },
): WorkResult {
  const since = restoringSince ?? startedAt;
  const asked = new Date(since).toISOString();
  if (restoringSince !== undefined && clock.now() - since > restoreWaitMs) {
    const message = `Its restoration was requested at ${asked}, and it still cannot be read. Check the state of the restoration at the source, raise {settings.restoreWaitHours} if necessary, and retry the failed objects.`;
    return { ...failed('archived', '', startedAt), message };
  }
  log.info({ event: 'object.restoring', taskId, key, checkAfterMs }, 'waits to be restored');
  return {
    done: false,
    delayMs: checkAfterMs,
    released: false,
    restoring: true,
    startedAt,
    reason: 'archived',
    message: `The source object is being restored; the restoration was requested at ${asked}. The next attempt is at due_time.`,
  };
}

/**
 * The source has no object of this key, or does not show it yet. An object that a scan has listed is
 * `changed`: its name is right.
 */
function missing(
  options: CopyWorkOptions,
  claim: Claim,
  {
    reason,
    missingSource,
    startedAt,
  }: {
    readonly reason: string;
    readonly missingSource: MissingSource | undefined;
    readonly startedAt: number;
  },
): WorkResult {
  const { notFoundWaitMs, backoff, clock } = options;
  const { namedForMs = Infinity, origin } = claim;
  const listed = origin === 'scan';
  const kind = listed ? 'changed' : 'not-found';
  const leftMs = notFoundWaitMs - namedForMs;
  if (leftMs > 0) {
    // About as long again as it was waited already, so that the waits double.
    const grown = { baseMs: Math.max(namedForMs, backoff.baseMs), maxMs: Infinity };
    const delayMs = Math.ceil(Math.min(backoffMs(1, grown, clock.random()), leftMs));
    const { taskId, key } = claim;
    options.onRetry(kind);
    // Not at a level that is on by default: each event for a deleted object gets here several times.
    options.log.debug({ event: 'object.awaited', taskId, key, delayMs, reason }, 'not there yet');
    return { ...again({ kind, reason, startedAt, delayMs }), awaited: true };
  }
  if (missingSource === 'skip') {
    const skipped = { kind: 'skipped', reason: 'source-missing', size: undefined } as const;
    return resultOf({ ...skipped, written: recordedOf(claim) }, startedAt);
  }
  if (!listed) return failed(kind, reason, startedAt);
  const message = `A scan found it, and the source does not have it any more: ${clean(reason)} If it has been deleted, do nothing. Otherwise retry the failed objects.`;
  return { ...failed(kind, '', startedAt), message };
}

function resultOf(outcome: Exclude<Outcome, Restoring>, startedAt: number): WorkResult {
  const done = { done: true, delayMs: 0, released: false, startedAt, outcome: outcome.kind };
  switch (outcome.kind) {
    case 'copied':
      return {
        ...done,
        size: outcome.size,
        checkMethod: outcome.check.method,
        checkPassed: outcome.check.passed,
        checkDetail: outcome.check.detail,
        proof: outcome.proof,
        ...target(outcome.written),
        ...outcome.crcs,
        sourceEtag: outcome.sourceEtag,
        ...(outcome.notes.length > 0 && { message: clean(sentence(outcome.notes)) }),
      };
    case 'skipped':
      return {
        ...done,
        reason: outcome.reason,
        size: outcome.size,
        ...outcome.crcs,
        ...target(outcome.written),
      };
    case 'failed':
      return {
        ...failed(outcome.fault, outcome.message, startedAt),
        size: outcome.size,
        ...(outcome.fault === 'inconsistent' && { checkPassed: false, targetDoubtful: true }),
      };
  }
}

function target(written: WrittenObject | undefined): Partial<WorkResult> {
  return {
    targetEtag: written?.etag,
    targetVersion: written?.versionId,
    targetWrittenAt: written?.writtenAt,
  };
}

function failed(kind: FailureKind, message: string, startedAt: number): WorkResult {
  return {
    done: true,
    delayMs: 0,
    released: false,
    startedAt,
    outcome: 'failed',
    reason: kind,
    message: `${clean(message)} ${remedies[kind]}`,
  };
}

/** What has no room is counted at least: nothing may be lost without a word. */
function sentence(notes: readonly string[]): string {
  let shown = notes.length;
  let text = notes.join('; ');
  while (text.length > MESSAGE_MAX && shown > 0) {
    shown -= 1;
    text = [...notes.slice(0, shown), `and ${notes.length - shown} more like these`].join('; ');
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A `text` value in PostgreSQL cannot contain NUL. A longer answer of a cloud is of no use. */
function clean(message: string): string {
  const text = message.replaceAll('\0', '').slice(0, MESSAGE_MAX).toWellFormed();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function resultOfError(
  options: CopyWorkOptions,
  claim: Claim,
  { error, startedAt }: { readonly error: unknown; readonly startedAt: number },
): WorkResult {
  if (error instanceof LeaseLost || claim.lease.signal.aborted) return released;
  if (error instanceof TaskGone) return released; // And so are its changes.
  if (error instanceof ObjectTooLarge) return failed('too-large', error.message, startedAt);
  if (error instanceof StoreError) {
    const again = error.transient && claim.attempt < attemptsMaxOf(options, claim);
    if (!again) return failed(error.fault, error.message, startedAt);
    return later(options, claim, { kind: error.fault, reason: error.message, startedAt, error });
  }
  const { taskId, key } = claim;
  if (error instanceof DatabaseError && error.transient) {
    const level = alreadyLogged(error) ? 'debug' : 'error';
    const line = { event: 'worker.failed', doing: 'copy', taskId, key, err: error };
    options.log[level](line, NOT_SERVED);
    return { ...released, delayMs: delayAfter(options, claim) };
  }
  const { kind, reason } = notOfStores(options, claim, error);
  if (claim.attempt >= attemptsMaxOf(options, claim)) return failed(kind, reason, startedAt);
  return later(options, claim, { kind, reason, startedAt, error: undefined });
}

/** What no store has said: another process, or the operator, may put it right. */
function notOfStores(
  { log }: CopyWorkOptions,
  { taskId, key }: Claim,
  error: unknown,
): { readonly kind: FailureKind; readonly reason: string } {
  if (error instanceof ServiceError) {
    const { message, detail = '' } = error;
    return { kind: 'refused', reason: `${message} ${detail}`.trim() };
  }
  log.error({ event: 'object.broke', taskId, key, err: error }, 'unexpected error');
  return { kind: 'internal', reason: 'the attempt ended with an unexpected error' };
}

/** Those that broke off do not count here: a restart of the service is no failure of the object. */
function attemptsMaxOf({ attemptsMax }: CopyWorkOptions, claim: Claim): number {
  return Math.min(attemptsMax, claim.attemptsMax ?? attemptsMax);
}

function delayAfter({ backoff, clock }: CopyWorkOptions, { attempt }: Claim): number {
  return backoffMs(attempt, backoff, clock.random());
}

function later(
  options: CopyWorkOptions,
  claim: Claim,
  cause: {
    readonly kind: FailureKind;
    readonly reason: string;
    readonly startedAt: number;
    readonly error: StoreError | undefined;
  },
): WorkResult {
  const asked = Math.min(cause.error?.details.retryAfterMs ?? 0, options.backoff.maxMs);
  const delayMs = Math.max(delayAfter(options, claim), asked);
  const { taskId, key, attempt } = claim;
  const { kind: fault, reason } = cause;
  options.onRetry(fault);
  options.log.warn(
    { event: 'object.retry', taskId, key, attempt, fault, delayMs, reason },
    'trying again later',
  );
  return again({ ...cause, delayMs });
}

function again({
  kind,
  reason,
  startedAt,
  delayMs,
}: {
  readonly kind: FailureKind;
  readonly reason: string;
  readonly startedAt: number;
  readonly delayMs: number;
}): WorkResult {
  return {
    done: false,
    delayMs,
    released: false,
    startedAt,
    reason: kind,
    message: clean(reason),
  };
}
