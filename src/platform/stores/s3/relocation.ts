import type { S3Dialect } from './dialect.ts';
import { headerOf } from '../../http/headers.ts';
import type { Refusal } from './refusal.ts';
import { endpointOf, regionName } from './region.ts';

/** Where the requests for a bucket go. */
export interface Location {
  /** Scheme, host and port, without the bucket's name. */
  readonly endpoint: string;
  readonly region: string;
}

/**
 * Where a refusal says that the bucket is instead; undefined where it says no such thing.
 *
 * Only one of the cloud's own hosts may redirect, and only to a region's storage: a private server must not
 * redirect signed requests elsewhere, but may name the region to sign for. Scheme and port stay.
 */
export function relocation(
  refusal: Refusal,
  dialect: S3Dialect,
  bucket: string,
  from: Location,
): Location | undefined {
  const { code, headers } = refusal;
  if (code !== undefined && !dialect.wrongRegionCodes.has(code)) return undefined;
  const region = refusal.region ?? headerOf(headers, `${dialect.headerPrefix}bucket-region`);
  return region === undefined
    ? byHost(hostOf(refusal, dialect, bucket), dialect, from)
    : byRegion(region, dialect, from);
}

function byRegion(region: string, dialect: S3Dialect, from: Location): Location | undefined {
  const isNew = regionName(dialect, region) !== regionName(dialect, from.region);
  if (!isNew || !/^[a-z0-9-]{1,63}$/i.test(region)) return undefined;
  const url = new URL(from.endpoint);
  const own = dialect.ownHosts.test(url.hostname) ? endpointOf(dialect, region) : undefined;
  return { region, endpoint: own === undefined ? from.endpoint : atHost(url, new URL(own)) };
}

function byHost(
  host: string | undefined,
  dialect: S3Dialect,
  from: Location,
): Location | undefined {
  const url = new URL(from.endpoint);
  const isOwn = dialect.ownHosts.test(url.hostname);
  if (host === undefined || !isOwn || host === url.hostname) return undefined;
  const [, region = from.region] = dialect.regions.inHost?.exec(host) ?? [];
  return { region, endpoint: atHost(url, { hostname: host }) };
}

function hostOf(
  { endpoint, headers }: Refusal,
  dialect: S3Dialect,
  bucket: string,
): string | undefined {
  const named = endpoint?.toLowerCase() ?? hostOfUrl(headerOf(headers, 'location'), bucket);
  if (named === undefined || !/^[a-z0-9.-]{1,253}$/.test(named)) return undefined;
  const host = named.startsWith(`${bucket}.`) ? named.slice(bucket.length + 1) : named;
  // Below the cloud's domain there are tenants' own machines, too: only storage has a region so.
  const isStorage = dialect.regions.inHost?.test(host) === true;
  return isStorage && dialect.ownHosts.test(host) ? host : undefined;
}

/**
 * Undefined for what is not an address of this bucket: another scheme, a path alone, or another bucket,
 * to which rules may redirect requests for a missing object:
 * https://www.alibabacloud.com/help/en/oss/user-guide/redirection
 */
function hostOfUrl(location: string | undefined, bucket: string): string | undefined {
  const url = location === undefined ? null : URL.parse(location);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const { hostname, pathname } = url;
  const isOurs = hostname.startsWith(`${bucket}.`) || `${pathname}/`.startsWith(`/${bucket}/`);
  return isOurs ? hostname : undefined;
}

function atHost(url: URL, { hostname }: { readonly hostname: string }): string {
  const port = url.port === '' ? '' : `:${url.port}`;
  return `${url.protocol}//${hostname}${port}`;
}
