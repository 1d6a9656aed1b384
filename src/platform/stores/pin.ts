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
  const { weak, opaque } = tagOf(pin.etag);
  return weak || opaque === '' ? undefined : pin.etag;
}

/**
 * Why an answer is about another object than the pinned one; undefined where nothing says so.
 *
 * Every answer to a pinned read is compared, because some stores and proxies ignore `If-Match`, most
 * often together with a range. Two strong ETags decide by themselves. A weak one may stay the same
 * while the bytes change, so the versions must agree as well, or the times where no version is told.
 */
export function differenceFrom(pin: ObjectPin, head: ObjectPin): string | undefined {
  if (head.size !== pin.size) return `it has ${head.size} bytes now, and had ${pin.size}`;
  const [before, now] = [tagOf(pin.etag), tagOf(head.etag)];
  if (before.opaque !== now.opaque) return `it has the ETag ${head.etag} now, and had ${pin.etag}`;
  const strong = !before.weak && !now.weak && now.opaque !== '';
  if (strong) return undefined;
  const [version, versionNow] = [named(pin.versionId), named(head.versionId)];
  if (version !== undefined && versionNow !== undefined) {
    return version === versionNow
      ? undefined
      : `it has the version ${versionNow} now, and had ${version}`;
  }
  if (seconds(head) === seconds(pin)) return undefined;
  return `it was modified at ${iso(head)} now, and at ${iso(pin)} before`;
}

/** Times are told in whole seconds, and by two clocks where a gateway answers for a file system. */
const SURE_MS = 2000;

/**
 * Whether the object may change and keep all that identifies it: without an ETag or a version only the
 * time does, and a second change within the same second does not show in it.
 *
 * @param date When the store answered, by its own clock.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
 */
export function mayChangeUnseen(pin: ObjectPin, date: number | undefined): boolean {
  const isNamed = tagOf(pin.etag).opaque !== '' || named(pin.versionId) !== undefined;
  return !isNamed && date !== undefined && date < pin.lastModified + SURE_MS;
}

/** What a round that copied it records of a source object, to notice that it has changed. */
export function recordedTag({ etag, lastModified }: ObjectPin): string {
  return etag === '' ? `modified ${lastModified}` : etag;
}

/**
 * The pin as text, to be kept between attempts: a strong ETag as it is, with a weak one the time and
 * the version as well, and the ETag of a CDN where that is another one. The size is kept beside it.
 */
export function pinText(pin: ObjectPin): string {
  const { weak, opaque } = tagOf(pin.etag);
  const version = named(pin.versionId);
  const ofVersion = version === undefined ? [] : [version];
  const ofTime = weak || opaque === '' ? [`${seconds(pin)}`, ...ofVersion] : [];
  const ofCdn = pin.cdnEtag === undefined || sameTag(pin.cdnEtag, pin.etag) ? [] : [pin.cdnEtag];
  return [pin.etag, ...ofTime, ...ofCdn].join(' ');
}

/** S3 calls every object that was written without versioning `null`. */
function named(versionId: string | undefined): string | undefined {
  return versionId === 'null' || versionId === '' ? undefined : versionId;
}

/** Headers tell whole seconds; other sources of the time may tell more. */
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
