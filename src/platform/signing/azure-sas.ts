import { createHmac } from 'node:crypto';
import type { AzureAccountKey } from './azure-shared-key.ts';

/** What a token is good for. */
export interface AzureSasGrant {
  readonly container: string;
  /** Decoded; a token for the whole container without. */
  readonly key?: string | undefined;
  /** In Azure's order, of `racwdxltmeop`: `r` reads, `l` lists. */
  readonly permissions: string;
  /** Milliseconds since the Unix epoch. */
  readonly startsAt?: number | undefined;
  readonly expiresAt: number;
  readonly httpsOnly?: boolean | undefined;
}

/** The format of the string to sign; any later version of the service takes it. */
const VERSION = '2020-12-06';

/**
 * Makes a service SAS token for a container or a blob, without a leading `?`.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-service-sas
 */
export function azureServiceSas({ account, key }: AzureAccountKey, grant: AzureSasGrant): string {
  const starts = grant.startsAt === undefined ? '' : sasTime(grant.startsAt);
  const expires = sasTime(grant.expiresAt);
  const protocol = grant.httpsOnly === true ? 'https' : '';
  const resource = grant.key === undefined ? 'c' : 'b';
  const path = grant.key === undefined ? '' : `/${grant.key}`;
  const text = [
    grant.permissions,
    starts,
    expires,
    `/blob/${account}/${grant.container}${path}`,
    '', // A stored access policy.
    '', // Addresses.
    protocol,
    VERSION,
    resource,
    '', // A snapshot or version.
    '', // An encryption scope.
    ...['', '', '', '', ''], // Headers of the answer.
  ].join('\n');
  const signature = createHmac('sha256', Buffer.from(key.reveal(), 'base64'))
    .update(text)
    .digest('base64');
  const parameters = [
    ['sv', VERSION],
    ['spr', protocol],
    ['st', starts],
    ['se', expires],
    ['sr', resource],
    ['sp', grant.permissions],
    ['sig', signature],
  ] as const;
  return parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** Whole seconds, as the string to sign has them. */
function sasTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+/, '');
}
