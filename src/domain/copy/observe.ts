import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/base/clock.ts';
import { type TimeLimit, timeLimit } from '../../platform/base/timers.ts';
import type { ObjectEntry, ObjectHead, ObjectPin } from '../../platform/model/object.ts';
import type { Fault } from '../../platform/model/fault.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { Behaviour } from '../../platform/model/behaviour.ts';
import { ifMatchOf } from '../../platform/stores/pin.ts';
import type { PartUpload, Store } from '../../platform/stores/store.ts';

/*
 * How a store behaves, found out while a task is checked. Nothing here fails a task: what a store does
 * not answer, or refuses for another reason, is not found out.
 */

/** What the steps of a check go by: each ends with the signal. */
export interface Check {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How long all observations of one step may take. */
const OBSERVE_MS = 5_000;
/** Entries of the page whose order is looked at. */
const PAGE = 100;
const ANOTHER_ETAG = '"00000000000000000000000000000000"';

/**
 * Observes a store by a listing and, unless it is read through a CDN, three reads of one byte of its first
 * object that has several.
 */
export async function observeSource(
  source: Store,
  { behindCdn }: { readonly behindCdn: boolean },
  check: Check,
): Promise<Behaviour> {
  using limit = limited(check);
  const { found, entries } = await observeListing(source, limit.signal);
  const entry = entries.find(({ size }) => size > 1);
  if (entry === undefined || behindCdn) return found;
  return { ...found, ...(await observeReads(source, entry.key, limit.signal)) };
}

/** Observes the order in which a target is listed, by one listing. */
export async function observeTarget(target: Store, check: Check): Promise<Behaviour> {
  using limit = limited(check);
  return (await observeListing(target, limit.signal)).found;
}

/** Observes whether a part that does not match its MD5 is refused. It stays in the upload if it is not. */
export async function observeMd5(upload: PartUpload, check: Check): Promise<Behaviour> {
  using limit = limited(check);
  const content = Buffer.from('probe');
  const md5 = createHash('md5').update('another').digest('hex');
  const body = { content, size: content.length, md5 };
  const answer = await answerOf(limit.signal, (signal) => upload.putPart(2, body, signal));
  if (answer === undefined) return {};
  if ('value' in answer) return { checksMd5: false };
  // Some clouds have no code for it but that of a wrong request.
  const { fault, details } = answer.refusal;
  const refused = fault === 'corrupt' || (fault === 'refused' && details.status === 400);
  return refused ? { checksMd5: true } : {};
}

/**
 * Observes the conditions of writes that the traits claim, by an object of the check's own that is there. It
 * may be gone afterwards.
 */
export async function observeConditions(
  target: Store,
  key: string,
  check: Check,
): Promise<Behaviour> {
  using limit = limited(check);
  const { signal } = limit;
  const { conditionalPut, conditionalRemove } = target.traits;
  const content = Buffer.from('probe');
  const options = { mode: 'create', once: true } as const;
  const put = () => target.put(key, { content, size: content.length }, options, signal);
  const remove = () => target.remove([{ key, ifMatch: ANOTHER_ETAG }], signal);
  return {
    ...(conditionalPut && { conditionalPut: keptBy('exists', await answerOf(signal, put)) }),
    ...(conditionalRemove && {
      conditionalRemove: keptBy('changed', await answerOf(signal, remove)),
    }),
  };
}

/** Whether a write with a condition that does not hold was refused for that; undefined where nothing says. */
function keptBy(fault: Fault, answer: Answer<unknown> | undefined): boolean | undefined {
  if (answer === undefined) return undefined;
  if ('value' in answer) return false;
  return answer.refusal.fault === fault ? true : undefined;
}

async function observeListing(
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly found: Behaviour; readonly entries: readonly ObjectEntry[] }> {
  const answer = await answerOf(signal, () => store.list({ limit: PAGE }, signal));
  if (answer === undefined) return { found: {}, entries: [] };
  if ('refusal' in answer) {
    const found = answer.refusal.fault === 'out-of-order' ? { ordered: false } : {};
    return { found, entries: [] };
  }
  const { entries } = answer.value;
  return { found: entries.length > 1 ? { ordered: true } : {}, entries };
}

async function observeReads(source: Store, key: string, signal: AbortSignal): Promise<Behaviour> {
  const range = { first: 0, last: 0 };
  const read = async (pin?: ObjectPin): Promise<Answer<ObjectHead> | undefined> =>
    await answerOf(signal, async () => {
      const { head, body } = await source.read(key, { range, pin, once: true }, signal);
      body.discard();
      return head;
    });
  const whole = await read();
  if (whole === undefined) return {};
  if ('refusal' in whole) return whole.refusal.fault === 'unsupported' ? { ranges: false } : {};
  const head = whole.value;
  // A weak ETag, or none, cannot be named: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
  if (ifMatchOf({ pin: head }) === undefined) return { ranges: true };
  const other = await read({ ...head, etag: ANOTHER_ETAG });
  const refused = isHeeded(other);
  if (refused !== true) return { ranges: true, conditionalRead: refused };
  // Some versions of SeaweedFS refuse every ETag: https://github.com/seaweedfs/seaweedfs/issues/7274
  const own = await read(head);
  if (own !== undefined && 'value' in own) return { ranges: true, conditionalRead: true };
  return { ranges: true, conditionalRead: isHeeded(own) === undefined ? undefined : false };
}

/** Whether the store refused it; without a status it sent the object, and our own comparison failed. */
function isHeeded(answer: Answer<unknown> | undefined): boolean | undefined {
  if (answer === undefined || 'value' in answer) return undefined;
  const { fault, details } = answer.refusal;
  if (fault === 'unsupported') return false;
  return fault === 'changed' ? details.status === 412 : undefined;
}

type Answer<T> = { readonly value: T } | { readonly refusal: StoreError };

/** What a store answered; undefined where it did not in time. */
async function answerOf<T>(
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<Answer<T> | undefined> {
  try {
    return { value: await ask(signal) };
  } catch (error) {
    if (error instanceof StoreError) return { refusal: error };
    if (signal.aborted) return undefined;
    throw error;
  }
}

function limited({ clock, signal }: Check): TimeLimit {
  return timeLimit(clock, OBSERVE_MS, signal);
}
