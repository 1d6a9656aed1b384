import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import type { TaskBehaviour } from '../../platform/model/behaviour.ts';
import type { Fault } from '../../platform/model/fault.ts';
import type { BucketPlace, TaskPlan } from './task-record.ts';
import type { AccessKey } from '../../platform/signing/access-key.ts';
import type { Store, Traits } from '../../platform/stores/store.ts';
import { KeyScope } from '../../platform/model/key-scope.ts';
import { mappedKeys } from '../../platform/stores/layers/mapped-keys.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import {
  type Ability,
  ProbeFailed,
  probeSource,
  probeTarget,
  type UnreadableObject,
} from '../copy/probe.ts';
import { observeSource, observeTarget } from '../copy/observe.ts';
import { SameBucket } from '../copy/same-bucket.ts';
import { type Endpoints, mayBeOneService } from './endpoints.ts';
import type { OpenBuckets } from './open-buckets.ts';
import { ServiceError } from '../service-error.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

export interface BucketChecksOptions {
  readonly open: OpenBuckets;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether requests are sent to the buckets. What is known about their clouds is always checked. */
  readonly probes: boolean;
  /** Milliseconds for all requests to one bucket. */
  readonly timeoutMs: number;
}

/**
 * Checks that both buckets can do what a task needs, before the task is accepted. Single objects that cannot be read
 * are logged: they do not prevent the task.
 *
 * @returns How their stores behaved; undefined where they were not probed.
 * @throws {ServiceError} that says which field, right or address is wrong.
 */
export async function checkBuckets(
  { open, endpoints, clock, log, probes, timeoutMs }: BucketChecksOptions,
  plan: TaskPlan,
  credentials: TaskCredentials,
): Promise<TaskBehaviour | undefined> {
  await using ownSource = opened('source', () => open.source(plan, credentials));
  await using ownTarget = opened('target', () => open.target(plan, credentials));
  checkTraits(plan, ownSource.traits, ownTarget.traits);
  if (!probes) return undefined;
  const tier = plan.storagePolicy === 'SRC_STORAGE_MAPPING' ? undefined : plan.storagePolicy;
  const scope = new KeyScope(plan);
  const overlap = scope.overlap();
  // Credentials may be limited to the keys that the task is about.
  const [read = ''] = scope.prefixes;
  const written = scope.targetKey(read);
  const source = below(ownSource, read);
  const target = below(ownTarget, written);
  const mayFeed = overlap !== undefined && mayBeOneService(endpoints, plan.source, plan.target);
  const demand = {
    tier,
    kms: plan.kms,
    clock,
    source: mayFeed ? below(ownSource, written) : undefined,
  };
  // Both run to their end, because a probe removes what it has written.
  const limits = { clock, timeoutMs, overlap };
  const asked = await Promise.allSettled([
    probeEnd(
      endOf('source', plan.source, credentials.source, plan.appId),
      limits,
      async (signal) => {
        const options = { behindCdn: plan.sourceCdn !== undefined };
        logUnreadable(log, plan.source, await probeSource(source, options, signal));
        return await observeSource(source, options, { clock, signal });
      },
    ),
    probeEnd(endOf('target', plan.target, credentials.target), limits, async (signal) => ({
      ...(await probeTarget(target, demand, signal)),
      ...(await observeTarget(target, { clock, signal })),
    })),
  ]);
  const [ofSource, ofTarget] = asked;
  if (ofSource.status === 'rejected') throw ofSource.reason;
  if (ofTarget.status === 'rejected') throw ofTarget.reason;
  return { source: ofSource.value, target: ofTarget.value };
}

function logUnreadable(
  log: Logger,
  { bucket }: BucketPlace,
  unreadable: readonly UnreadableObject[],
): void {
  for (const { key, error } of unreadable) {
    const found = { event: 'check.unreadable', bucket, key, reason: error.cause?.fault };
    log.warn({ ...found, detail: error.message }, 'an object of the source cannot be read');
  }
}

/** A bucket that shows only what begins with a prefix, by the rest of its keys. */
function below(store: Store, prefix: string): Store {
  return mappedKeys(store, new KeyScope({ targetPrefix: prefix }));
}

/**
 * The refusal of a task from a bucket to itself.
 *
 * @param found.overlap The beginning of keys that the task would write and read.
 * @param found.left The key of what the check wrote and could not remove.
 */
export function sameBucket({
  overlap = '',
  left,
}: {
  readonly overlap?: string | undefined;
  readonly left?: string | undefined;
} = {}): ServiceError {
  const remove =
    left === undefined
      ? ''
      : ` The check could not remove "${left}" from it: remove that object yourself.`;
  if (overlap !== '') {
    return new ServiceError(
      'invalid-request',
      'Source and target are the same bucket, and the task would copy its own copies.',
      `[target.prefix] invalid: keys that begin with ${JSON.stringify(overlap)} are in scope and would also be written. Choose another prefix, or exclude what begins with it by {keyFilters}.${remove}`,
    );
  }
  return new ServiceError(
    'invalid-request',
    'Source and target are the same bucket.',
    `[target.bucket] invalid. Name another bucket than {source.bucket}, or another place.${remove}`,
  );
}

/** @throws {ServiceError} when the credentials do not have the form of that cloud. */
function opened(side: Side, open: () => Store): Store {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const { called, problem } = parties[side];
    const { cloudMessage = error.fault } = error.details;
    const detail = `[${side}.accessKeyId] or [${side}.secretAccessKey] invalid: ${cloudMessage}.`;
    const message = `${called} cannot be opened.`;
    throw new ServiceError(problem, message, detail, { cause: error });
  }
}

function checkTraits(plan: TaskPlan, source: Traits, target: Traits): void {
  const { storagePolicy: policy } = plan;
  const reasons = [
    plan.kms &&
      !target.kms &&
      (target.kmsNeedsTls
        ? `[kms] invalid: ${called(target)} encrypts with its key service over HTTPS only, and the endpoint of the destination is http://`
        : `[kms] invalid: ${called(target)} is not known to encrypt with the default key of a key service at the request of a client; omit this field, and configure encryption at the bucket or the account`),
    plan.restore &&
      !source.restore &&
      `[restore] invalid: ${called(source)} restores no objects; omit this field`,
    policy !== undefined &&
      policy !== 'SRC_STORAGE_MAPPING' &&
      !target.tiers.includes(policy) &&
      `[target.storageClass] invalid: ${called(target)} has no class for ${policy}; it has ${list(target.tiers)}`,
  ].filter((reason) => reason !== false);
  if (reasons.length === 0) return;
  const message = 'These clouds do not support what the request needs.';
  throw new ServiceError('not-supported', message, reasons.join('; '));
}

/** The row whose facts apply. It may differ from the cloud type that the task names. */
function called({ cloud, row }: Traits): string {
  return row === cloud ? cloud : `${row} (here as the cloud type ${cloud})`;
}

function list(words: readonly string[]): string {
  return words.length === 0 ? 'none to choose' : words.join(', ');
}

type Side = 'source' | 'target';

/** Each party that can refuse, and how messages name it. */
const parties = {
  source: { called: 'The source bucket', problem: 'source-refused' },
  target: { called: 'The destination bucket', problem: 'target-refused' },
  cdn: { called: 'The CDN before the source', problem: 'cdn-refused' },
} as const;

/** One end of a task, and which fields of the request say where it is, what and who. */
interface End {
  readonly side: Side;
  readonly place: 'region' | 'endpoint';
  readonly names: readonly string[];
  readonly keys: readonly string[];
}

function endOf(
  side: Side,
  { endpoint }: BucketPlace,
  { sessionToken }: AccessKey,
  appId?: string,
): End {
  return {
    side,
    place: endpoint === undefined ? 'region' : 'endpoint',
    names: [`${side}.bucket`, ...(appId === undefined ? [] : ['source.appId'])],
    keys: [
      ...[`${side}.accessKeyId`, `${side}.secretAccessKey`],
      ...(sessionToken === undefined ? [] : [`${side}.sessionToken`]),
    ],
  };
}

/** `[a], [b] or [c]` */
function oneOf(fields: readonly string[]): string {
  const all = fields.map((field) => `[${field}]`);
  const others = all.slice(0, -1).join(', ');
  return others === '' ? all.join('') : `${others} or ${all.at(-1) ?? ''}`;
}

interface Limits extends Pick<BucketChecksOptions, 'clock' | 'timeoutMs'> {
  readonly overlap: string | undefined;
}

async function probeEnd<T>(
  end: End,
  { clock, timeoutMs, overlap }: Limits,
  probe: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = timeLimit(clock, timeoutMs);
  try {
    return await probe(limit.signal);
  } catch (error) {
    if (error instanceof SameBucket) throw sameBucket({ overlap, left: error.leftKey });
    throw error instanceof ProbeFailed ? refusal(end, error, timeoutMs) : error;
  }
}

function refusal(end: End, failure: ProbeFailed, timeoutMs: number): ServiceError {
  const { ability, cause } = failure;
  const isCdn = ability === 'deliver';
  const { called, problem } = parties[isCdn ? 'cdn' : end.side];
  if (cause !== undefined) {
    const detail = detailOf(end, ability, cause);
    return new ServiceError(problem, `${called} cannot be used.`, detail, { cause: failure });
  }
  const message = `${called} did not answer within ${timeoutMs / 1000} s.`;
  const address = isCdn ? CDN_ADDRESS : addressOf(end);
  return new ServiceError(problem, message, `${address} ${SKIP}`, { cause: failure });
}

const SKIP = '{settings.checkBuckets}=false lets tasks be created unchecked.';

const addressOf = ({ side, place }: End): string =>
  `[${side}.${place}] invalid: check region, endpoint, DNS, proxy and firewall.`;

const CDN_ADDRESS =
  '[cdn.domain] invalid: check the domain, its DNS, the protocol and its certificate, proxy and firewall.';

/** What a probe tested, as the name of a right. */
const rights: Record<Ability, string> = {
  list: 'list the objects of the bucket',
  read: 'read objects, including the answer that an object does not exist (which needs the right to list)',
  deliver: 'deliver an object of the bucket',
  write: 'write objects in parts',
  class: 'write objects of the class that {target.storageClass} names',
  encrypt: 'write objects that the key service encrypts ({kms})',
  abort: 'abort multipart uploads',
  remove:
    'remove objects; remove the object whose name begins with brigade-probe- from the bucket yourself',
};

/** What to change, by the fault that the store reported. */
const mistakes: Partial<Record<Fault, (end: End, ability: Ability) => string>> = {
  'bad-credentials': ({ keys }) => `${oneOf(keys)} invalid: the store does not accept them.`,
  'denied': ({ side }, ability) =>
    `[${side}.accessKeyId] invalid: it lacks the right to ${rights[ability]}.`,
  'no-bucket': ({ side, place, names }) =>
    `${oneOf([...names, `${side}.${place}`])} invalid: there is no such bucket in this ${place === 'region' ? 'region; not every cloud reports that a bucket is in another region' : 'place'}.`,
  // A store has a code for a missing object or bucket; a web server answers 404 to any unknown path.
  'not-found': speaksOtherwise,
  'unsupported': (_end, ability) =>
    ability === 'encrypt'
      ? '[kms] invalid: the destination has no key service, or its key service is not configured.'
      : `It does not support this request: to ${rights[ability]}.`,
  'clock-skew': () =>
    'The clocks of this machine and the store differ too much: synchronize both with NTP.',
  'unreachable': addressOf,
  'bad-reply': speaksOtherwise,
  'refused': refused,
};

/** The store's own message has the reason. A request that needs nothing special probably went to the wrong place. */
function refused({ side, place }: End, ability: Ability): string {
  const wishes: Partial<Record<Ability, string>> = {
    class: '[target.storageClass]',
    encrypt: '[kms]',
  };
  const field = wishes[ability] ?? `[${side}.cloud] or [${side}.${place}]`;
  return `${field} may be wrong: the store rejected the request to ${rights[ability]}.`;
}

function speaksOtherwise({ side, place }: End): string {
  return `[${side}.${place}] invalid: the server at this address does not answer as this cloud does.`;
}

const cdnKey =
  '[cdn.authenticationType] or [cdn.key] invalid: the CDN rejected the signed request.';

/** The same for the CDN. Its own message follows. */
const cdnMistakes: Partial<Record<Fault, string>> = {
  'bad-credentials': cdnKey,
  'denied': cdnKey,
  'unreachable': CDN_ADDRESS,
  'interrupted': CDN_ADDRESS,
  'refused': '[cdn.protocol] or [cdn.domain] invalid.',
  'bad-reply': '[cdn.domain] invalid: the server at this address is not a CDN.',
  'stale-cdn':
    '[cdn.domain] invalid, or the cache of the CDN is outdated: it delivers other bytes than the bucket has.',
};

function detailOf(end: End, ability: Ability, cause: StoreError): string {
  const isCdn = ability === 'deliver';
  const known = isCdn ? cdnMistakes[cause.fault] : mistakes[cause.fault]?.(end, ability);
  const mistake = known ?? `It failed to ${rights[ability]} (${cause.fault}).`;
  const { status, cloudCode, cloudMessage } = cause.details;
  const said = [status, cloudCode, cloudMessage].filter((part) => part !== undefined).join(' ');
  if (said === '') return mistake;
  // Without a status there was no answer, and the message is this machine's.
  const speaker = status === undefined ? 'Details' : `The ${isCdn ? 'CDN' : 'store'} said`;
  return `${mistake} ${speaker}: ${said}`;
}
