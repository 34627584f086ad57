import { isNat64Prefix, type EgressEntry } from './egress-entries.ts';
import { contains, isInside, isSingle, type IpBytes } from './ip-address.ts';
import { block, rangeOf, type AddressRange } from './special-ranges.ts';

/** Why an address may not be dialled: the deny entry that matched, or the range that no entry opens. */
export type AddressRefusal =
  | { readonly rule: 'deny'; readonly entry: string }
  | { readonly rule: 'range'; readonly range: AddressRange };

/** What an address is checked by. `name` is the name it was resolved from; absent for a literal. */
export interface AddressContext {
  readonly allow: readonly EgressEntry[];
  readonly deny: readonly EgressEntry[];
  readonly port: number;
  readonly name?: string;
}

type AddressEntry = Extract<EgressEntry, { kind: 'address' }>;

/** Whether the entry holds for this port. */
export const matchesPort = (entry: EgressEntry, port: number): boolean =>
  entry.port === undefined || entry.port === port;

/** Whether a host or suffix entry holds for this name and port. */
export const matchesName = (entry: EgressEntry, name: string, port: number): boolean => {
  if (!matchesPort(entry, port)) return false;
  if (entry.kind === 'host') return entry.host === name;
  return entry.kind === 'suffix' && name.endsWith(entry.suffix) && name.length > entry.suffix.length;
};

/** Checks one address: undefined where it may be dialled. Pure; an address of NAT64 is checked as the one inside too. */
export const checkAddress = (address: IpBytes, context: AddressContext): AddressRefusal | undefined => {
  const denied = addressEntries(context.deny, context.port).find(({ cidr }) => contains(cidr, address));
  if (denied !== undefined) return { rule: 'deny', entry: denied.text };
  const range = rangeOf(address);
  if (range.kind === 'nat64') return checkNat64(address, range, context);
  return opens(range, address, context) ? undefined : { rule: 'range', range };
};

const checkNat64 = (
  address: IpBytes,
  range: AddressRange,
  context: AddressContext,
): AddressRefusal | undefined => {
  const allow = addressEntries(context.allow, context.port);
  const inner = address.subarray(12);
  if (allow.some(({ cidr }) => isNat64Prefix(cidr) && contains(cidr, address)))
    return checkAddress(inner, context);
  const isNamed = allow.some(({ cidr }) => isSingle(cidr) && contains(cidr, address));
  return isNamed ? deniedInside(inner, context) : { rule: 'range', range };
};

const deniedInside = (inner: IpBytes, context: AddressContext): AddressRefusal | undefined => {
  const refusal = checkAddress(inner, context);
  return refusal?.rule === 'deny' ? refusal : undefined;
};

const opens = ({ kind }: AddressRange, address: IpBytes, context: AddressContext): boolean => {
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
};

const addressEntries = (entries: readonly EgressEntry[], port: number): readonly AddressEntry[] =>
  entries.filter((entry): entry is AddressEntry => entry.kind === 'address' && matchesPort(entry, port));

/** The allow entries whose addresses include this one. */
export const coveringEntries = (address: IpBytes, { allow, port }: AddressContext): readonly AddressEntry[] =>
  addressEntries(allow, port).filter(({ cidr }) => contains(cidr, address));

const isOpenedByName = ({ allow, name, port }: AddressContext): boolean =>
  name !== undefined && allow.some((entry) => matchesName(entry, name, port));

// Of all names only `localhost` may lead to loopback by its name: any other is somebody else's DNS record.
const isLocalhostOpen = (context: AddressContext): boolean =>
  context.name === 'localhost' && isOpenedByName(context);

const LOOPBACK = block('127.0.0.0/8');

const opensLoopback = (cidr: AddressEntry['cidr']): boolean => isSingle(cidr) || isInside(cidr, LOOPBACK);
