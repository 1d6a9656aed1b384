import type { LookupFunction } from 'node:net';
import { backoffMs } from '../base/backoff.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { redactor } from '../base/redact.ts';
import type { CloudType } from '../model/cloud.ts';
import type { Fault } from '../model/fault.ts';
import { cdnRoot } from '../model/source-cdn.ts';
import { azureDialects, type AzureCloud, isAzureCloud } from './azure/dialects.ts';
import { openAzure } from './azure/open-azure.ts';
import { toldByAzure } from './azure/refusal.ts';
import type { BucketReader } from './cdn/cdn-refusal.ts';
import { type CdnAddress, throughCdn } from './cdn/cdn-store.ts';
import { comparedWholes } from './cdn/compared-wholes.ts';
import type { AddressGuard } from '../http/guard.ts';
import { HeldBytes } from './held-bytes.ts';
import { HttpClient, type HttpTimeouts } from '../http/http.ts';
import { limited, type Places } from './layers/limited.ts';
import { measured, type OnRequest } from './layers/measured.ts';
import { paced } from './layers/paced.ts';
import { Pacer } from './layers/pacer.ts';
import { refusedEtags } from './layers/refused-etags.ts';
import { resuming } from './layers/resuming.ts';
import { retrying } from './layers/retrying.ts';
import { fullBucketName } from './s3/bucket-name.ts';
import type { Addressing, S3Dialect } from './s3/dialect.ts';
import { type S3DialectName, s3Dialects } from './s3/dialects.ts';
import { namesNotPaths } from './s3/names-not-paths.ts';
import { toldByS3 } from './s3/refusal.ts';
import { endpointOf, scopeOf } from './s3/region.ts';
import type { Location } from './s3/relocation.ts';
import { S3Store } from './s3/s3-store.ts';
import { type Place, S3Wire } from './s3/wire.ts';
import type { AccessKey } from '../signing/access-key.ts';
import type { Sockets } from '../http/sockets.ts';
import { signerOf } from '../signing/signers.ts';
import type { Store } from './store.ts';
import type { StoreError } from '../model/store-error.ts';

/** The rows of facts that there are, of all protocols. */
export const storeDialects = { ...s3Dialects, ...azureDialects };
export type StoreDialect = S3DialectName | AzureCloud;

export interface StoreAddress {
  /** The row of facts to go by. */
  readonly dialect: StoreDialect;
  /** What the cloud is called in names and metrics; the dialect's own name unless given. */
  readonly cloud?: CloudType | undefined;
  readonly region: string;
  readonly bucket: string;
  /** The account's, where the cloud's names of buckets end in it and this one may not. */
  readonly appId?: string | undefined;
  /** Scheme, host and port; the cloud's own for the region unless given. */
  readonly endpoint?: string | undefined;
  /** Where the bucket's name goes; by the dialect and the endpoint unless given. */
  readonly addressing?: Addressing | undefined;
}

export interface LayerOptions {
  /** Calls in progress, and connections. */
  readonly connections?: number | undefined;
  /** Calls in progress at all stores of the same side; unbounded unless given. */
  readonly calls?: Places | undefined;
  readonly clock?: Clock | undefined;
  readonly retries?: Partial<Retries> | undefined;
  readonly onRequest?: OnRequest | undefined;
  readonly onRetry?: ((error: StoreError, attempt: number, delayMs: number) => void) | undefined;
}

export interface StoreOptions extends StoreAddress, LayerOptions {
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
  /** Where objects are read, instead of the bucket itself. */
  readonly cdn?: CdnAddress | undefined;
}

export interface Retries {
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled for each further one. */
  readonly baseMs: number;
  /** The longest wait in milliseconds; at a store that throttles, of all attempts together. */
  readonly maxMs: number;
}

const defaultConnections = 64;
const defaultRetries: Retries = { attempts: 5, baseMs: 200, maxMs: 5_000 };
/** After a refusal the pace decides when requests are sent; this much sooner than after a failure. */
const SOONER_WHEN_THROTTLED = 8;

/**
 * Opens a bucket, with all its layers.
 *
 * @see {@link layered} for their order.
 */
export function openStore(options: StoreOptions): Store {
  const { cdn } = options;
  const adapter = openAdapter(options);
  if (cdn === undefined) return layered(adapter, options);
  const { host } = new URL(cdn.origin);
  const { clock = systemClock } = options;
  const bucket = layered(adapter, options);
  const now = () => clock.now();
  return comparedWholes(layered(behindCdn(adapter, cdn, options), options), { host, bucket, now });
}

/** The adapter alone, of the protocol that its row of facts is of; without a layer. */
export function openAdapter(options: StoreOptions): Store {
  const { dialect, addressing } = options;
  if (!isAzureCloud(dialect)) return openS3({ ...options, dialect });
  const inPath = addressing === 'bucket-domain' ? undefined : addressing;
  return openAzure({ ...options, dialect, addressing: inPath });
}

/** The adapter, read through a CDN. */
function behindCdn(adapter: Store, cdn: CdnAddress, options: StoreOptions): Store {
  const { bucket, credentials, lookup, timeouts, sockets } = options;
  const { clock = systemClock, connections = defaultConnections } = options;
  const root = cdnRoot(options.cloud ?? storeDialects[options.dialect].cloud, bucket);
  const readBucket = bucketReader(options.dialect);
  const http = { lookup, timeouts, sockets, connections };
  const shared = { ...http, bucket, credentials, readBucket, clock };
  return throughCdn(adapter, { ...shared, ...cdn, root });
}

function bucketReader(name: StoreDialect): BucketReader {
  if (isAzureCloud(name)) return toldByAzure;
  const dialect: S3Dialect = s3Dialects[name];
  return (reply, text) => toldByS3(reply, text, dialect);
}

/**
 * Puts the layers around an adapter, in the order that is decided here.
 *
 * A call has a place (outermost) until it is over for good, its repetitions and a body that is read
 * on after a break included. Whoever reads on holds a place of the target already, which those wait
 * for who would get a place that was given back: all would wait for each other for ever. Each try
 * waits for the pace, and source and target have a pace each; what is measured is each request itself.
 */
export function layered(adapter: Store, options: LayerOptions): Store {
  const { clock = systemClock, connections = defaultConnections } = options;
  const { attempts, baseMs, maxMs } = { ...defaultRetries, ...options.retries };
  const delayMs = (attempt: number, fault: Fault): number => {
    const firstMs = fault === 'throttled' ? baseMs / SOONER_WHEN_THROTTLED : baseMs;
    return backoffMs(attempt, { baseMs: firstMs, maxMs }, clock.random());
  };
  const policy = {
    attempts,
    delayMs,
    delayMaxMs: maxMs,
    onRetry: options.onRetry ?? (() => {}),
  };
  const bare =
    options.onRequest === undefined ? adapter : measured(adapter, clock, options.onRequest);
  const tried = refusedEtags(retrying(paced(bare, new Pacer(clock)), policy, clock));
  const rereads = { attempts, delayMs: (attempt: number) => delayMs(attempt, 'interrupted') };
  return limited(resuming(tried, rereads, clock), connections, options.calls);
}

function openS3(given: StoreOptions & { readonly dialect: S3DialectName }): Store {
  const dialect: S3Dialect = s3Dialects[given.dialect];
  const bucket = fullBucketName(dialect, given.bucket, given.appId);
  const options = { ...given, bucket };
  const { region, credentials, clock = systemClock } = options;
  const endpoint = options.endpoint ?? endpointOf(dialect, region);
  if (endpoint === undefined) throw new Error(`${options.dialect} has no endpoint of its own`);
  const cloud = options.cloud ?? dialect.cloud;
  const wire = new S3Wire({
    cloud,
    row: given.dialect,
    name: `${cloud}:${bucket}`,
    bucket,
    location: { endpoint, region },
    open: (location) => placeAt(location, options, dialect),
    dialect,
    redact: redactor(secretsOf(credentials)),
    clock,
    held: options.held ?? new HeldBytes(),
  });
  const store = new S3Store(wire);
  return dialect.misreadKeys === 'perhaps-paths' ? namesNotPaths(store) : store;
}

function placeAt(location: Location, options: StoreOptions, dialect: S3Dialect): Place {
  const { credentials, ca, guard, lookup, timeouts, sockets } = options;
  const { connections = defaultConnections } = options;
  const { origin, host, root, mistake } = addressOf(location, options, dialect);
  return {
    location,
    http: new HttpClient({ origin, connections, ca, guard, lookup, timeouts, sockets }),
    signer: signerOf(dialect.signature, {
      key: credentials,
      region: scopeOf(dialect, location.region),
    }),
    host,
    root,
    mistake,
  };
}

function secretsOf({ accessKeyId, secretAccessKey, sessionToken }: AccessKey): string[] {
  const token = sessionToken === undefined ? [] : [sessionToken.reveal()];
  return [accessKeyId, secretAccessKey.reveal(), ...token];
}

function addressOf({ endpoint }: Location, address: StoreAddress, dialect: S3Dialect) {
  const { bucket } = address;
  const url = new URL(endpoint);
  const addressing = addressingOf(url, address, dialect);
  const asUsual = address.addressing === undefined && dialect.ownHosts.test(url.hostname);
  const host = addressing === 'virtual-host' ? `${bucket}.${url.host}` : url.host;
  return {
    origin: `${url.protocol}//${host}`,
    host,
    root: addressing === 'path' ? `/${bucket}/` : '/',
    mistake:
      addressing === 'path' && isDotted(url, address) && !dialect.takesPathStyle && asUsual
        ? 'the name of the bucket has dots, so that no certificate covers its host, and the cloud takes it nowhere else: bind a domain to the bucket, and map it in the file of endpoints with the addressing bucket-domain'
        : undefined,
  };
}

/** A certificate for `*.host` does not cover a name with one dot more. */
function isDotted({ protocol }: URL, { bucket }: StoreAddress): boolean {
  return protocol === 'https:' && bucket.includes('.');
}

function addressingOf(url: URL, address: StoreAddress, dialect: S3Dialect): Addressing {
  if (address.addressing !== undefined) return address.addressing;
  const isAddress = /^\[|^[\d.]+$/.test(url.hostname);
  if (isAddress || isDotted(url, address)) return 'path';
  const { own, elsewhere } = dialect.addressing;
  return dialect.ownHosts.test(url.hostname) ? own : elsewhere;
}
