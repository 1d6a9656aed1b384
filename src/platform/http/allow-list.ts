import ipaddr from 'ipaddr.js';

/**
 * One entry of an allow list: a host, all hosts below a domain, or a network. A single address is a
 * network of its full length.
 */
export type Allowed =
  | { readonly kind: 'host' | 'domain'; readonly name: string; readonly port: number | undefined }
  | { readonly kind: 'network'; readonly network: Network; readonly port: number | undefined };

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Network {
  readonly base: Address;
  readonly bits: number;
}

/**
 * Reads an entry in any of the forms that a person may write: `host`, `host:port`, `*.domain`,
 * `*.domain:port`, `10.0.0.5`, `10.0.0.5:9000`, `fd00::5`, `[fd00::5]`, `[fd00::5]:9000`,
 * `10.1.0.0/16`, `fd00::/8`, `https://host`, `http://[::1]:9000`.
 *
 * @returns Undefined for any other text.
 * @example
 * readAllowed('[::1]:9000'); // an address with a port
 */
export function readAllowed(text: string): Allowed | undefined {
  const origin = /^(https?):\/\/([^/]+)\/?$/i.exec(text);
  if (origin !== null) {
    const [, scheme = '', rest = ''] = origin;
    const port = scheme.toLowerCase() === 'https' ? 443 : 80;
    return rest.startsWith('*') ? undefined : readHost(rest, port);
  }
  if (text.includes('/')) return readNetwork(text);
  return readHost(text, undefined);
}

/** Entries that were checked before. @throws {RangeError} for a text that is not an entry. */
export function allowList(...entries: readonly string[]): Allowed[] {
  return entries.map((entry) => {
    const read = readAllowed(entry);
    if (read === undefined) throw new RangeError(`not an entry of an allow list: ${entry}`);
    return read;
  });
}

function readNetwork(text: string): Allowed | undefined {
  const valid = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text);
  if (!valid || text.includes('%')) return undefined;
  const [base, bits] = ipaddr.parseCIDR(text);
  return { kind: 'network', network: { base, bits }, port: undefined };
}

function readHost(text: string, standardPort: number | undefined): Allowed | undefined {
  if (isAddress(text)) return ofAddress(text, standardPort);
  const [, wildcard, host = '', digits] = /^(\*\.)?(.+?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? standardPort : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const name = canonicalHost(host);
  if (name === undefined) return undefined;
  if (!isAddress(name)) return { kind: wildcard === undefined ? 'host' : 'domain', name, port };
  return wildcard === undefined ? ofAddress(name, port) : undefined;
}

const LABELS = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** The host as URLs spell it, without brackets: in lower case, numbers for an address resolved. */
function canonicalHost(host: string): string | undefined {
  if (/[\s/\\?#@%]/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  const name = unbracketed(new URL(`http://${host}`).hostname);
  return isAddress(name) || LABELS.test(name) ? name : undefined;
}

function ofAddress(text: string, port: number | undefined): Allowed {
  const base = ipaddr.parse(text);
  return { kind: 'network', network: { base, bits: base.kind() === 'ipv6' ? 128 : 32 }, port };
}

/** Strict: dotted decimal numbers, or IPv6 without a zone. */
function isAddress(text: string): boolean {
  return (
    ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'))
  );
}

/** The host of a URL as an address or name: IPv6 addresses without their brackets. */
export function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/**
 * Whether an entry covers the host and port of a URL. A network covers addresses that are written
 * in the URL; a host name that resolves into the network needs an entry of its own.
 */
export function coversUrl(entry: Allowed, url: URL): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (entry.port !== undefined && entry.port !== port) return false;
  const host = unbracketed(url.hostname);
  return entry.kind === 'network' ? coversAddress(entry, host) : coversName(entry, host);
}

/** Whether an entry that names hosts covers a host name, whatever the port. */
export function coversName(entry: Allowed, hostname: string): boolean {
  if (entry.kind === 'network') return false;
  const name = hostname.toLowerCase();
  return entry.kind === 'host' ? entry.name === name : name.endsWith(`.${entry.name}`);
}

/** Whether an entry that is an address or network covers an address, whatever the port. */
export function coversAddress(entry: Allowed, address: string): boolean {
  if (entry.kind !== 'network' || !isAddress(address)) return false;
  const { base, bits } = entry.network;
  const parsed = ipaddr.parse(address);
  return parsed.kind() === base.kind() && parsed.match(base, bits);
}
