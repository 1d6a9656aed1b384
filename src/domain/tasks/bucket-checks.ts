import type { Clock } from '../../platform/base/clock.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import type { TaskBehaviour } from '../../platform/model/behaviour.ts';
import type { Fault } from '../../platform/model/fault.ts';
import type { BucketPlace, TaskPlan } from './task-record.ts';
import type { AccessKey } from '../../platform/signing/access-key.ts';
import type { Store, Traits } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { type Ability, ProbeFailed, probeSource, probeTarget } from '../copy/probe.ts';
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
  /** Whether buckets are asked; what is known of their clouds is checked always. */
  readonly probes: boolean;
  /** Milliseconds for all questions to one bucket. */
  readonly timeoutMs: number;
}

/**
 * Looks whether both buckets can do what a task asks for, before it says that it synchronizes.
 *
 * @returns How their stores behaved; undefined where they were not probed.
 * @throws {ServiceError} that says which field, right or address is wrong.
 */
export async function checkBuckets(
  { open, endpoints, clock, probes, timeoutMs }: BucketChecksOptions,
  plan: TaskPlan,
  credentials: TaskCredentials,
): Promise<TaskBehaviour | undefined> {
  await using source = opened('source', () => open.source(plan, credentials));
  await using target = opened('target', () => open.target(plan, credentials));
  checkTraits(plan, source.traits, target.traits);
  if (!probes) return undefined;
  const tier = plan.storagePolicy === 'SRC_STORAGE_MAPPING' ? undefined : plan.storagePolicy;
  const demand = {
    tier,
    kms: plan.kms,
    clock,
    source: mayBeOneService(endpoints, plan.source, plan.target) ? source : undefined,
  };
  // Both to their ends: a probe takes away what it began.
  const limits = { clock, timeoutMs };
  const asked = await Promise.allSettled([
    probeEnd(
      endOf('source', plan.source, credentials.source, plan.appId),
      limits,
      async (signal) => {
        const options = { behindCdn: plan.sourceCdn !== undefined };
        await probeSource(source, options, signal);
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

/**
 * The refusal of a task from a bucket to itself.
 *
 * @param left The key of what the check wrote and could not remove.
 */
export function sameBucket(left?: string): ServiceError {
  const remove =
    left === undefined ? '' : ` The check could not remove "${left}" from it: remove that by hand.`;
  return new ServiceError(
    'invalid-request',
    'Source and target are the same bucket.',
    `[target.bucket] invalid. Name another bucket than {source.bucket}, or another place.${remove}`,
  );
}

/** @throws {ServiceError} where the credentials are none of that cloud. */
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
        ? `[kms] invalid: ${called(target)} encrypts by its key service over HTTPS only, and the destination's endpoint is an http:// one`
        : `[kms] invalid: ${called(target)} is not known to encrypt by the default key of a key service when a request asks for it; leave it out, and set the encryption at the bucket or the account, where there is one`),
    plan.restore &&
      !source.restore &&
      `[restore] invalid: nothing is restored at ${called(source)}; leave it out`,
    policy !== undefined &&
      policy !== 'SRC_STORAGE_MAPPING' &&
      !target.tiers.includes(policy) &&
      `[target.storageClass] invalid: ${called(target)} has no class for ${policy}; it has ${list(target.tiers)}`,
  ].filter((reason) => reason !== false);
  if (reasons.length === 0) return;
  const message = 'The request asks for what these clouds do not do.';
  throw new ServiceError('not-supported', message, reasons.join('; '));
}

/** What has the facts that are told: it may be another than the task's own word says. */
function called({ cloud, row }: Traits): string {
  return row === cloud ? cloud : `${row} (here as the cloud type ${cloud})`;
}

function list(words: readonly string[]): string {
  return words.length === 0 ? 'none to choose' : words.join(', ');
}

type Side = 'source' | 'target';

/** Whoever may refuse, and how that is told. */
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

async function probeEnd<T>(
  end: End,
  { clock, timeoutMs }: Pick<BucketChecksOptions, 'clock' | 'timeoutMs'>,
  probe: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = timeLimit(clock, timeoutMs);
  try {
    return await probe(limit.signal);
  } catch (error) {
    if (error instanceof SameBucket) throw sameBucket(error.leftKey);
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

/** Who may not do it, in the words of rights. */
const rights: Record<Ability, string> = {
  list: 'list the objects of the bucket',
  read: 'read objects, and see that one is not there (which needs the right to list)',
  deliver: 'deliver an object of the bucket',
  write: 'write objects in parts',
  class: 'write objects of the class that {target.storageClass} names',
  encrypt: 'write objects that the key service encrypts ({kms})',
  abort: 'abort multipart uploads',
  remove:
    'remove objects; an object whose name begins with brigade-probe- is left in the bucket, remove it by hand',
};

/** What is to be changed, by what the store said. */
const mistakes: Partial<Record<Fault, (end: End, ability: Ability) => string>> = {
  'bad-credentials': ({ keys }) => `${oneOf(keys)} invalid: the store does not accept them.`,
  'denied': ({ side }, ability) =>
    `[${side}.accessKeyId] invalid: it lacks the right to ${rights[ability]}.`,
  'no-bucket': ({ side, place, names }) =>
    `${oneOf([...names, `${side}.${place}`])} invalid: there is no such bucket in this ${place === 'region' ? 'region; not every cloud tells that it has it in another' : 'place'}.`,
  // A store has a code for what it lacks; a web server says 404 to all that it does not know.
  'not-found': speaksOtherwise,
  'unsupported': (_end, ability) =>
    ability === 'encrypt'
      ? '[kms] invalid: the destination has no key service, or none is set up there.'
      : `It has no way to ${rights[ability]}.`,
  'clock-skew': () => 'The clocks of this machine and the store differ too much: set them by NTP.',
  'unreachable': addressOf,
  'bad-reply': speaksOtherwise,
  'refused': refused,
};

/** For reasons that only its own words tell. What asks for nothing special is asked of the wrong place. */
function refused({ side, place }: End, ability: Ability): string {
  const wishes: Partial<Record<Ability, string>> = {
    class: '[target.storageClass]',
    encrypt: '[kms]',
  };
  const field = wishes[ability] ?? `[${side}.cloud] or [${side}.${place}]`;
  return `${field} may be wrong: it is refused to ${rights[ability]}.`;
}

function speaksOtherwise({ side, place }: End): string {
  return `[${side}.${place}] invalid: what answers at its address does not speak as this cloud does.`;
}

const cdnKey =
  '[cdn.authenticationType] or [cdn.key] invalid: the CDN does not let the service in.';

/** The same of the CDN, whose own words follow. */
const cdnMistakes: Partial<Record<Fault, string>> = {
  'bad-credentials': cdnKey,
  'denied': cdnKey,
  'unreachable': CDN_ADDRESS,
  'interrupted': CDN_ADDRESS,
  'refused': '[cdn.protocol] or [cdn.domain] invalid.',
  'bad-reply': '[cdn.domain] invalid: what answers there is no CDN.',
  'stale-cdn':
    '[cdn.domain] invalid, or the cache of the CDN is old: it does not deliver what the bucket has.',
};

function detailOf(end: End, ability: Ability, cause: StoreError): string {
  const isCdn = ability === 'deliver';
  const known = isCdn ? cdnMistakes[cause.fault] : mistakes[cause.fault]?.(end, ability);
  const mistake = known ?? `It failed to ${rights[ability]} (${cause.fault}).`;
  const { status, cloudCode, cloudMessage } = cause.details;
  const said = [status, cloudCode, cloudMessage].filter((part) => part !== undefined).join(' ');
  if (said === '') return mistake;
  if (isCdn) return `${mistake} It failed so: ${said}`;
  // Without a status nobody has answered: it is this machine that says so.
  return `${mistake} ${status === undefined ? 'In detail' : 'The store said'}: ${said}`;
}
