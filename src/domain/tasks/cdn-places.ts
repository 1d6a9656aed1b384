import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { unbracketed } from '../../platform/http/allow-list.ts';
import type { Secret } from '../../platform/base/seal.ts';
import { cdnAuthentications, type SourceCdn } from '../../platform/model/source-cdn.ts';
import type { TaskPlan } from './task-record.ts';
import type { AddressGuard } from '../../platform/http/guard.ts';
import { ServiceError } from '../service-error.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

export interface ResolvedCdn {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Called before each connection. */
  readonly guard: AddressGuard;
  /** PEM; undefined for the public authorities alone. */
  readonly ca: string | undefined;
}

/**
 * Where a CDN is: any public host, and what else the operator lets requests name.
 *
 * @param guardOf What may be connected to at an address.
 * @param ca PEM of a private authority that the operator trusts for the cloud's region.
 * @throws {ServiceError} naming the request's field when its domain is no host, or a forbidden address.
 */
export function resolveCdn(
  { domain, protocol }: SourceCdn,
  guardOf: (url: URL) => AddressGuard,
  ca: string | undefined,
): ResolvedCdn {
  const url = urlOf(domain, protocol);
  const guard = guardOf(url);
  const hostname = unbracketed(url.hostname);
  // Names are resolved, and their addresses are checked, at each connection.
  const refusal = isIP(hostname) === 0 ? undefined : guard(hostname, hostname);
  if (refusal !== undefined) {
    throw badDomain(
      `Requests may not name ${url.host}; the operator can allow it with {settings.allowEndpoints}.`,
    );
  }
  // A CDN in front of private buckets may nevertheless be public.
  const authorities = ca === undefined ? undefined : [ca, ...rootCertificates].join('\n');
  return { origin: url.origin, guard, ca: authorities };
}

function urlOf(domain: string, protocol: SourceCdn['protocol']): URL {
  const text = `${protocol}://${domain}`;
  if (!/^[^\s/\\?#@%]+$/.test(domain) || !URL.canParse(text)) {
    throw badDomain('A domain is a host, perhaps with a port, and nothing else: cdn.example.com.');
  }
  return new URL(text);
}

function badDomain(detail: string): ServiceError {
  return new ServiceError(
    'cdn-refused',
    'The domain of the CDN cannot be used.',
    `[cdn.domain] invalid. ${detail}`,
  );
}

/**
 * That a CDN's type of authentication is one of the source's cloud, and has the key that it needs and
 * no token that it would lose.
 *
 * @throws {ServiceError} naming the request's field.
 */
export function checkAuthentication(
  { source, sourceCdn }: Pick<TaskPlan, 'source' | 'sourceCdn'>,
  { source: keys, cdnKey }: Pick<TaskCredentials, 'source' | 'cdnKey'>,
): void {
  if (sourceCdn === undefined) return;
  const { authenticationType: type } = sourceCdn;
  const { cloud, key } = cdnAuthentications[type];
  if (cloud !== undefined && cloud !== source.cloud) {
    throw new ServiceError(
      'invalid-request',
      'Invalid request parameters.',
      `[cdn.authenticationType] invalid. ${type} is for buckets of ${cloud}, and the source is ${source.cloud}; name its own type, or NONE for a public CDN.`,
    );
  }
  checkToken(type, { token: keys.sessionToken, cdnKey });
  const needed = key === 'required' || (key === 'or-token' && keys.sessionToken === undefined);
  if (!needed || cdnKey !== undefined) return;
  const instead = key === 'or-token' ? ', unless {source.sessionToken} is given' : '';
  throw new ServiceError(
    'cdn-key-missing',
    'The authentication key of the CDN is missing.',
    `[cdn.key] is missing: nothing else can sign for ${type}${instead}.`,
  );
}

/** A temporary access key is not known without its token: the CDN would deny each read, and not say why. */
function checkToken(
  type: SourceCdn['authenticationType'],
  { token, cdnKey }: { readonly token: Secret | undefined; readonly cdnKey: Secret | undefined },
): void {
  const { key, token: fate } = cdnAuthentications[type];
  const isSigned = cdnKey === undefined || key === 'unused';
  if (token === undefined || fate !== 'lost' || !isSigned) return;
  const orKey = key === 'unused' ? '' : ' give {cdn.key},';
  throw new ServiceError(
    'invalid-request',
    'Invalid request parameters.',
    `[source.sessionToken] invalid. ${type} signs by {source.accessKeyId} and {source.secretAccessKey} alone, and has no place for a token: give an access key that needs none,${orKey} or leave out {cdn}.`,
  );
}
