import { systemClock } from '../../base/clock.ts';
import { redactor } from '../../base/redact.ts';
import type { AccessKey } from '../../signing/access-key.ts';
import { signerOf } from '../../signing/signers.ts';
import type { Addressing, NamedBucket, OpenOptions, Provider } from '../provider.ts';
import { HeldBytes } from '../held-bytes.ts';
import { connectingAlone } from '../requests.ts';
import type { Store } from '../store.ts';
import { fullBucketName } from './bucket-name.ts';
import type { S3Dialect } from './dialect.ts';
import { type S3DialectName, s3Dialects } from './dialects.ts';
import { namesNotPaths } from './names-not-paths.ts';
import { refusalOfBucket } from './refusal.ts';
import { endpointOf, scopeOf } from './region.ts';
import type { Location } from './relocation.ts';
import { S3Store } from './s3-store.ts';
import { type Place, S3Wire } from './wire.ts';

/** The S3 family: one provider for each row of facts. */
export function s3Provider(name: S3DialectName): Provider {
  const row: S3Dialect = s3Dialects[name];
  return {
    cloud: row.cloud,
    protocol: 'S3',
    keyUnit: 'bytes',
    ownBuckets: [],
    ownsHost: (hostname) => row.ownHosts.test(hostname),
    endpointOf(region) {
      const url = endpointOf(row, region);
      // The region becomes a part of the host's name: it must not change where that leads.
      return /^[a-z0-9_-]+$/i.test(region) ? url : undefined;
    },
    identityOf({ url, bucket, appId }) {
      const anywhere = row.namesAreGlobal && row.ownHosts.test(url.hostname);
      // The partitions of a cloud, such as AWS in China, differ in the end of their hosts.
      const where = anywhere ? `${name} ${url.hostname.split('.').at(-1) ?? ''}` : url.host;
      return JSON.stringify([where, fullBucketName(row, bucket, appId)]);
    },
    insteadOfSessionToken: undefined,
    readRefusal: (reply, text) => refusalOfBucket(reply, text, row),
    open: (options) => open(options, name, row),
  };
}

function open(given: OpenOptions, row: S3DialectName, dialect: S3Dialect): Store {
  const bucket = fullBucketName(dialect, given.bucket, given.appId);
  const options = { ...given, bucket };
  const { region, credentials, clock = systemClock } = options;
  const endpoint = options.endpoint ?? endpointOf(dialect, region);
  if (endpoint === undefined) throw new Error(`${row} has no endpoint of its own`);
  const cloud = options.cloud ?? dialect.cloud;
  const wire = new S3Wire({
    cloud,
    row,
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

function placeAt(location: Location, options: OpenOptions, dialect: S3Dialect): Place {
  const { credentials, ca, guard, lookup, timeouts, sockets } = options;
  const { connect = connectingAlone(options.clock) } = options;
  const { origin, host, root, mistake } = addressOf(location, options, dialect);
  return {
    location,
    http: connect({ origin, ca, guard, lookup, timeouts, sockets }),
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

function addressOf({ endpoint }: Location, address: Address, dialect: S3Dialect) {
  const { bucket } = address;
  const url = new URL(endpoint);
  const addressing = addressingOf(url, address, dialect);
  if (addressing === 'virtual-host' && !isHostName(bucket)) {
    const mistake =
      'the name of the bucket cannot be part of a host name, which has small letters, digits, hyphens and dots only, in up to 63 characters: correct the name, or set the addressing path in the file of endpoints where the store takes it';
    return { origin: url.origin, host: url.host, root: '/', mistake };
  }
  const asUsual = address.addressing === undefined && dialect.ownHosts.test(url.hostname);
  const { origin, host } = new URL(
    addressing === 'virtual-host' ? `${url.protocol}//${bucket}.${url.host}` : url,
  );
  return {
    origin,
    // As URLs spell it, because the connection sends that, and the signature must cover what is sent.
    host,
    root: addressing === 'path' ? `/${bucket}/` : '/',
    mistake:
      addressing === 'path' && isDotted(url, address) && !dialect.takesPathStyle && asUsual
        ? 'the name of the bucket has dots, so that no certificate covers its host, and the cloud takes it nowhere else: bind a domain to the bucket, and map it in the file of endpoints with the addressing bucket-domain'
        : undefined,
  };
}

type Address = NamedBucket & Pick<OpenOptions, 'addressing'>;

/** A certificate for `*.host` does not cover a name with one dot more. */
function isDotted({ protocol }: URL, { bucket }: Address): boolean {
  return protocol === 'https:' && bucket.includes('.');
}

/**
 * Whether hosts can carry the name: AWS made buckets with capital letters and underscores until 2018,
 * whose names only a path can carry. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
function isHostName(bucket: string): boolean {
  const labels = bucket.split('.');
  return (
    bucket.length <= 63 && labels.every((label) => /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/.test(label))
  );
}

function addressingOf(url: URL, address: Address, dialect: S3Dialect): Addressing {
  if (address.addressing === 'bucket-domain') return address.addressing;
  if (address.addressing !== undefined) return address.addressing;
  if (dialect.takesPathStyle && !isHostName(address.bucket)) return 'path';
  const isAddress = /^\[|^[\d.]+$/.test(url.hostname);
  if (isAddress || isDotted(url, address)) return 'path';
  const { own, elsewhere } = dialect.addressing;
  return dialect.ownHosts.test(url.hostname) ? own : elsewhere;
}
