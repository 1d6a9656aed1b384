import { Secret } from '../../../platform/base/seal.ts';
import type { Behaviour } from '../../../platform/model/behaviour.ts';
import type { Counters } from '../../../platform/model/statistics.ts';
import type { SyncTask } from '../../../domain/tasks/task-record.ts';
import { ServiceError } from '../../../domain/service-error.ts';
import type { AccessKey } from '../../../platform/signing/access-key.ts';
import type { NewSyncTask, TaskCredentials } from '../../../domain/tasks/sync/sync-task-service.ts';
import type {
  CreateSyncTaskBody,
  ShowSyncTaskReply,
  StartSyncTaskBody,
  SyncTaskInfo,
} from './schemas/sync-task.ts';
import type { TaskChange } from '../../../domain/tasks/tasks-table.ts';
import type { ChangeSyncTaskBody } from './schemas/scans.ts';
import { readChoices, showChoices } from './task-choices.ts';
import { checkCopyFilters, checkedChoices } from './task-filters.ts';
import { invalid, missingParameters } from '../kit/validation.ts';

const kmsCredentials = 'credentials encrypted by KMS cannot be read here; send them with DEFAULT';

/** The requested features that this version lacks, each with what to do instead. */
function unsupported(body: CreateSyncTaskBody): string[] {
  return [
    body.src_crypto_type === 'KMS' && `src_crypto_type: ${kmsCredentials}`,
    body.dst_crypto_type === 'KMS' && `dst_crypto_type: ${kmsCredentials}`,
    body.source_cdn?.crypto_type === 'KMS' && `source_cdn.crypto_type: ${kmsCredentials}`,
  ].filter((reason) => reason !== false);
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw new ServiceError(
    'not-supported',
    'The request needs something that this version does not support.',
    reasons.join('; '),
  );
}

/**
 * Translates the body of a creation for the service.
 *
 * @throws {ServiceError} `not-supported`, naming every field that requests such a feature.
 * @throws {RequestError} where the `app_id` of Tencent is missing or malformed.
 */
export function toNewSyncTask(body: CreateSyncTaskBody): NewSyncTask {
  refuse(unsupported(body));
  const cloud = body.src_cloud_type ?? 'Aliyun';
  const { app_id: appId, ...others } = body;
  const choices = checkedChoices(readChoices(appId === '' ? others : body));
  if (cloud === 'Tencent') checkAppId(choices.appId);
  return {
    source: {
      cloud,
      region: body.src_region,
      bucket: body.src_bucket,
      endpoint: body.src_endpoint,
    },
    target: {
      cloud: body.dst_cloud_type ?? 'HuaweiCloud',
      region: body.dst_region,
      bucket: body.dst_bucket,
      endpoint: body.dst_endpoint,
    },
    ...choices,
    sourceCdn: fromSourceCdn(body.source_cdn),
    start: body.start ?? true,
    initialScan: body.initial_scan ?? false,
    reconcileHours: body.reconcile_hours ?? 0,
    credentials: { ...credentials(body), cdnKey: secretOf(body.source_cdn?.authentication_key) },
  };
}

/**
 * Reads a change of a task.
 *
 * @throws {RequestError} for filters that no object passes.
 */
export function toTaskChange(body: ChangeSyncTaskBody): TaskChange {
  const { copyFilters, missingSource } = readChoices(body);
  if (copyFilters !== undefined) checkCopyFilters(copyFilters);
  return {
    reconcileHours: body.reconcile_hours,
    copyFilters,
    missingSource: body.missing_source === undefined ? undefined : missingSource,
  };
}

/** It becomes a part of the bucket's name. */
function checkAppId(appId: string | undefined): void {
  if (appId === undefined) throw missingParameters(['app_id']);
  if (!/^\d+$/.test(appId)) throw invalid('app_id', "must be the account's APPID, a number");
}

function fromSourceCdn(cdn: CreateSyncTaskBody['source_cdn']): SyncTask['sourceCdn'] {
  if (cdn === undefined) return undefined;
  const { domain, protocol, authentication_type: authenticationType } = cdn;
  return { domain, protocol, authenticationType };
}

/** An empty secret counts as absent, because forms send fields that were not filled in. */
function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined || text === '' ? undefined : new Secret(text);
}

/**
 * The credentials that a start brings; what it does not bring is missing.
 *
 * @throws {RequestError} where it brings some of the four and not all.
 */
export function toCredentials(body: StartSyncTaskBody): Partial<TaskCredentials> {
  refuse(
    [
      body.src_crypto_type === 'KMS' && `src_crypto_type: ${kmsCredentials}`,
      body.dst_crypto_type === 'KMS' && `dst_crypto_type: ${kmsCredentials}`,
      body.source_cdn_crypto_type === 'KMS' && `source_cdn_crypto_type: ${kmsCredentials}`,
    ].filter((reason) => reason !== false),
  );
  const ofCdn = { cdnKey: secretOf(body.source_cdn_authentication_key) };
  const { src_ak, src_sk, dst_ak, dst_sk } = body;
  const tokens = [body.src_security_token, body.dst_security_token];
  if ([src_ak, src_sk, dst_ak, dst_sk, ...tokens].every((key) => key === undefined)) return ofCdn;
  return { ...credentials(body), ...ofCdn };
}

type Keys = 'src_ak' | 'src_sk' | 'src_security_token' | 'dst_ak' | 'dst_sk' | 'dst_security_token';

function credentials(body: Pick<StartSyncTaskBody, Keys>): TaskCredentials {
  const { src_ak, src_sk, dst_ak, dst_sk } = body;
  if (
    src_ak === undefined ||
    src_sk === undefined ||
    dst_ak === undefined ||
    dst_sk === undefined
  ) {
    const all = Object.entries({ src_ak, src_sk, dst_ak, dst_sk });
    throw missingParameters(all.filter(([, key]) => key === undefined).map(([name]) => name));
  }
  return {
    source: keyPair(src_ak, src_sk, body.src_security_token),
    target: keyPair(dst_ak, dst_sk, body.dst_security_token),
  };
}

function keyPair(accessKeyId: string, secret: string, token: string | undefined): AccessKey {
  return { accessKeyId, secretAccessKey: new Secret(secret), sessionToken: secretOf(token) };
}

/** A task as the list shows it. */
export function toSyncTaskInfo(task: SyncTask): SyncTaskInfo {
  return { ...shared(task), source_cdn: toSourceCdn(task.sourceCdn) };
}

/** Leaves out the key, which is never reported. */
function toSourceCdn(cdn: SyncTask['sourceCdn']): SyncTaskInfo['source_cdn'] {
  if (cdn === undefined) return null;
  const { domain, protocol, authenticationType } = cdn;
  return { domain, protocol, authentication_type: authenticationType };
}

/** A task as the reply to a single task shows it, with the numbers of one month. */
export function toShowReply(
  task: SyncTask,
  month: Counters,
  reconcileHours: number,
): ShowSyncTaskReply {
  return {
    ...shared(task),
    monthly_acceptance_request: month.REQUEST,
    monthly_success_object: month.SUCCESS,
    monthly_failure_object: month.FAILURE,
    monthly_skip_object: month.SKIP,
    monthly_size: month.SIZE,
    ...(reconcileHours === 0 ? {} : { reconcile_hours: reconcileHours }),
    ...behaviours(task),
  };
}

function behaviours({ behaviour }: SyncTask) {
  if (behaviour === undefined) return {};
  const { source, target } = behaviour;
  return { src_behaviour: toBehaviour(source), dst_behaviour: toBehaviour(target) };
}

function toBehaviour(found: Behaviour): NonNullable<ShowSyncTaskReply['src_behaviour']> {
  return {
    conditional_read: found.conditionalRead ?? null,
    range_read: found.ranges ?? null,
    ordered_list: found.ordered ?? null,
    md5_check: found.checksMd5 ?? null,
    conditional_put: found.conditionalPut ?? null,
    conditional_remove: found.conditionalRemove ?? null,
  };
}

function shared(task: SyncTask): Omit<SyncTaskInfo, 'source_cdn'> {
  const { source, target } = task;
  return {
    sync_task_id: task.id,
    src_cloud_type: source.cloud,
    src_region: source.region,
    src_bucket: source.bucket,
    create_time: task.createdAt,
    last_start_time: task.lastStartedAt,
    dst_bucket: target.bucket,
    dst_region: target.region,
    status: task.status,
    ...showChoices(task),
    ...(source.endpoint === undefined ? {} : { src_endpoint: source.endpoint }),
    ...(target.cloud === 'HuaweiCloud' ? {} : { dst_cloud_type: target.cloud }),
    ...(target.endpoint === undefined ? {} : { dst_endpoint: target.endpoint }),
  };
}
