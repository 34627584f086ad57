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
