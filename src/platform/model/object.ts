import type { StorageTier } from './storage-class.ts';
import type { Checksums } from './checksums.ts';

/** The headers that describe an object's content and travel with it. */
export const contentHeaderNames = [
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
] as const;

export type ContentHeaderName = (typeof contentHeaderNames)[number];
export type ContentHeaders = Readonly<Partial<Record<ContentHeaderName, string>>>;

/** `store`: the service's own key; `kms`: one of its key service; `customer`: one that each request brings. */
export type ObjectEncryption = 'store' | 'kms' | 'customer';

/**
 * What a HEAD reports about an object. It has an MD5 only where the store's facts say that the ETag is
 * the MD5 of the bytes, and a CRC only where the store computed it itself.
 */
export interface ObjectHead extends Checksums {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** As the store sent it, quotes included: it goes back unchanged in `If-Match`. Empty where the store gave none. */
  readonly etag: string;
  /** Milliseconds since the Unix epoch; most stores report whole seconds. */
  readonly lastModified: number;
  readonly contentType: string | undefined;
  readonly contentHeaders: ContentHeaders;
  /** Of which the store gave several values, where only one can count; none unless given. */
  readonly ambiguousHeaders?: readonly ContentHeaderName[];
  /** Names in lower case, without the cloud's prefix. */
  readonly userMetadata: Readonly<Record<string, string>>;
  /** How many more entries the store keeps but cannot report; none unless given. */
  readonly missingMetadata?: number;
  /** Whether readers of the bucket's website are sent elsewhere instead; not unless given. */
  readonly redirects?: boolean;
  /** As the store names it; undefined where it says nothing, which is its standard class. */
  readonly storageClass: string | undefined;
  /** What that class is in OMS's words; undefined where it is not known. */
  readonly tier: StorageTier | undefined;
  /** By whose key the store encrypts it, where it says so. */
  readonly encryption: ObjectEncryption | undefined;
  readonly versionId: string | undefined;
  /** When the store answered a HEAD, by its own clock; absent where the answer has no `Date`. */
  readonly date?: number;
  /** The ETag of a CDN's answer, where the bytes come through a CDN that sends one. */
  readonly cdnEtag?: string;
}

/** What identifies the object that was looked at, among all that its key may hold over time. */
export type ObjectPin = Pick<ObjectHead, 'etag' | 'size' | 'lastModified' | 'cdnEtag'> &
  Partial<Pick<ObjectHead, 'versionId'>>;

/** Both ends inclusive, as in HTTP. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a listing reports about an object. */
export interface ObjectEntry {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly lastModified: number;
  readonly storageClass: string | undefined;
}
