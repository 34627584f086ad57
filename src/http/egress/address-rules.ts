import { isNat64Prefix, type EgressEntry } from './egress-entries.ts';
import {
  contains,
  isInside,
  isSingle,
  rangeOf,
  toCidr,
  type AddressRange,
  type IpBytes,
} from './ip-address.ts';

/** Why an address may not be dialled: the deny entry that holds it, or the range that no entry opens. */
export type AddressRefusal =
  | { readonly rule: 'deny'; readonly entry: string }
  | { readonly rule: 'range'; readonly range: AddressRange };

/** The rules for an address. `name` is the name that resolved to it, and undefined for a literal. */
export interface AddressContext {
  readonly allow: readonly EgressEntry[];
  readonly deny: readonly EgressEntry[];
  readonly port: number;
  readonly name?: string;
}

type AddressEntry = Extract<EgressEntry, { kind: 'address' }>;

/** Reports whether the entry is for this port. */
export function matchesPort(entry: EgressEntry, port: number): boolean {
  return entry.port === undefined || entry.port === port;
}

/** Reports whether a host or suffix entry is for this name and port. */
export function matchesName(entry: EgressEntry, name: string, port: number): boolean {
  if (!matchesPort(entry, port)) return false;
  if (entry.kind === 'host') return entry.host === name;
  return entry.kind === 'suffix' && name.endsWith(entry.suffix) && name.length > entry.suffix.length;
}

/**
 * Checks one address. Returns undefined if it may be dialled. The IPv4 address inside an address of NAT64 is checked
 * too.
 */
export function checkAddress(address: IpBytes, context: AddressContext): AddressRefusal | undefined {
  const denied = addressEntries(context.deny, context.port).find(({ cidr }) => contains(cidr, address));
  if (denied !== undefined) return { rule: 'deny', entry: denied.text };
  const range = rangeOf(address);
  if (range.kind === 'nat64') return checkNat64(address, range, context);
  return isOpen(range, address, context) ? undefined : { rule: 'range', range };
}

function checkNat64(
  address: IpBytes,
  range: AddressRange,
  context: AddressContext,
): AddressRefusal | undefined {
  const covering = coveringEntries(address, context);
  const inner = address.subarray(12);
  if (covering.some(({ cidr }) => isNat64Prefix(cidr))) return checkAddress(inner, context);
  const isNamed = covering.some(({ cidr }) => isSingle(cidr));
  return isNamed ? checkDenied(inner, context) : { rule: 'range', range };
}

function checkDenied(address: IpBytes, context: AddressContext): AddressRefusal | undefined {
  const refusal = checkAddress(address, context);
  return refusal?.rule === 'deny' ? refusal : undefined;
}

function isOpen({ kind }: AddressRange, address: IpBytes, context: AddressContext): boolean {
  switch (kind) {
    case 'public':
      return true;
    case 'private':
      return isOpenedByName(context) || coveringEntries(address, context).length > 0;
    case 'special':
      return coveringEntries(address, context).length > 0;
    case 'loopback':
      return (
        isLocalhostOpen(context) || coveringEntries(address, context).some(({ cidr }) => opensLoopback(cidr))
      );
    case 'exact':
      return coveringEntries(address, context).some(({ cidr }) => isSingle(cidr));
    case 'nat64':
    case 'never':
      return false;
  }
}

function addressEntries(entries: readonly EgressEntry[], port: number): readonly AddressEntry[] {
  return entries.filter(
    (entry): entry is AddressEntry => entry.kind === 'address' && matchesPort(entry, port),
  );
}

/** Returns the allow entries for this port whose addresses include this one. */
export function coveringEntries(address: IpBytes, { allow, port }: AddressContext): readonly AddressEntry[] {
  return addressEntries(allow, port).filter(({ cidr }) => contains(cidr, address));
}

function isOpenedByName({ allow, name, port }: AddressContext): boolean {
  return name !== undefined && allow.some((entry) => matchesName(entry, name, port));
}

// Of all names, only `localhost` may lead to loopback by its name: any other name is somebody else's DNS record.
function isLocalhostOpen(context: AddressContext): boolean {
  return context.name === 'localhost' && isOpenedByName(context);
}

const LOOPBACK = toCidr('127.0.0.0/8');

function opensLoopback(cidr: AddressEntry['cidr']): boolean {
  return isSingle(cidr) || isInside(cidr, LOOPBACK);
}
