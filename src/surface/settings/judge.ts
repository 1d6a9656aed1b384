import { readAllowed } from '../../platform/http/allow-list.ts';
import { parseSecretKey } from '../../platform/postgres/secret-key.ts';
import { type PlainSettings, roles } from './config-schema.ts';
import { repeatedEndpoints } from './repeated-endpoints.ts';

/** How a place calls a setting, or what stands `within` it: `endpoints[0].cloud in brigade.yaml`. */
export type NameOf = (key: string, within?: string) => string;

/** What a schema cannot say. */
export function judge(read: Partial<PlainSettings>, nameOf: NameOf): string[] {
  const { databaseUrl, timeZone, backoffBaseMs, backoffMaxMs, allowEndpoints } = read;
  const found = [
    ...judgeRoles(read, nameOf),
    ...judgeKeys(read, nameOf),
    ...judgeAccess(read, nameOf),
  ];
  if (
    typeof databaseUrl === 'string' &&
    /^postgres/.test(databaseUrl) &&
    !URL.canParse(databaseUrl)
  ) {
    found.push(`${nameOf('databaseUrl')}: must be a postgres:// URL; signs in it may need escapes`);
  }
  if (typeof timeZone === 'string' && timeZone !== '' && !isTimeZone(timeZone)) {
    found.push(`${nameOf('timeZone')}: no such time zone`);
  }
  if (Number(backoffMaxMs) < Number(backoffBaseMs)) {
    found.push(`${nameOf('backoffMaxMs')}: must not be less than ${nameOf('backoffBaseMs')}`);
  }
  found.push(...repeatedEndpoints(read.endpoints, nameOf));
  if (Array.isArray(allowEndpoints)) {
    allowEndpoints.forEach((entry: unknown, index) => {
      if (typeof entry !== 'string' || entry === '' || readAllowed(entry) !== undefined) return;
      const place = `entry ${index + 1} of ${nameOf('allowEndpoints')}`;
      found.push(`${place}: must be a host, host:port, *.domain, address, network or origin`);
    });
  }
  return found;
}

/** The private database serves one process only, which must then do everything. */
function judgeRoles(read: Partial<PlainSettings>, nameOf: NameOf): string[] {
  const given: readonly unknown[] = Array.isArray(read.roles) ? read.roles : [];
  if (read.databaseUrl !== undefined || given.length === 0) return [];
  const missing = roles.filter((role) => !given.includes(role));
  if (missing.length === 0) return [];
  const several = `set ${nameOf('databaseUrl')} to a PostgreSQL that all processes reach`;
  return [
    `${nameOf('roles')}: the private database serves one process, so that no other can do the work of ${missing.join(' and ')}; ${several}, or leave the roles out`,
  ];
}

/** Who may come in, and how. */
function judgeAccess(read: Partial<PlainSettings>, nameOf: NameOf): string[] {
  const found: string[] = [];
  const { tlsCertFile, tlsKeyFile, firstTokens, bootstrapToken, trustProxy } = read;
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    found.push(`${nameOf('tlsCertFile')} and ${nameOf('tlsKeyFile')}: one needs the other`);
  }
  if (firstTokens === false && bootstrapToken !== undefined) {
    const off = `${nameOf('firstTokens')} is false`;
    found.push(
      `${nameOf('bootstrapToken')}: would not be accepted, because ${off}; remove one of the two`,
    );
  }
  const issuers: readonly unknown[] = Array.isArray(read.oidc) ? read.oidc : [];
  const named = issuers.map((entry) => (entry as { readonly issuer?: unknown } | null)?.issuer);
  if (new Set(named).size < named.length) {
    found.push(`${nameOf('oidc')}: each entry must have an issuer of its own`);
  }
  const proxies: readonly unknown[] = Array.isArray(trustProxy) ? trustProxy : [];
  proxies.forEach((entry, index) => {
    if (typeof entry !== 'string' || isNetwork(entry)) return;
    const place = `entry ${index + 1} of ${nameOf('trustProxy')}`;
    found.push(`${place}: must be an address or a network, as 10.1.0.0/16`);
  });
  return found;
}

/** Fastify's own reader takes addresses and networks, and nothing with a port. */
function isNetwork(entry: string): boolean {
  const read = readAllowed(entry);
  return read?.kind === 'network' && read.port === undefined && !entry.startsWith('[');
}

function judgeKeys({ secretKey, oldSecretKeys }: Partial<PlainSettings>, nameOf: NameOf): string[] {
  const hint = 'must be 32 bytes, as 64 hexadecimal digits or in base64';
  const isWrong = (key: unknown) => typeof key === 'string' && parseSecretKey(key) === undefined;
  const old: readonly unknown[] = Array.isArray(oldSecretKeys) ? oldSecretKeys : [];
  return [
    ...(isWrong(secretKey) ? [`${nameOf('secretKey')}: ${hint}`] : []),
    ...(old.some(isWrong) ? [`${nameOf('oldSecretKeys')}: each ${hint}`] : []),
  ];
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
