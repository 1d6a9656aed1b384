import { systemClock } from '../../base/clock.ts';
import { redactor } from '../../base/redact.ts';
import type { OpenOptions, Provider } from '../provider.ts';
import { connectingAlone } from '../requests.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { AzureStore } from './azure-store.ts';
import {
  type AzureCredentials,
  azureCredentials,
  AzureCredentialsError,
} from '../../signing/azure-credentials.ts';
import { type AzureCloud, type AzureDialect, azureDialects } from './dialects.ts';
import { refusalOfBucket } from './refusal.ts';
import { AzureWire } from './wire.ts';

/** Azure Blob Storage. */
export function azureProvider(name: AzureCloud): Provider {
  const dialect: AzureDialect = azureDialects[name];
  return {
    cloud: dialect.cloud,
    protocol: 'Azure Blob',
    keyUnit: 'characters',
    // https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
    ownBuckets: ['$web', '$root', '$logs', '$blobchangefeed'],
    ownsHost: (hostname) => dialect.ownHosts.test(hostname),
    // The account, which precedes it, is in the credentials; the region only determines the suffix.
    endpointOf: (region) => `https://${suffixOf(region, dialect)}`,
    // Containers belong to an account, and each account has names of its own.
    identityOf: ({ url, bucket, accessKeyId }) => JSON.stringify([url.host, accessKeyId, bucket]),
    insteadOfSessionToken: 'a SAS token, or a connection string with a SharedAccessSignature,',
    readRefusal: refusalOfBucket,
    open: (options) => open(options, dialect),
  };
}

function open(options: OpenOptions, dialect: AzureDialect): Store {
  const cloud = options.cloud ?? dialect.cloud;
  const name = `${cloud}:${options.bucket}`;
  const credentials = credentialsOf(options, name);
  const { origin, base } = addressOf(options, credentials, dialect, name);
  const { ca, guard, lookup, timeouts, sockets, clock = systemClock } = options;
  const { connect = connectingAlone(clock) } = options;
  const wire = new AzureWire({
    cloud,
    name,
    http: connect({ origin, ca, guard, lookup, timeouts, sockets }),
    credentials,
    origin,
    base,
    container: options.bucket,
    dialect,
    redact: redactorOf(credentials),
    clock,
  });
  return new AzureStore(wire);
}

function credentialsOf({ credentials }: OpenOptions, store: string): AzureCredentials {
  try {
    return azureCredentials(credentials);
  } catch (cause) {
    if (!(cause instanceof AzureCredentialsError)) throw cause;
    const details = { store, operation: 'open', cloudMessage: cause.message };
    throw new StoreError('bad-credentials', details, { cause });
  }
}

/** The key, or the token and its signature. */
function redactorOf(credentials: AzureCredentials): (text: string) => string {
  const secrets: string[] = [];
  if (credentials.kind === 'key') secrets.push(credentials.key.reveal());
  else {
    const token = credentials.token.reveal();
    secrets.push(token, new URLSearchParams(token).get('sig') ?? '');
  }
  return redactor(secrets);
}

interface Address {
  readonly origin: string;
  readonly base: string;
}

function addressOf(
  options: OpenOptions,
  credentials: AzureCredentials,
  dialect: AzureDialect,
  store: string,
): Address {
  const { account } = credentials;
  const { endpoint = ownEndpoint(options, credentials, dialect, store) } = options;
  const url = new URL(endpoint);
  // A host of the service without an account: of the region, as a request or a file may name it.
  if (dialect.suffixes.some(({ suffix }) => suffix === url.hostname)) {
    return { origin: `${url.protocol}//${account}.${url.host}`, base: '' };
  }
  const { addressing = dialect.ownHosts.test(url.hostname) ? 'virtual-host' : 'path' } = options;
  return { origin: url.origin, base: addressing === 'path' ? `/${account}` : '' };
}

/** A user's connection string leads nowhere but to Azure: other servers are the operator's to allow. */
function ownEndpoint(
  { region }: OpenOptions,
  { account, endpoint }: AzureCredentials,
  dialect: AzureDialect,
  store: string,
): string {
  if (endpoint === undefined) return `https://${account}.${suffixOf(region, dialect)}`;
  if (dialect.ownHosts.test(new URL(endpoint).hostname)) return endpoint;
  const cloudMessage =
    'the connection string leads to a server that is not Azure: name it as the endpoint of the task';
  throw new StoreError('refused', { store, operation: 'open', cloudMessage });
}

/** The host of the service in a region, without an account. */
function suffixOf(region: string, { suffixes }: AzureDialect): string {
  const found = suffixes.find(({ regions }) => regions.test(region));
  if (found === undefined) throw new RangeError(`no row for the region ${region}`);
  return found.suffix;
}
