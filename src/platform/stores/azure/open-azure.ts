import type { LookupFunction } from 'node:net';
import { type Clock, systemClock } from '../../base/clock.ts';
import { redactor } from '../../base/redact.ts';
import type { CloudType } from '../../model/cloud.ts';
import type { AddressGuard } from '../../http/guard.ts';
import { HttpClient, type HttpTimeouts } from '../../http/http.ts';
import type { AccessKey } from '../../signing/access-key.ts';
import type { Sockets } from '../../http/sockets.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { AzureStore } from './azure-store.ts';
import {
  type AzureCredentials,
  azureCredentials,
  AzureCredentialsError,
} from '../../signing/azure-credentials.ts';
import { type AzureCloud, type AzureDialect, azureDialects } from './dialects.ts';
import { AzureWire } from './wire.ts';

export interface AzureOptions {
  readonly dialect: AzureCloud;
  /** What the cloud is called in names and metrics; the dialect's own name unless given. */
  readonly cloud?: CloudType | undefined;
  /** Tells which of Azure's clouds it is; empty for the public one. */
  readonly region: string;
  /** The container. */
  readonly bucket: string;
  /** Scheme, host and port; the cloud's own, by the account and the region, unless given. */
  readonly endpoint?: string | undefined;
  /** Whether the account is in the path, as at Azurite, or not; by the endpoint unless given. */
  readonly addressing?: 'path' | 'virtual-host' | undefined;
  readonly credentials: AccessKey;
  readonly connections?: number | undefined;
  readonly clock?: Clock | undefined;
  /** PEM; trusted instead of the public authorities. */
  readonly ca?: string | undefined;
  readonly guard?: AddressGuard | undefined;
  /** Resolves names; the system's way unless given. */
  readonly lookup?: LookupFunction | undefined;
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  readonly sockets?: Sockets | undefined;
}

const defaultConnections = 64;

/**
 * The adapter alone, without a layer.
 *
 * @throws {StoreError} `bad-credentials` for what cannot be understood, and `refused` for a
 *   connection string that leads elsewhere.
 */
export function openAzure(options: AzureOptions): Store {
  const dialect: AzureDialect = azureDialects[options.dialect];
  const cloud = options.cloud ?? dialect.cloud;
  const name = `${cloud}:${options.bucket}`;
  const credentials = credentialsOf(options, name);
  const { origin, base } = addressOf(options, credentials, dialect, name);
  const { ca, guard, lookup, timeouts, sockets } = options;
  const { connections = defaultConnections } = options;
  const wire = new AzureWire({
    cloud,
    name,
    http: new HttpClient({ origin, connections, ca, guard, lookup, timeouts, sockets }),
    credentials,
    origin,
    base,
    container: options.bucket,
    dialect,
    redact: redactorOf(credentials),
    clock: options.clock ?? systemClock,
  });
  return new AzureStore(wire);
}

function credentialsOf({ credentials }: AzureOptions, store: string): AzureCredentials {
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
  options: AzureOptions,
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
  { region }: AzureOptions,
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
export function suffixOf(region: string, { suffixes }: AzureDialect): string {
  const found = suffixes.find(({ regions }) => regions.test(region));
  if (found === undefined) throw new RangeError(`no row for the region ${region}`);
  return found.suffix;
}
