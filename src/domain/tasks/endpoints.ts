import { type Allowed, allowList, coversUrl } from '../../platform/http/allow-list.ts';
import type { CloudType } from '../../platform/model/cloud.ts';
import type { KeyUnit } from '../../platform/model/object-key.ts';
import type { SourceCdn } from '../../platform/model/source-cdn.ts';
import type { BucketPlace } from './task-record.ts';
import { type AddressGuard, addressGuard } from '../../platform/http/guard.ts';
import type { Addressing } from '../../platform/stores/provider.ts';
import {
  dialectAt,
  dialectOf,
  providers,
  type StoreDialect,
} from '../../platform/stores/providers.ts';
import { type ResolvedCdn, resolveCdn } from './cdn-places.ts';
import { ServiceError } from '../service-error.ts';

/** What the operator's file says of one cloud's region. Trusted: it may be a private address. */
export interface MappedEndpoint {
  readonly cloud: CloudType;
  /** `*` for every region of the cloud. */
  readonly region: string;
  /** Scheme, host and port. */
  readonly endpoint: string;
  readonly addressing?: Addressing | undefined;
  /** The row of facts to go by; unless given, the cloud's at its own hosts, else plain S3's. */
  readonly dialect?: StoreDialect | undefined;
  /** PEM of a private authority; for a CDN before its buckets too, beside the public ones. */
  readonly ca?: string | undefined;
  /** For the signature, where it is not the region's name. */
  readonly signingRegion?: string | undefined;
}

export interface ResolvedEndpoint {
  readonly dialect: StoreDialect;
  readonly url: string;
  /** It is what the cloud has by itself: credentials that name an address know better. */
  readonly isOwn: boolean;
  readonly region: string;
  readonly addressing: Addressing | undefined;
  readonly ca: string | undefined;
  /** Called before each connection; undefined for addresses that the operator vouches for. */
  readonly guard: AddressGuard | undefined;
}

export interface Endpoints {
  /** @throws {ServiceError} naming the request's field when a place has no address, or a forbidden one. */
  check(place: BucketPlace, side: 'source' | 'target'): void;
  resolve(place: BucketPlace): ResolvedEndpoint;
  /** @throws {ServiceError} naming the request's field when its domain is none, or a forbidden one. */
  resolveCdn(cdn: SourceCdn, source: BucketPlace): ResolvedCdn;
}

/**
 * Finds the endpoint of a bucket: the address that the request names, if the operator allows it; else
 * the one in the operator's file for the cloud's region; else the cloud's own.
 *
 * @param allowedEntries What requests may name, each as `readAllowed` reads it.
 * @throws {RangeError} for an entry that is none.
 */
export function readEndpoints(
  mapped: readonly MappedEndpoint[],
  allowedEntries: readonly string[],
): Endpoints {
  const allowed = allowList(...allowedEntries);
  const guard = addressGuard(allowed);
  const nothingPrivate = addressGuard([]);
  const guardOf = (url: URL) => (isAdmitted(url, allowed) ? guard : nothingPrivate);

  function find(place: BucketPlace): ResolvedEndpoint | ServiceError {
    const { cloud, region } = place;
    if (place.endpoint !== undefined) {
      const refusal = refuse(place.endpoint, allowed);
      if (refusal !== undefined) return new ServiceError('endpoint-refused', refusal);
      const dialect = dialectAt(cloud, new URL(place.endpoint).hostname);
      return { ...plain, isOwn: false, dialect, url: place.endpoint, region, guard };
    }
    const own = mappedTo(mapped, place);
    if (own !== undefined) {
      return {
        dialect: own.dialect ?? dialectAt(cloud, new URL(own.endpoint).hostname),
        url: own.endpoint,
        isOwn: false,
        region: own.signingRegion ?? region,
        addressing: own.addressing,
        ca: own.ca,
        guard: undefined,
      };
    }
    const dialect = dialectOf(cloud);
    if (dialect === undefined) return unknownPlace(place);
    const url = providers[dialect].endpointOf(region);
    if (url === undefined) return unknownPlace(place);
    return { ...plain, dialect, url, region, guard: nothingPrivate };
  }

  return {
    check(place, side) {
      if (!BUCKET.test(place.bucket) && !isOwnBucket(place)) {
        throw new ServiceError(
          'invalid-request',
          'A bucket name has 1 to 255 letters, digits, dots, hyphens and underscores.',
          `[${side}.bucket] invalid.`,
        );
      }
      const found = find(place);
      if (!(found instanceof ServiceError)) return;
      const field = place.endpoint === undefined ? `${side}.region` : `${side}.endpoint`;
      const detail = `[${field}] invalid. ${found.detail ?? ''}`.trim();
      throw new ServiceError(found.problem, found.message, detail);
    },
    resolve(place) {
      const found = find(place);
      if (found instanceof ServiceError) throw found;
      return found;
    },
    resolveCdn: (cdn, source) => resolveCdn(cdn, guardOf, mappedTo(mapped, source)?.ca),
  };
}

/** What the operator's file says of a place. */
function mappedTo(
  mapped: readonly MappedEndpoint[],
  { cloud, region }: BucketPlace,
): MappedEndpoint | undefined {
  const ofCloud = mapped.filter((entry) => entry.cloud === cloud);
  const own = ofCloud.find((entry) => entry.region === region);
  return own ?? ofCloud.find((entry) => entry.region === '*');
}

/** A bucket's name becomes a part of a host's name or a path: it must not change where they lead. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{0,254}$/i;

/** Azure's `$web` and the like. */
function isOwnBucket({ cloud, bucket }: BucketPlace): boolean {
  return providers[dialectAt(cloud, '')].ownBuckets.includes(bucket);
}

/** What the limit of the length of a key counts there. */
export function keyUnitOf({ dialect }: ResolvedEndpoint): KeyUnit {
  return providers[dialect].keyUnit;
}

const plain = { isOwn: true, addressing: undefined, ca: undefined };

function unknownPlace({ cloud, region }: BucketPlace): ServiceError {
  if (region === '') {
    const message = `No region is given for ${cloud}, and its address is not known without one.`;
    return new ServiceError('endpoint-unknown', message);
  }
  return new ServiceError(
    'endpoint-unknown',
    `No address is known for ${cloud} in region "${region}".`,
    `The operator can map it in the file that {settings.config} names, under "endpoints": {cloud: ${cloud}, region: ${region}, endpoint: "https://…"}.`,
  );
}

/** A place, and by whose key it is entered. */
export interface EnteredPlace extends BucketPlace {
  readonly accessKeyId: string;
  readonly appId?: string | undefined;
}

/** Whether two places are one bucket, however they were named. */
export function isSameBucket(places: Endpoints, one: EnteredPlace, other: EnteredPlace): boolean {
  const fullName = (place: EnteredPlace): string => {
    const { url, dialect } = places.resolve(place);
    return providers[dialect].identityOf({ ...place, url: new URL(url) });
  };
  return fullName(one) === fullName(other);
}

/**
 * Whether one bucket may be behind both places, by whatever names and addresses. It cannot where they
 * speak different protocols, or are at the own hosts of different clouds.
 */
export function mayBeOneService(places: Endpoints, one: BucketPlace, other: BucketPlace): boolean {
  const [here, there] = [places.resolve(one), places.resolve(other)];
  if (providers[here.dialect].protocol !== providers[there.dialect].protocol) return false;
  const [cloud, otherCloud] = [ownerOf(here), ownerOf(there)];
  return cloud === undefined || otherCloud === undefined || cloud === otherCloud;
}

/** The cloud whose own host it is; undefined for anybody's server. */
function ownerOf({ url, dialect }: ResolvedEndpoint): StoreDialect | undefined {
  return providers[dialect].ownsHost(new URL(url).hostname) ? dialect : undefined;
}

/** Why a request may not name this address; undefined where it may. */
function refuse(endpoint: string, allowed: readonly Allowed[]): string | undefined {
  if (!/^https?:\/\//i.test(endpoint) || !URL.canParse(endpoint)) {
    return 'An endpoint is an address like https://host or http://host:port.';
  }
  const url = new URL(endpoint);
  const bare = url.pathname === '/' && url.search === '' && url.hash === '';
  if (!bare || url.username !== '' || url.password !== '') {
    return 'An endpoint has a scheme, a host and a port, and nothing else.';
  }
  if (isAdmitted(url, allowed)) return undefined;
  return `Requests may not name ${url.host}; the operator can allow it with {settings.allowEndpoints}.`;
}

function isAdmitted(url: URL, allowed: readonly Allowed[]): boolean {
  return allowed.some((entry) => coversUrl(entry, url));
}
