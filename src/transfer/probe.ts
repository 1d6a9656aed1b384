import { randomUUID } from 'node:crypto';
import type { StorageTier } from '../model/storage-class.ts';
import type { PutOptions, Store } from '../stores/store.ts';
import { StoreError } from '../stores/store-error.ts';

/** What a task will ask of a bucket. */
export type Ability = 'list' | 'read' | 'write' | 'class' | 'encrypt' | 'abort';

/** A bucket that will not do what its task needs. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
  readonly ability: Ability;
  override readonly cause: StoreError;

  constructor(ability: Ability, cause: StoreError) {
    super(`the bucket does not ${ability}: ${cause.message}`, { cause });
    this.ability = ability;
    this.cause = cause;
  }
}

/**
 * Tries what a source must allow: to be listed, and to be read.
 *
 * An archived object is as good as one that can be read: the right to it is there.
 *
 * @throws {ProbeFailed} naming what it does not allow.
 */
export async function probeSource(source: Store, signal: AbortSignal): Promise<void> {
  const { entries } = await attempt('list', () => source.list({ limit: 1 }, signal));
  const [entry] = entries;
  await attempt('read', () => readOne(source, entry?.key ?? probeKey(), signal));
}

async function readOne(source: Store, key: string, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await source.read(key, {}, signal);
    body.discard();
  } catch (error) {
    // Gone between the two calls, or never there: a store that hides what may not be read says so.
    const fine = error instanceof StoreError && ['not-found', 'archived'].includes(error.fault);
    if (!fine) throw error;
  }
}

/**
 * Tries what a target must allow: to be looked at, to be written in parts, and the class and the
 * encryption of the task. Nothing becomes visible: no upload is completed.
 *
 * @throws {ProbeFailed} naming what it does not allow.
 */
export async function probeTarget(
  target: Store,
  { tier, kms }: { readonly tier: StorageTier | undefined; readonly kms: boolean },
  signal: AbortSignal,
): Promise<void> {
  await attempt('read', () => readOne(target, probeKey(), signal));
  await probeUpload(target, 'write', {}, signal);
  if (tier !== undefined) await probeUpload(target, 'class', { tier }, signal);
  if (kms) await probeUpload(target, 'encrypt', { kms }, signal);
}

async function probeUpload(
  target: Store,
  ability: Ability,
  options: PutOptions,
  signal: AbortSignal,
): Promise<void> {
  const key = probeKey();
  const upload = await attempt(ability, () => target.startParts(key, options, signal));
  const content = Buffer.from('probe');
  try {
    await attempt(ability, () => upload.putPart(1, { content, size: content.length }, signal));
  } catch (error) {
    // What failed first is what is told; an upload that stays is of five bytes, and empty of parts.
    await upload.abort(signal).catch(() => undefined);
    throw error;
  }
  await attempt('abort', () => upload.abort(signal));
}

/** A name that nobody has. */
function probeKey(): string {
  return `brigade-probe-${randomUUID()}`;
}

async function attempt<T>(ability: Ability, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof StoreError ? new ProbeFailed(ability, error) : error;
  }
}
