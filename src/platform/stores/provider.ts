import type { KeyUnit } from '../model/object-key.ts';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { AddressGuard } from '../http/guard.ts';
import type { HttpReply, HttpTimeouts } from '../http/http.ts';
import type { Sockets } from '../http/sockets.ts';
import type { CloudType } from '../model/cloud.ts';
import type { Fault } from '../model/fault.ts';
import type { AccessKey } from '../signing/access-key.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { Connect } from './requests.ts';
import type { Store } from './store.ts';

/** Before the endpoint's host, in the path, or nowhere: a domain that is one bucket's own. */
export const addressings = ['virtual-host', 'path', 'bucket-domain'] as const;
export type Addressing = (typeof addressings)[number];

/** A bucket as a person named it. */
export interface NamedBucket {
  readonly bucket: string;
  /** The account's, where the cloud's bucket names end in it and this one may not. */
  readonly appId?: string | undefined;
}

/** What it takes to open a bucket. */
export interface OpenOptions extends NamedBucket {
  /** What the cloud is called in names and metrics; the dialect's own name unless given. */
  readonly cloud?: CloudType | undefined;
  readonly region: string;
  /** Scheme, host and port; the cloud's own for the region unless given. */
  readonly endpoint?: string | undefined;
  /** By the dialect and the endpoint unless given. */
  readonly addressing?: Addressing | undefined;
  readonly credentials: AccessKey;
  /** PEM; trusted instead of the public authorities. */
  readonly ca?: string | undefined;
  readonly guard?: AddressGuard | undefined;
  /** The bound for streams that are held whole; one of this store alone unless given. */
  readonly held?: HeldBytes | undefined;
  /** Resolves names; the system's way unless given. */
  readonly lookup?: LookupFunction | undefined;
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  /** The outgoing sockets of the process; unbounded unless given. */
  readonly sockets?: Sockets | undefined;
  readonly clock?: Clock | undefined;
  /** What opens connections; those of the store alone have a pace of their own unless given. */
  readonly connect?: Connect | undefined;
}

/** What a refusal that a CDN passes on says, in the words of the bucket behind it. */
export type RefusalReader = (
  reply: HttpReply,
  text: string,
) => { readonly code: string | undefined; readonly fault: Fault | undefined };

/**
 * Everything that code outside the protocol's folder needs of one row of facts: where its buckets are,
 * which names mean the same bucket, what its credentials look like, and how a bucket is opened.
 */
export interface Provider {
  readonly cloud: CloudType;
  /** Equal for the rows of one protocol. */
  readonly protocol: string;
  /** Buckets that the service itself names, unlike any that a person may create. */
  readonly ownBuckets: readonly string[];
  /** What its limit of the length of a key counts. */
  readonly keyUnit: KeyUnit;
  /** Whether a host is the cloud's own. */
  ownsHost(hostname: string): boolean;
  /** The cloud's own address for a region; undefined where only an operator can know. */
  endpointOf(region: string): string | undefined;
  /** Equal for two places exactly when they are one bucket under equal hosts. */
  identityOf(place: NamedBucket & { readonly url: URL; readonly accessKeyId: string }): string;
  /** What to give as the secret key instead of a session token beside it; undefined where the protocol has one. */
  readonly insteadOfSessionToken: string | undefined;
  readonly readRefusal: RefusalReader;
  /**
   * Opens a bucket without any layer.
   *
   * @throws {StoreError} for credentials that cannot be understood or that lead elsewhere.
   */
  open(options: OpenOptions): Store;
}
