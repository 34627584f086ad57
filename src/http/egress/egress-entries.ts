import { firstAddress, formatIp, isInside, isSingle, parseCidr, type Cidr } from './ip-address.ts';
import { block, rangeOf } from './special-ranges.ts';

interface EntryBase {
  /** As the operator wrote it. */
  readonly text: string;
  /** The only port it holds for; absent: every port. */
  readonly port?: number;
}

/** One entry of the allow or deny list. `suffix` begins with its dot (`.corp.example`). */
export type EgressEntry =
  | (EntryBase & { readonly kind: 'address'; readonly cidr: Cidr })
  | (EntryBase & { readonly kind: 'host'; readonly host: string })
  | (EntryBase & { readonly kind: 'suffix'; readonly suffix: string });

/**
 * A list as read. `problems` are entries that could not be read, in words for the operator: the service should not
 * start with them. `idle` are entries that are well formed but open nothing as allow entries: worth a warning.
 */
export interface EgressEntries {
  readonly entries: readonly EgressEntry[];
  readonly problems: readonly string[];
  readonly idle: readonly string[];
}

/** Reads a list of entries, separated by commas or white space, or as an array of entries. Never throws. */
export const parseEgressEntries = (list: string | readonly string[]): EgressEntries => {
  const texts = (typeof list === 'string' ? [list] : list).flatMap((text) => text.split(/[\s,]+/));
  const read = texts.filter((text) => text !== '').map(parseEntry);
  const entries = read.flatMap((result) => ('problem' in result ? [] : [result.entry]));
  return {
    entries,
    problems: read.flatMap((result) => ('problem' in result ? [result.problem] : [])),
    idle: entries.flatMap((entry) => idleReason(entry) ?? []),
  };
};

type Parsed = { readonly entry: EgressEntry } | { readonly problem: string };

const problem = (text: string, why: string): Parsed => ({ problem: `"${text}" ${why}` });

const parseEntry = (text: string): Parsed => {
  if (text.includes('://')) return problem(text, 'is a URL: write the host and port alone');
  const split = splitPort(text);
  if (split === undefined) return problem(text, 'has something behind its brackets that is no port');
  const { target, port, isBracketed } = split;
  if (port !== undefined && !isPort(port)) return problem(text, 'has a port that is not between 1 and 65535');
  const base = { text, ...(port === undefined ? {} : { port: Number(port) }) };
  const cidr = parseCidr(target);
  if (cidr !== undefined) return addressEntry(base, cidr, isBracketed);
  if (isBracketed) return problem(text, 'has no IPv6 address or CIDR inside its brackets');
  if (target.includes('/'))
    return problem(text, 'is no CIDR: write an address, a slash and the length of the prefix');
  if (target.includes(':')) return problem(text, 'is no IPv6 address');
  return target.startsWith('*.') ? suffixEntry(base, target.slice(1)) : hostEntry(base, target);
};

// Two colons or more outside brackets are an IPv6 address, which then has no port.
const splitPort = (text: string): { target: string; port?: string; isBracketed: boolean } | undefined => {
  if (text.startsWith('[')) {
    const [, target = '', port] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
    if (!/^\[[^\]]*\](:.*)?$/.test(text)) return undefined;
    return { target, ...(port === undefined ? {} : { port }), isBracketed: true };
  }
  const parts = text.split(':');
  const [target = '', port] = parts;
  if (parts.length !== 2 || port === undefined) return { target: text, isBracketed: false };
  return { target, port, isBracketed: false };
};

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

const addressEntry = (base: EntryBase, cidr: Cidr, isBracketed: boolean): Parsed => {
  if (isBracketed && cidr.bytes.length === 4)
    return problem(base.text, 'has brackets, which are for IPv6 only');
  const first = firstAddress(cidr);
  if (first.some((byte, index) => byte !== cidr.bytes[index])) {
    return problem(base.text, `has bits behind its prefix: write ${formatIp(first)}/${cidr.prefix}`);
  }
  return { entry: { ...base, kind: 'address', cidr } };
};

const hostEntry = (base: EntryBase, host: string): Parsed => {
  const why = hostProblem(host);
  return why === undefined ? { entry: { ...base, kind: 'host', host } } : problem(base.text, why);
};

const suffixEntry = (base: EntryBase, suffix: string): Parsed => {
  const why = hostProblem(suffix.slice(1));
  if (why !== undefined) return problem(base.text, why);
  if (!suffix.slice(1).includes('.')) return problem(base.text, 'needs at least two labels behind "*."');
  return { entry: { ...base, kind: 'suffix', suffix } };
};

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

// The URL parser says how a name reads once it is in a URL; an entry in any other spelling would never match.
const hostProblem = (host: string): string | undefined => {
  const canonical = canonicalHost(host);
  const isName =
    canonical !== undefined &&
    canonical.length <= 253 &&
    canonical.split('.').every((label) => LABEL.test(label));
  if (!isName || parseCidr(canonical) !== undefined)
    return 'is neither an address, a CIDR, a host nor "*." and a host';
  return canonical === host ? undefined : `must be written as ${canonical}`;
};

const canonicalHost = (host: string): string | undefined => {
  if (/[/\\?#@:%]/.test(host)) return undefined;
  const url = URL.parse(`http://${host}/`);
  return url === null ? undefined : url.hostname.replace(/\.$/, '');
};

const NAT64_SPACE = [block('64:ff9b::/96'), block('64:ff9b:1::/48')];

/** Whether the block is a NAT64 prefix as an entry may name one: a /96 in one of the two ranges (RFC 6052, 8215). */
export const isNat64Prefix = (cidr: Cidr): boolean =>
  cidr.prefix === 96 && NAT64_SPACE.some((space) => isInside(cidr, space));

const idleReason = (entry: EgressEntry): string | undefined => {
  if (entry.kind !== 'address' || isNat64Prefix(entry.cidr)) return undefined;
  const { kind, name, block: text } = rangeOf(entry.cidr.bytes);
  if (!isInside(entry.cidr, block(text))) return undefined;
  if (kind === 'never') return `"${entry.text}" opens nothing: ${name} is never dialled`;
  if (isSingle(entry.cidr)) return undefined;
  if (kind === 'exact') return `"${entry.text}" opens nothing: ${name} is opened one address at a time`;
  return kind === 'nat64' ? `"${entry.text}" opens nothing: a NAT64 prefix is a /96` : undefined;
};
