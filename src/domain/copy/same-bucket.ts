import { randomUUID } from 'node:crypto';
import type { Clock } from '../../platform/base/clock.ts';
import { timeLimit } from '../../platform/base/timers.ts';
import type { Behaviour } from '../../platform/model/behaviour.ts';
import type { Store } from '../../platform/stores/store.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { type Check, observeConditions } from './observe.ts';

/** How long the source may take to answer whether it sees what was written at the target. */
const LOOK_MS = 5_000;
/** How long removing what a check wrote may take, whatever ended the check. */
const CLEANUP_MS = 5_000;

/** The source and the target are one bucket under two addresses. */
export class SameBucket extends Error {
  override readonly name = 'SameBucket';
  /** What the check wrote and could not remove. */
  readonly leftKey: string | undefined;

  constructor(leftKey?: string) {
    super('the source sees what is written at the target');
    this.leftKey = leftKey;
  }
}

/** `unknown`: the source does not say, for lack of a right or for the moment. */
export type Sighting = 'seen' | 'unseen' | 'unknown';

/** A name that no object has. */
export function probeKey(): string {
  return `brigade-probe-${randomUUID()}`;
}

/** Removes what a check wrote, within a time limit of its own: the check's own signal may have ended. */
export async function cleanUp(
  clock: Clock,
  remove: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  using limit = timeLimit(clock, CLEANUP_MS);
  await remove(limit.signal);
}

/** Whether the source lists the upload that is open at the target under this key. */
export async function seesUpload(source: Store, key: string, check: Check): Promise<Sighting> {
  const uploads = await answered(check, (limit) => source.listUploads(key, limit));
  if (uploads === undefined) return 'unknown';
  return uploads.length > 0 ? 'seen' : 'unseen';
}

/** What a comparison by a marker found, and what kept the marker from being removed. */
export interface MarkerFindings {
  readonly key: string;
  readonly sighting: Sighting;
  /** Of the target, while the marker was there. */
  readonly behaviour: Behaviour;
  /** Undefined where nothing is left behind. */
  readonly left: { readonly cause: unknown } | undefined;
}

/**
 * Compares the buckets by an object that is written at the target, read through the source, and
 * removed. It is for credentials of a source that may not list uploads, and is done only where the
 * first object of the source is at the target too, with its size, ETag and time, or where both are empty:
 * a bucket with versions keeps a trace of what is removed.
 */
export async function compareByMarker(
  source: Store,
  target: Store,
  check: Check,
): Promise<MarkerFindings> {
  const key = probeKey();
  const nothing = { key, sighting: 'unknown', behaviour: {}, left: undefined } as const;
  const twins = await answered(check, (limit) => beginAlike(source, target, limit));
  const written = twins === true ? await tryToPut(target, key, check) : 'no';
  if (written === 'no') return nothing;
  const head = await answered(check, (limit) => source.head(key, limit));
  const sighting = head?.size === marker.length ? 'seen' : 'unknown';
  const isThere = written === 'yes' && sighting === 'unknown';
  const behaviour = isThere ? await observeConditions(target, key, check) : {};
  const left = await failureOf(cleanUp(check.clock, (limit) => target.remove([{ key }], limit)));
  return { key, sighting, behaviour, left };
}

const marker = Buffer.from('probe');

/** `perhaps`: a write whose answer is lost may have been done. */
async function tryToPut(
  target: Store,
  key: string,
  { clock, signal }: Check,
): Promise<'yes' | 'no' | 'perhaps'> {
  using limit = timeLimit(clock, LOOK_MS, signal);
  try {
    await target.put(key, { content: marker, size: marker.length }, {}, limit.signal);
    return 'yes';
  } catch (error) {
    if (error instanceof StoreError) return error.transient ? 'perhaps' : 'no';
    if (limit.signal.aborted) return 'perhaps';
    throw error;
  }
}

/** Whether the first object of the source is at the target, as it is at the source; or both are empty. */
async function beginAlike(source: Store, target: Store, signal: AbortSignal): Promise<boolean> {
  const [entry] = (await source.list({ limit: 1 }, signal)).entries;
  if (entry === undefined) return (await target.list({ limit: 1 }, signal)).entries.length === 0;
  const head = await target.head(entry.key, signal);
  return (
    head.size === entry.size &&
    bare(head.etag) === bare(entry.etag) &&
    seconds(head.lastModified) === seconds(entry.lastModified)
  );
}

/** Listings leave out the quotes, in some stores. */
function bare(etag: string): string {
  return etag.replaceAll('"', '');
}

/** Headers have whole seconds; listings are more exact. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** What was answered; undefined where a store refuses, fails, or does not answer in time. */
async function answered<T>(
  { clock, signal }: Check,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  using limit = timeLimit(clock, LOOK_MS, signal);
  try {
    return await ask(limit.signal);
  } catch (error) {
    if (error instanceof StoreError || limit.signal.aborted) return undefined;
    throw error;
  }
}

async function failureOf(doing: Promise<unknown>): Promise<MarkerFindings['left']> {
  try {
    await doing;
    return undefined;
  } catch (cause) {
    return { cause };
  }
}
