import ipaddr from 'ipaddr.js';
import { type Allowed, coversAddress, coversName } from './allow-list.ts';

/**
 * Says why a connection to an address must not be made; undefined where it may. Clients see the answer, so
 * it reveals nothing of what the name resolves to: that would map the operator's network by its DNS.
 *
 * Asked when the name has been resolved and the connection is about to be made: a name that was
 * harmless when it was checked may point elsewhere by then.
 */
export type AddressGuard = (hostname: string, address: string) => string | undefined;

/** https://www.iana.org/assignments/iana-ipv4-special-registry, without what is merely reserved. */
const forbidden4 = [
  ['0.0.0.0', 8, 'an unspecified'],
  ['10.0.0.0', 8, 'a private'],
  ['100.100.100.200', 32, 'a metadata'], // Aliyun's; the network around it is carrier-grade NAT.
  ['100.64.0.0', 10, 'a private'],
  ['127.0.0.0', 8, 'a loopback'],
  // Azure's: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  ['168.63.129.16', 32, 'a metadata'],
  ['169.254.0.0', 16, 'a link-local'], // 169.254.169.254 is everybody's metadata.
  ['172.16.0.0', 12, 'a private'],
  ['192.0.0.192', 32, 'a metadata'], // Oracle's.
  ['192.0.0.0', 24, 'a reserved'],
  ['192.168.0.0', 16, 'a private'],
  ['198.18.0.0', 15, 'a reserved'],
  ['224.0.0.0', 3, 'a multicast or reserved'],
] as const;

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
const forbidden6 = [
  ['::', 128, 'an unspecified'],
  ['::1', 128, 'a loopback'],
  ['64:ff9b:1::', 48, 'a reserved'], // NAT64 of a network's own: any IPv4 address may be behind it.
  ['100::', 64, 'a reserved'],
  ['2001::', 32, 'a reserved'], // Teredo: an IPv4 address behind a relay.
  ['fd00:ec2::254', 128, 'a metadata'], // AWS's.
  ['fd00:ec2::23', 128, 'a metadata'], // AWS's, for credentials of pods.
  ['fd00:c1::a9fe:a9fe', 128, 'a metadata'], // Oracle's.
  ['fd20:ce::254', 128, 'a metadata'], // Google's.
  ['fc00::', 7, 'a private'],
  ['fe80::', 10, 'a link-local'],
  ['fec0::', 10, 'a private'],
  ['ff00::', 8, 'a multicast'],
] as const;

/** What a store in the operator's own network may be behind its name. */
const behindNames: ReadonlySet<string> = new Set(['a private', 'a loopback']);

/**
 * Refuses loopback, private, link-local and metadata addresses, except those that the operator
 * allows: addresses and networks of any of these kinds, and private and loopback addresses by the
 * name that leads to them. A name never leads to metadata, because others may control its DNS.
 *
 * @example
 * addressGuard([])('minio.lan', '10.0.0.5'); // why the connection is refused
 */
export function addressGuard(allowed: readonly Allowed[]): AddressGuard {
  return (hostname, address) => {
    const plain = embeddedAddress(address);
    const kind = kindOf(plain);
    if (kind === undefined || allowed.some((entry) => coversAddress(entry, plain)))
      return undefined;
    const named = allowed.some((entry) => coversName(entry, hostname));
    if (named && behindNames.has(kind)) return undefined;
    const how = named ? 'by its address in' : 'with';
    return `${hostname} does not lead to a public address; the operator can allow it ${how} {settings.allowEndpoints}`;
  };
}

function kindOf(address: string): string | undefined {
  const parsed = ipaddr.parse(address);
  const forbidden = parsed.kind() === 'ipv6' ? forbidden6 : forbidden4;
  return forbidden.find(([network, bits]) => parsed.match(ipaddr.parse(network), bits))?.[2];
}

/**
 * The IPv4 address that an IPv6 address stands for: mapped (`::ffff:10.0.0.1`), compatible,
 * translated, or through NAT64 or 6to4. Any other address as it is, without its zone.
 */
function embeddedAddress(address: string): string {
  const plain = address.replace(/%.*$/, '');
  const parsed = ipaddr.parse(plain);
  if (!(parsed instanceof ipaddr.IPv6)) return plain;
  const { parts } = parsed;
  if (parts[0] === 0x2002) return dotted(parts.slice(1, 3));
  const isEmbedded = embedding.some(([network, bits]) => parsed.match(ipaddr.parse(network), bits));
  const isPlain = ['::', '::1'].includes(parsed.toString());
  return isEmbedded && !isPlain ? dotted(parts.slice(6)) : plain;
}

/** Networks of 96 bits, before an IPv4 address: compatible, mapped, translated, NAT64. */
const embedding = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
] as const;

function dotted(groups: readonly number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 255]).join('.');
}
