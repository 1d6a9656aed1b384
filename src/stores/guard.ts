import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Says why a connection to an address must not be made; undefined where it may.
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
  ['2001::', 32, 'a reserved'], // Teredo: an IPv4 address behind somebody's relay.
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

const kinds = [
  ...forbidden4.map(([network, bits, kind]) => listed(network, bits, 'ipv4', kind)),
  ...forbidden6.map(([network, bits, kind]) => listed(network, bits, 'ipv6', kind)),
];

function listed(network: string, bits: number, family: 'ipv4' | 'ipv6', kind: string) {
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return { list, kind };
}

/**
 * Refuses loopback, private, link-local and metadata addresses, but for those that the operator
 * allows: addresses and networks (`10.1.0.0/16`), whichever they are, and private and loopback
 * addresses by names (`minio.lan`, `*.lan`). Who can change what a name means still reaches no metadata.
 */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const networks = new BlockList();
  const names = new Set<string>();
  for (const entry of allowed) {
    if (!addNetwork(networks, entry)) names.add(entry.toLowerCase());
  }
  return (hostname, address) => {
    const plain = withoutClothes(address);
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
    const found = kinds.find(({ list }) => list.check(plain, family));
    if (found === undefined || networks.check(plain, family)) return undefined;
    const named = isNamed(names, hostname.toLowerCase());
    if (named && behindNames.has(found.kind)) return undefined;
    const how = named ? 'by its address in' : 'with';
    return `${hostname} is ${found.kind} address (${plain}); the operator can allow it ${how} BRIGADE_ALLOW_ENDPOINTS`;
  };
}

function addNetwork(networks: BlockList, entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  const version = isIP(network);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  networks.addSubnet(
    network,
    bits === undefined ? (version === 6 ? 128 : 32) : Number(bits),
    family,
  );
  return true;
}

function isNamed(names: ReadonlySet<string>, hostname: string): boolean {
  if (names.has(hostname)) return true;
  for (let dot = hostname.indexOf('.'); dot !== -1; dot = hostname.indexOf('.', dot + 1)) {
    if (names.has(`*${hostname.slice(dot)}`)) return true;
  }
  return false;
}

/**
 * An IPv4 address may come in IPv6's clothes, in any notation: mapped (`::ffff:10.0.0.1`), compatible,
 * translated, or by way of NAT64 or 6to4.
 */
function withoutClothes(address: string): string {
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const groups = groupsOf(plain);
  // As text the prefixes are easier to compare than as numbers.
  const text = groups.map((group) => group.toString(16)).join(':');
  const [, b = 0, c = 0, , , , g = 0, h = 0] = groups;
  if (text.startsWith('2002:')) return dotted(b, c);
  if (text === '0:0:0:0:0:0:0:0' || text === '0:0:0:0:0:0:0:1') return plain;
  return embedding.some((prefix) => text.startsWith(prefix)) ? dotted(g, h) : plain;
}

/** Of 96 bits, before an IPv4 address: compatible, mapped, translated, NAT64. */
const embedding = ['0:0:0:0:0:0:', '0:0:0:0:0:ffff:', '0:0:0:0:ffff:0:', '64:ff9b:0:0:0:0:'];

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // In the one form that URLs have, without dots.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return read(head);
  const [before, after] = [read(head), read(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function dotted(high: number, low: number): string {
  return [high, low].flatMap((group) => [group >> 8, group & 255]).join('.');
}
