import { backoffMs, type Backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Database } from '../database/db.ts';
import {
  findUpload,
  insertPart,
  insertUpload,
  removeUpload,
  setUploadId,
  type UploadOf,
} from '../database/uploads.ts';
import { type Claim, released, type WorkHandler, type WorkResult } from '../engine/work.ts';
import type { FailureKind, Outcome } from '../model/outcome.ts';
import { remedies } from '../model/remedies.ts';
import { StoreError } from '../stores/store-error.ts';
import { copyObject } from '../transfer/copy-object.ts';
import { LeaseLost, type TransferSizes, type UploadJournal } from '../transfer/transfer.ts';
import { type OpenTasks, TaskGone } from './open-tasks.ts';

export interface CopyWorkOptions {
  readonly database: Database;
  readonly openTasks: OpenTasks;
  readonly sizes: TransferSizes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly attemptsMax: number;
  readonly backoff: Backoff;
  /** An attempt failed and comes again; counted by what it failed of. */
  readonly onRetry: (kind: FailureKind) => void;
}

const MESSAGE_MAX = 1_000;

/** The work on one claimed change: copy the object, and say how it ended. */
export function copyWork(options: CopyWorkOptions): WorkHandler {
  return async (claim) => {
    const startedAt = options.clock.now();
    try {
      return resultOf(await copyClaimed(options, claim), startedAt);
    } catch (error) {
      return resultOfError(options, claim, { error, startedAt });
    }
  };
}

async function copyClaimed(
  { openTasks, database, sizes }: CopyWorkOptions,
  claim: Claim,
): Promise<Outcome> {
  using task = await openTasks.use(claim.taskId, claim.revision);
  return await copyObject({
    key: claim.key,
    source: task.source,
    target: task.target,
    copiedEtag: claim.copiedEtag ?? undefined,
    uploading: claim.uploading,
    journal: journalOf(database, claim),
    policy: task.policy,
    sizes,
    lease: {
      signal: claim.lease.signal,
      assertHeld() {
        if (!claim.lease.held()) throw new LeaseLost(`the right to ${claim.key} ended`);
      },
    },
  });
}

function resultOf(outcome: Outcome, startedAt: number): WorkResult {
  const done = { done: true, delayMs: 0, released: false, startedAt, outcome: outcome.kind };
  switch (outcome.kind) {
    case 'copied':
      return {
        ...done,
        size: outcome.size,
        checkMethod: outcome.check.method,
        checkPassed: outcome.check.passed,
        checkDetail: outcome.check.detail,
        sourceEtag: outcome.sourceEtag,
      };
    case 'skipped':
      return { ...done, reason: outcome.reason, size: outcome.size };
    case 'failed':
      return {
        ...failed(outcome.fault, outcome.message, startedAt),
        size: outcome.size,
        // No source has this ETag: the next look copies, whatever sizes and times say.
        ...(outcome.fault === 'inconsistent' && { checkPassed: false, sourceEtag: '' }),
      };
  }
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

/** PostgreSQL's texts have no NUL, and nobody reads a page-long answer of a cloud. */
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
  if (error instanceof RangeError) return failed('too-large', error.message, startedAt);
  if (error instanceof StoreError) {
    const again = error.transient && claim.attempt < options.attemptsMax;
    if (!again) return failed(error.fault, error.message, startedAt);
    return later(options, claim, { kind: error.fault, reason: error.message, startedAt, error });
  }
  const { taskId, key } = claim;
  options.log.error({ event: 'object.broke', taskId, key, err: error }, 'unexpected error');
  const reason = 'the attempt ended with an unexpected error';
  if (claim.attempt >= options.attemptsMax) return failed('internal', reason, startedAt);
  return later(options, claim, { kind: 'internal', reason, startedAt, error: undefined });
}

function later(
  { clock, log, backoff, onRetry }: CopyWorkOptions,
  { taskId, key, attempt }: Claim,
  cause: {
    readonly kind: FailureKind;
    readonly reason: string;
    readonly startedAt: number;
    readonly error: StoreError | undefined;
  },
): WorkResult {
  const { kind: fault, reason, startedAt } = cause;
  const asked = Math.min(cause.error?.details.retryAfterMs ?? 0, backoff.maxMs);
  const delayMs = Math.max(backoffMs(attempt, backoff, clock.random()), asked);
  onRetry(fault);
  log.warn(
    { event: 'object.retry', taskId, key, attempt, fault, delayMs, reason },
    'trying again later',
  );
  return {
    done: false,
    delayMs,
    released: false,
    startedAt,
    reason: fault,
    message: clean(reason),
  };
}

function journalOf(database: Database, { taskId, key }: Claim): UploadJournal {
  /** Not there before one was found or intended, and so before there is anything to say of it. */
  let upload: UploadOf = { taskId, key, id: '0' };
  return {
    async find() {
      const found = await findUpload(database, { taskId, key });
      if (found === undefined) return undefined;
      const { id, ...row } = found.upload;
      upload = { taskId, key, id };
      return {
        ...row,
        uploadId: row.uploadId ?? undefined,
        parts: found.parts.map((part) => ({
          ...part,
          md5: part.md5 ?? undefined,
          crc64: part.crc64 ?? undefined,
        })),
      };
    },
    async intend(intention) {
      upload = { taskId, key, id: await insertUpload(database, { taskId, key }, intention) };
    },
    async opened(uploadId) {
      if (await setUploadId(database, upload, uploadId)) return;
      throw new LeaseLost(`the right to ${key} ended`);
    },
    checked: (part) =>
      insertPart(database, upload, { ...part, md5: part.md5 ?? null, crc64: part.crc64 ?? null }),
    ended: () => removeUpload(database, upload),
  };
}
