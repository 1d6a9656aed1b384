import { randomUUID } from 'node:crypto';
import type { StorageTier } from '../model/storage-class.ts';
import type { PutOptions, Store } from '../stores/store.ts';
import { StoreError } from '../stores/store-error.ts';

/** How long the abort of a failed probe's upload may take. */
const ABORT_MS = 5_000;

/** What a task will ask of a bucket. */
export type Ability = 'list' | 'read' | 'deliver' | 'write' | 'class' | 'encrypt' | 'abort';

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

/**
 * Tries what a source must allow: to be listed, and to be read.
 *
 * An archived object is as good as one that can be read: the right to it is there.
 *
 * @param behindCdn Whether reads go through a CDN: then the bucket is asked for a head first, and
 *   whoever fails to `deliver` is the CDN. An empty bucket tells nothing of it.
 * @throws {ProbeFailed} naming what it does not allow.
 */
export async function probeSource(
  source: Store,
  { behindCdn }: { readonly behindCdn: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { entries } = await attempt('list', signal, () => source.list({ limit: 1 }, signal));
  const key = entries[0]?.key ?? probeKey();
  if (behindCdn) {
    await attempt('read', signal, () => forgiven(() => source.head(key, signal)));
  }
  const reading = behindCdn ? 'deliver' : 'read';
  await attempt(reading, signal, () => readOne(source, key, signal));
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
  await attempt('read', signal, () => readOne(target, probeKey(), signal));
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
  const upload = await attempt(ability, signal, () => target.startParts(key, options, signal));
  const content = Buffer.from('probe');
  try {
    await attempt(ability, signal, () =>
      upload.putPart(1, { content, size: content.length }, signal),
    );
  } catch (error) {
    // What failed first is what is told; an upload that stays has five bytes, and nobody sees it.
    // The signal may be what ended it.
    await upload.abort(AbortSignal.timeout(ABORT_MS)).catch(() => undefined);
    throw error;
  }
  await attempt('abort', signal, () => upload.abort(signal));
}

/** A name that nobody has. */
function probeKey(): string {
  return `brigade-probe-${randomUUID()}`;
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
