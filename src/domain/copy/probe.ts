import type { Clock } from '../../platform/base/clock.ts';
import type { StorageTier } from '../../platform/model/storage-class.ts';
import type { Behaviour } from '../../platform/model/behaviour.ts';
import type { PartUpload, PutOptions, Store } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { type Check, observeMd5 } from './observe.ts';
import {
  cleanUp,
  compareByMarker,
  probeKey,
  SameBucket,
  seesUpload,
  type Sighting,
} from './same-bucket.ts';

/** What a task requires of a bucket. */
export type Ability =
  | 'list'
  | 'read'
  | 'deliver'
  | 'write'
  | 'class'
  | 'encrypt'
  | 'abort'
  | 'remove';

/** A bucket that will not do what its task needs. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
  readonly ability: Ability;
  /** What the store said; undefined where it said nothing until the signal was aborted. */
  override readonly cause: StoreError | undefined;

  constructor(ability: Ability, cause: StoreError | undefined) {
    super(`the bucket does not ${ability}: ${cause?.message ?? 'it does not answer'}`, { cause });
    this.ability = ability;
    this.cause = cause;
  }
}

/** How many objects are tried at most. */
const SAMPLES_MAX = 4;

/** An object of the source that a probe could not read, while others or the right to read were there. */
export interface UnreadableObject {
  readonly key: string;
  readonly error: ProbeFailed;
}

/**
 * Tests what a source must allow: listing, and reading.
 *
 * An archived object counts as readable, because the right to read it is there. One object proves nothing about the
 * others: it may be encrypted with a customer's key, or have a policy of its own. If one is refused, objects of other
 * prefixes are tried, and finally a key that does not exist: a caller that may read gets the answer that the object is
 * missing. Objects that cannot be read fail by themselves later.
 *
 * @param behindCdn Whether reads go through a CDN. Then a head is requested from the bucket first, so that a
 *   failure to `deliver` is the CDN's. An empty bucket shows nothing about the CDN.
 * @returns The objects that could not be read although the source may be used.
 * @throws {ProbeFailed} naming what the source does not allow.
 */
export async function probeSource(
  source: Store,
  { behindCdn }: { readonly behindCdn: boolean },
  signal: AbortSignal,
): Promise<readonly UnreadableObject[]> {
  const unreadable: UnreadableObject[] = [];
  for await (const key of sampledKeys(source, signal)) {
    const error = await refusalOf(() => probeObject(source, key, { behindCdn, signal }));
    if (error === undefined) return unreadable;
    unreadable.push({ key, error });
  }
  const right = await refusalOf(() => probeObject(source, probeKey(), { behindCdn, signal }));
  if (right !== undefined) throw unreadable.at(-1)?.error ?? right;
  return unreadable;
}

async function probeObject(
  source: Store,
  key: string,
  { behindCdn, signal }: { readonly behindCdn: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (behindCdn) await attempt('read', signal, () => forgiven(() => source.head(key, signal)));
  const reading = behindCdn ? 'deliver' : 'read';
  await attempt(reading, signal, () => readOne(source, key, signal));
}

/** What may concern one object alone; any other failure is thrown. */
async function refusalOf(probe: () => Promise<void>): Promise<ProbeFailed | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    const faults = ['denied', 'refused'];
    const isOfObject = error instanceof ProbeFailed && error.ability === 'read';
    if (isOfObject && faults.includes(error.cause?.fault ?? '')) return error;
    throw error;
  }
}

/** The first key, and the first of each further prefix where the listing can begin anywhere. */
async function* sampledKeys(source: Store, signal: AbortSignal): AsyncGenerator<string> {
  let after: string | undefined;
  for (let samples = 0; samples < SAMPLES_MAX; samples++) {
    const options = { limit: 1, after };
    const { entries, next } = await attempt('list', signal, () => source.list(options, signal));
    const key = entries[0]?.key;
    if (key === undefined) return;
    yield key;
    if (next === undefined) return;
    after = source.traits.listsFromKey ? endOfPrefix(key) : next;
  }
}

/** Behind all keys of its first folder: `0` follows the slash. */
function endOfPrefix(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : `${key.slice(0, slash)}0`;
}

function readOne(source: Store, key: string, signal: AbortSignal): Promise<void> {
  return forgiven(async () => {
    const { body } = await source.read(key, {}, signal);
    body.discard();
  });
}

/** Gone between two calls, or never there: a store that hides what may not be read says otherwise. */
async function forgiven(look: () => Promise<unknown>): Promise<void> {
  try {
    await look();
  } catch (error) {
    const fine = error instanceof StoreError && ['not-found', 'archived'].includes(error.fault);
    if (!fine) throw error;
  }
}

/** What a task requires of its target. */
export interface TargetDemand {
  readonly tier: StorageTier | undefined;
  readonly kms: boolean;
  readonly clock: Clock;
  /** Where the target may be the same bucket under another address. */
  readonly source: Store | undefined;
}

/**
 * Tries what a target must allow: to be looked at, to be written in parts, and the class and the
 * encryption of the task. No upload is completed, so that nothing becomes visible, unless only an
 * object can show whether both are the same bucket: see {@link compareByMarker}.
 *
 * @returns How it behaved on the way.
 * @throws {ProbeFailed} naming what it does not allow.
 * @throws {SameBucket} where the source sees what is written at the target.
 */
export async function probeTarget(
  target: Store,
  { tier, kms, clock, source }: TargetDemand,
  signal: AbortSignal,
): Promise<Behaviour> {
  await attempt('read', signal, () => readOne(target, probeKey(), signal));
  const write = {
    ability: 'write',
    options: {},
    source,
    observed: target.traits.checksMd5,
  } as const;
  const check = { clock, signal };
  const { sighting, behaviour } = await probeUpload(target, write, check);
  if (tier !== undefined) {
    await probeUpload(target, { ability: 'class', options: { tier } }, check);
  }
  if (kms) await probeUpload(target, { ability: 'encrypt', options: { kms } }, check);
  if (source === undefined || sighting !== 'unknown') return behaviour;
  const marker = await compareByMarker(source, target, check);
  const { key, left } = marker;
  if (marker.sighting === 'seen') throw new SameBucket(left === undefined ? undefined : key);
  if (left !== undefined) throw new ProbeFailed('remove', storeErrorOf(left.cause));
  return { ...behaviour, ...marker.behaviour };
}

interface ProbedUpload {
  readonly ability: Ability;
  readonly options: PutOptions;
  /** Queried for the upload while that is open. */
  readonly source?: Store | undefined;
  /** Whether a part with a wrong MD5 is put as well. */
  readonly observed?: boolean | undefined;
}

async function probeUpload(
  target: Store,
  { ability, options, source, observed = false }: ProbedUpload,
  check: Check,
): Promise<{ readonly sighting: Sighting; readonly behaviour: Behaviour }> {
  const { clock, signal } = check;
  const key = probeKey();
  const upload = await attempt(ability, signal, () => startUpload(target, key, options, check));
  const content = Buffer.from('probe');
  let sighting: Sighting = 'unknown';
  let behaviour: Behaviour = {};
  try {
    await attempt(ability, signal, () =>
      upload.putPart(1, { content, size: content.length }, signal),
    );
    if (observed) behaviour = await observeMd5(upload, check);
    if (source !== undefined) sighting = await seesUpload(source, key, check);
    if (sighting !== 'seen') await attempt('abort', signal, () => upload.abort(signal));
  } catch (error) {
    // The first failure is reported. An upload that stays has five bytes and is not visible.
    await cleanUp(clock, (limit) => upload.abort(limit)).catch(() => undefined);
    throw error;
  }
  if (sighting !== 'seen') return { sighting, behaviour };
  const left = await cleanUp(clock, (limit) => upload.abort(limit)).then(
    () => undefined,
    () => key,
  );
  throw new SameBucket(left);
}

/** The answer with the ID of the upload may be lost: then the upload is looked for. */
async function startUpload(
  target: Store,
  key: string,
  options: PutOptions,
  { clock, signal }: Check,
): Promise<PartUpload> {
  try {
    return await target.startParts(key, options, signal);
  } catch (error) {
    const mayBeOpen = error instanceof StoreError ? error.transient : signal.aborted;
    if (mayBeOpen) {
      await cleanUp(clock, (limit) => abortAll(target, key, limit)).catch(() => undefined);
    }
    throw error;
  }
}

async function abortAll(target: Store, key: string, signal: AbortSignal): Promise<void> {
  for (const { id } of await target.listUploads(key, signal)) {
    await target.resumeParts(key, id).abort(signal);
  }
}

function storeErrorOf(cause: unknown): StoreError | undefined {
  return cause instanceof StoreError ? cause : undefined;
}

async function attempt<T>(
  ability: Ability,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StoreError) throw new ProbeFailed(ability, error);
    throw signal.aborted ? new ProbeFailed(ability, undefined) : error;
  }
}
