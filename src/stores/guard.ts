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
  ['100.64.0.0', 10, 'a private'], // Carrier-grade NAT; 100.100.100.200 is Aliyun's metadata.
  ['127.0.0.0', 8, 'a loopback'],
  ['169.254.0.0', 16, 'a link-local'], // 169.254.169.254 is everybody's metadata.
  ['172.16.0.0', 12, 'a private'],
  ['192.0.0.0', 24, 'a reserved'], // 192.0.0.192 is Oracle's metadata.
  ['192.168.0.0', 16, 'a private'],
  ['198.18.0.0', 15, 'a reserved'],
  ['224.0.0.0', 3, 'a multicast or reserved'],
] as const;

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
const forbidden6 = [
  ['::', 128, 'an unspecified'],
  ['::1', 128, 'a loopback'],
  ['64:ff9b:1::', 48, 'a private'],
  ['fc00::', 7, 'a private'], // fd00:ec2::254 is AWS's metadata.
  ['fe80::', 10, 'a link-local'],
  ['fec0::', 10, 'a private'],
  ['ff00::', 8, 'a multicast'],
] as const;

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
 * allows: names (`minio.lan`, `*.lan`), addresses, or networks (`10.1.0.0/16`).
 */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const networks = new BlockList();
  const names = new Set<string>();
  for (const entry of allowed) {
    if (!addNetwork(networks, entry)) names.add(entry.toLowerCase());
  }
  return (hostname, address) => {
    const plain = withoutMapping(address);
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
    const found = kinds.find(({ list }) => list.check(plain, family));
    if (found === undefined) return undefined;
    if (networks.check(plain, family) || isNamed(names, hostname.toLowerCase())) return undefined;
    return `${hostname} is ${found.kind} address (${plain}); the operator can allow it with BRIGADE_ALLOW_ENDPOINTS`;
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

/** An IPv4 address may come in IPv6's clothes: mapped (`::ffff:10.0.0.1`) or behind NAT64. */
function withoutMapping(address: string): string {
  const plain = address.replace(/%.*$/, '');
  const dotted = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (dotted !== undefined) return dotted;
  const hex = /^(?:::ffff:|64:ff9b::)([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(plain);
  if (hex === null) return plain;
  const bits = [hex[1], hex[2]].map((group) => Number.parseInt(group ?? '', 16));
  return bits.flatMap((group) => [group >> 8, group & 255]).join('.');
}
