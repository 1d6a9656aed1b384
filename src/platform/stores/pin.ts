import type { ObjectPin } from '../model/object.ts';
import type { ReadOptions } from './store.ts';

interface EntityTag {
  readonly weak: boolean;
  /** Without quotes; empty where the store gave none. */
  readonly opaque: string;
}

function tagOf(etag: string): EntityTag {
  const [, weak, opaque = ''] = /^(W\/)?"?(.*?)"?$/.exec(etag.trim()) ?? [];
  return { weak: weak !== undefined, opaque };
}

/**
 * What a pinned read sends as `If-Match`. A weak ETag never matches there, not even itself, so it is
 * not sent: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
 */
export function ifMatchOf({ pin, unconditional = false }: ReadOptions): string | undefined {
  if (pin === undefined || unconditional) return undefined;
  return isStrongTag(pin.etag) ? pin.etag : undefined;
}

/**
 * Why an answer is about another object than the pinned one; undefined where nothing says so.
 *
 * Every answer to a pinned read is compared, because some stores and proxies ignore `If-Match`, most
 * often together with a range. Two strong ETags decide by themselves. A weak one may stay the same
 * while the bytes change, so the versions must agree as well, or the times where no version is named.
 */
export function differenceFrom(pin: ObjectPin, head: ObjectPin): string | undefined {
  if (head.size !== pin.size) return `it has ${head.size} bytes now, and had ${pin.size}`;
  const [before, now] = [tagOf(pin.etag), tagOf(head.etag)];
  if (before.opaque !== now.opaque) return `it has the ETag ${head.etag} now, and had ${pin.etag}`;
  if (isStrongTag(pin.etag) && isStrongTag(head.etag)) return undefined;
  const [version, versionNow] = [named(pin.versionId), named(head.versionId)];
  if (version !== undefined && versionNow !== undefined) {
    return version === versionNow
      ? undefined
      : `it has the version ${versionNow} now, and had ${version}`;
  }
  if (seconds(head) === seconds(pin)) return undefined;
  return `it was modified at ${iso(head)} now, and at ${iso(pin)} before`;
}

/** Times are reported in whole seconds, and by two clocks where a gateway answers for a file system. */
const SURE_MS = 2000;
/** How much the clocks of two machines may differ: stores accept signatures up to this age. */
const CLOCKS_DIFFER_MS = 900_000;

/**
 * Whether the object may change and keep all that identifies it: without a strong ETag or a version only
 * the time does, and a second change within the same second does not show in it.
 *
 * @param date When the store answered, by its own clock; undefined where the answer has no `Date`.
 * @param now The time here, which decides with a wide margin where the store's own is not known.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
 */
export function mayChangeUnseen(pin: ObjectPin, date: number | undefined, now: number): boolean {
  return youngForMs(pin, date, now) > 0;
}

/** How long an object may still change so, in milliseconds. */
function youngForMs(pin: ObjectPin, date: number | undefined, now: number): number {
  if (isStrongTag(pin.etag) || named(pin.versionId) !== undefined) return 0;
  return Math.max(pin.lastModified + SURE_MS - (date ?? now - CLOCKS_DIFFER_MS), 0);
}

/** Why an object is not read yet, and after how long it is. */
export interface TooYoung {
  readonly message: string;
  readonly retryAfterMs: number;
}

/**
 * Why an object is not read that was modified a moment ago; undefined where another change would show. Reads without
 * a pin are checked as well: what they read is recorded, and compared in later rounds.
 *
 * @param date When the store reported the head, as in {@link mayChangeUnseen}.
 */
export function problemOfAge(
  head: ObjectPin,
  pin: ObjectPin | undefined,
  { date, now }: { readonly date: number | undefined; readonly now: number },
): TooYoung | undefined {
  // Versions distinguish objects only where both answers name one.
  const compared = { ...head, versionId: pin === undefined ? head.versionId : pin.versionId };
  const retryAfterMs = Math.max(...[head, compared].map((each) => youngForMs(each, date, now)));
  if (retryAfterMs === 0) return undefined;
  const until = new Date(now + retryAfterMs).toISOString();
  const why =
    date === undefined
      ? 'and the answer has no Date, so that the clock of the store is not known within 15 minutes'
      : 'so that another change within the same second would not show';
  const message = `it has no strong ETag and was modified at ${iso(head)}, ${why}: it is read from ${until} on`;
  return { message, retryAfterMs };
}

/** Whether an ETag names the very bytes: it is neither weak nor empty. */
export function isStrongTag(etag: string): boolean {
  const { weak, opaque } = tagOf(etag);
  return !weak && opaque !== '';
}

/**
 * What a round that copied it records of a source object, to notice that it has changed. A weak ETag may
 * stay the same while the bytes change, so the time is recorded with it.
 */
export function recordedTag({ etag, lastModified }: ObjectPin): string {
  if (isStrongTag(etag)) return etag;
  const time = `modified ${lastModified}`;
  return etag === '' ? time : `${etag} ${time}`;
}

/**
 * The pin as text, to be kept between attempts: a strong ETag as it is, with a weak one the time and
 * the version as well, and the ETag of a CDN where that is another one. The size is kept beside it.
 */
export function pinText(pin: ObjectPin): string {
  const version = named(pin.versionId);
  const ofVersion = version === undefined ? [] : [version];
  const ofTime = !isStrongTag(pin.etag) ? [`${seconds(pin)}`, ...ofVersion] : [];
  const ofCdn = pin.cdnEtag === undefined || sameTag(pin.cdnEtag, pin.etag) ? [] : [pin.cdnEtag];
  return [pin.etag, ...ofTime, ...ofCdn].join(' ');
}

/** S3 calls every object that was written without versioning `null`. */
function named(versionId: string | undefined): string | undefined {
  return versionId === 'null' || versionId === '' ? undefined : versionId;
}

/** Headers have whole seconds; other sources of the time may be more precise. */
function seconds({ lastModified }: ObjectPin): number {
  return Math.floor(lastModified / 1000);
}

function iso({ lastModified }: ObjectPin): string {
  return new Date(lastModified).toISOString();
}

/** Whether two ETags name the same representation, weak or not. */
export function sameTag(one: string, other: string): boolean {
  return tagOf(one).opaque === tagOf(other).opaque;
}
