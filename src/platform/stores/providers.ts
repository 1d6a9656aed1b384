import type { CloudType } from '../model/cloud.ts';
import { type AzureCloud, azureDialects, isAzureCloud } from './azure/dialects.ts';
import { azureProvider } from './azure/provider.ts';
import type { Provider } from './provider.ts';
import { dialectAtHost, isS3Cloud, type S3DialectName, s3Dialects } from './s3/dialects.ts';
import { s3Provider } from './s3/provider.ts';

/** The name of a row of facts, whatever its protocol. */
export type StoreDialect = S3DialectName | AzureCloud;

/** By the names of their rows. A further protocol is a folder of its own, and lines in this file. */
export const providers: Readonly<Record<StoreDialect, Provider>> = {
  ...each(s3Dialects, s3Provider),
  ...each(azureDialects, azureProvider),
};

export const storeDialects = Object.keys(providers) as readonly StoreDialect[];

function each<Name extends string>(
  rows: Readonly<Record<Name, unknown>>,
  make: (name: Name) => Provider,
): Record<Name, Provider> {
  const names = Object.keys(rows) as Name[];
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Provider>;
}

/** The row of a cloud at its own addresses; undefined for one that has none. */
export function dialectOf(cloud: CloudType): StoreDialect | undefined {
  return isAzureCloud(cloud) || isS3Cloud(cloud) ? cloud : undefined;
}

/** The row of a server under the name of a cloud: a protocol of its own is spoken at any host. */
export function dialectAt(cloud: CloudType, hostname: string): StoreDialect {
  return isAzureCloud(cloud) ? cloud : dialectAtHost(cloud, hostname);
}
