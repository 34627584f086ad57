import { isIPv4, isIPv6 } from 'node:net';

/** An IP address in network byte order: 4 bytes of IPv4 or 16 of IPv6. */
export type IpBytes = Uint8Array;

/** A block of addresses. It holds an address whose first `prefix` bits equal those of `bytes`. */
export interface Cidr {
  readonly bytes: IpBytes;
  readonly prefix: number;
}

/** Reads an address (four decimal parts, or RFC 4291 text without a zone). Returns undefined for any other text. */
export function parseIp(text: string): IpBytes | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (isIPv6(text) && !text.includes('%')) return ipv6Bytes(text);
  return undefined;
}

function ipv6Bytes(text: string): IpBytes {
  const [head = '', tail] = text.split('::');
  const left = groupBytes(head);
  const right = groupBytes(tail ?? '');
  const gap = new Array<number>(16 - left.length - right.length).fill(0);
  return Uint8Array.from([...left, ...gap, ...right]);
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups
    .split(':')
    .flatMap((group) => (group.includes('.') ? group.split('.').map(Number) : hexGroup(group)));
}

function hexGroup(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

/** Reads `address/length`, or an address alone as a block of one. Returns undefined for any other text. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = parseIp(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const bits = bytes.length * 8;
  if (length === undefined) return { bytes, prefix: bits };
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { bytes, prefix: Number(length) };
}

/** Reports whether the address lies in the block. An address of the other family never does. */
export function contains({ bytes, prefix }: Cidr, address: IpBytes): boolean {
  if (bytes.length !== address.length) return false;
  const whole = prefix >> 3;
  for (let index = 0; index < whole; index++) if (bytes[index] !== address[index]) return false;
  const mask = (0xff00 >> (prefix & 7)) & 0xff;
  return mask === 0 || ((bytes[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** Reports whether every address of `inner` lies in `outer`. */
export function isInside(inner: Cidr, outer: Cidr): boolean {
  return inner.prefix >= outer.prefix && contains(outer, inner.bytes);
}

/** Reports whether the block holds exactly one address. */
export function isSingle({ bytes, prefix }: Cidr): boolean {
  return prefix === bytes.length * 8;
}

/** Returns the block's first address: its bytes with all bits behind the prefix cleared. */
export function firstAddress({ bytes, prefix }: Cidr): IpBytes {
  return bytes.map((byte, index) => byte & ((0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff));
}

/** Returns the canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => hexPair(bytes, index * 2));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function hexPair(bytes: IpBytes, at: number): string {
  return (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16);
}

/**
 * Says what opens a range. `public` needs nothing. `private` needs an address or host entry, `special` an address entry.
 * `loopback` and `exact` need entries of their own kind. `nat64` is checked as the IPv4 address inside. Nothing opens
 * `never`.
 */
export type RangeKind = 'public' | 'private' | 'special' | 'loopback' | 'exact' | 'nat64' | 'never';

/** A block of addresses with one rule. `block`, `name` and `source` are texts for messages. */
export interface AddressRange {
  readonly kind: RangeKind;
  readonly cidr: Cidr;
  readonly block: string;
  readonly name: string;
  readonly source: string;
}

/** Returns a block that the code names. Throws if the text is not a block. */
export function toCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`not a block of addresses: ${text}`);
  return cidr;
}

type Row = readonly [kind: RangeKind, block: string, name: string, source: string];

// The rows come from the IANA IPv4 and IPv6 Special-Purpose Address Registries, from the
// multicast registries, and from the clouds' documents. All blocks of the Special-Purpose registries are covered, whether
// they are globally reachable or not: the rows 192.0.0.0/24 and 2001::/23 cover the blocks inside them.
const ROWS: readonly Row[] = [
  ['never', '0.0.0.0/32', 'the unspecified address', 'RFC 1122'],
  ['special', '0.0.0.0/8', 'the network "this network"', 'RFC 791'],
  ['private', '10.0.0.0/8', 'the private network', 'RFC 1918'],
  ['exact', '100.100.100.200/32', 'the metadata addresses', 'Alibaba Cloud'],
  ['private', '100.64.0.0/10', 'the shared address space', 'RFC 6598'],
  ['loopback', '127.0.0.0/8', 'the loopback network', 'RFC 1122'],
  ['exact', '168.63.129.16/32', 'the platform addresses', 'Azure'],
  ['exact', '169.254.0.0/16', 'the link-local and metadata network', 'RFC 3927'],
  ['private', '172.16.0.0/12', 'the private network', 'RFC 1918'],
  ['exact', '192.0.0.192/32', 'the metadata addresses', 'Oracle Cloud'],
  ['special', '192.0.0.0/24', 'the range of IETF protocol assignments', 'RFC 6890'],
  ['special', '192.0.2.0/24', 'the documentation range', 'RFC 5737'],
  ['special', '192.31.196.0/24', 'the AS112 range', 'RFC 7535'],
  ['special', '192.52.193.0/24', 'the multicast tunnelling range', 'RFC 7450'],
  ['special', '192.88.99.0/24', 'the former 6to4 relay range', 'RFC 7526'],
  ['private', '192.168.0.0/16', 'the private network', 'RFC 1918'],
  ['special', '192.175.48.0/24', 'the AS112 range', 'RFC 7534'],
  ['special', '198.18.0.0/15', 'the benchmarking range', 'RFC 2544'],
  ['special', '198.51.100.0/24', 'the documentation range', 'RFC 5737'],
  ['special', '203.0.113.0/24', 'the documentation range', 'RFC 5737'],
  ['never', '224.0.0.0/4', 'the multicast range', 'RFC 1112'],
  ['never', '255.255.255.255/32', 'the broadcast address', 'RFC 919'],
  ['special', '240.0.0.0/4', 'the reserved range', 'RFC 1112'],

  ['never', '::/128', 'the unspecified address', 'RFC 4291'],
  ['loopback', '::1/128', 'the loopback address', 'RFC 4291'],
  ['never', '::ffff:0:0/96', 'the IPv4-mapped range', 'RFC 4291'],
  ['nat64', '64:ff9b::/96', 'the NAT64 prefix', 'RFC 6052'],
  ['nat64', '64:ff9b:1::/48', 'the local NAT64 range', 'RFC 8215'],
  ['special', '100::/64', 'the discard range', 'RFC 6666'],
  ['special', '100:0:0:1::/64', 'the dummy range', 'RFC 9780'],
  ['special', '2001::/23', 'the range of IETF protocol assignments', 'RFC 2928'],
  ['special', '2001:db8::/32', 'the documentation range', 'RFC 3849'],
  ['special', '2002::/16', 'the 6to4 range', 'RFC 3056'],
  ['special', '2620:4f:8000::/48', 'the AS112 range', 'RFC 7534'],
  ['special', '3fff::/20', 'the documentation range', 'RFC 9637'],
  ['special', '5f00::/16', 'the segment routing range', 'RFC 9602'],
  ['exact', 'fd00:ec2::254/128', 'the metadata addresses', 'AWS'],
  ['exact', 'fd20:ce::254/128', 'the metadata addresses', 'Google Cloud'],
  ['private', 'fc00::/7', 'the unique local range', 'RFC 4193'],
  ['exact', 'fe80::/10', 'the link-local range', 'RFC 4291'],
  ['never', 'ff00::/8', 'the multicast range', 'RFC 4291'],
  // All other IPv6 space is unassigned or deprecated: only global unicast is known to be public.
  ['public', '2000::/3', 'global unicast', 'RFC 4291'],
  ['special', '::/0', 'the space outside 2000::/3', 'RFC 4291'],
  ['public', '0.0.0.0/0', 'public IPv4', 'RFC 791'],
];

/** All addresses in ranges. The first range that holds an address decides about it. */
export const ADDRESS_RANGES: readonly AddressRange[] = ROWS.map(([kind, block, name, source]) => ({
  kind,
  cidr: toCidr(block),
  block,
  name,
  source,
}));

// The rows hold every address. If one were missing, it would be refused.
const NO_RANGE: AddressRange = {
  kind: 'never',
  cidr: toCidr('::/0'),
  block: '',
  name: 'no known range',
  source: '',
};

/** Returns the range that decides about an address. */
export function rangeOf(address: IpBytes): AddressRange {
  return ADDRESS_RANGES.find(({ cidr }) => contains(cidr, address)) ?? NO_RANGE;
}
