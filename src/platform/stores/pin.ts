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
 * while the bytes change, so the times must agree as well.
 */
export function differenceFrom(pin: ObjectPin, head: ObjectPin): string | undefined {
  if (head.size !== pin.size) return `it has ${head.size} bytes now, and had ${pin.size}`;
  const [before, now] = [tagOf(pin.etag), tagOf(head.etag)];
  if (before.opaque !== now.opaque) return `it has the ETag ${head.etag} now, and had ${pin.etag}`;
  const strong = !before.weak && !now.weak && now.opaque !== '';
  if (strong || seconds(head) === seconds(pin)) return undefined;
  return `it was modified at ${iso(head)} now, and at ${iso(pin)} before`;
}

/**
 * The pin as text, to be kept between attempts: a strong ETag as it is, with a weak one the time as well,
 * and the ETag of a CDN where that is another one. The size is kept beside it.
 */
export function pinText(pin: ObjectPin): string {
  const { weak, opaque } = tagOf(pin.etag);
  const ofTime = weak || opaque === '' ? [`${seconds(pin)}`] : [];
  const ofCdn = pin.cdnEtag === undefined || sameTag(pin.cdnEtag, pin.etag) ? [] : [pin.cdnEtag];
  return [pin.etag, ...ofTime, ...ofCdn].join(' ');
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
