import {
  firstAddress,
  formatIp,
  isInside,
  isSingle,
  parseCidr,
  rangeOf,
  toCidr,
  type Cidr,
} from './ip-address.ts';

interface EntryBase {
  /** The entry as the operator wrote it. */
  readonly text: string;
  /** The only port that the entry is for. Without a port it is for all of them. */
  readonly port?: number;
}

/** One entry of the allow or deny list. `suffix` begins with its dot (`.corp.example`). */
export type EgressEntry =
  | (EntryBase & { readonly kind: 'address'; readonly cidr: Cidr })
  | (EntryBase & { readonly kind: 'host'; readonly host: string })
  | (EntryBase & { readonly kind: 'suffix'; readonly suffix: string });

/** A list of entries as it was read. */
interface EgressEntries {
  readonly entries: readonly EgressEntry[];
  /** Why some entries could not be read, in words for the operator. The service does not start with them. */
  readonly problems: readonly string[];
  /** Why some entries open nothing as allow entries, although they are well formed. They are worth a warning. */
  readonly idle: readonly string[];
}

/** Reads a list of entries: a text with commas or white space between them, or an array. Never throws. */
export function parseEgressEntries(list: string | readonly string[]): EgressEntries {
  const texts = (typeof list === 'string' ? [list] : list).flatMap((text) => text.split(/[\s,]+/));
  const read = texts.filter((text) => text !== '').map(parseEntry);
  const entries = read.flatMap((result) => ('problem' in result ? [] : [result.entry]));
  return {
    entries,
    problems: read.flatMap((result) => ('problem' in result ? [result.problem] : [])),
    idle: entries.flatMap((entry) => idleReason(entry) ?? []),
  };
}

type Parsed = { readonly entry: EgressEntry } | { readonly problem: string };

function problem(text: string, why: string): Parsed {
  return { problem: `"${text}" ${why}` };
}

function parseEntry(text: string): Parsed {
  if (text.includes('://')) return problem(text, 'is a URL: write the host and port alone');
  const split = splitPort(text);
  if (split === undefined) return problem(text, 'has text after its brackets that is not a port');
  const { target, port, isBracketed } = split;
  if (port !== undefined && !isPort(port)) return problem(text, 'has a port that is not between 1 and 65535');
  const base = { text, ...(port === undefined ? {} : { port: Number(port) }) };
  const cidr = parseCidr(target);
  if (cidr !== undefined) return addressEntry(base, cidr, isBracketed);
  if (isBracketed) return problem(text, 'has no IPv6 address or CIDR inside its brackets');
  if (target.includes('/'))
    return problem(text, 'is not a CIDR: write an address, a slash and the length of the prefix');
  if (target.includes(':')) return problem(text, 'is not an IPv6 address');
  return target.startsWith('*.') ? suffixEntry(base, target.slice(1)) : hostEntry(base, target);
}

// A text with two or more colons outside brackets is an IPv6 address without a port.
function splitPort(text: string): { target: string; port?: string; isBracketed: boolean } | undefined {
  if (text.startsWith('[')) {
    const [, target = '', port] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
    if (!/^\[[^\]]*\](:.*)?$/.test(text)) return undefined;
    return { target, ...(port === undefined ? {} : { port }), isBracketed: true };
  }
  const parts = text.split(':');
  const [target = '', port] = parts;
  if (parts.length !== 2 || port === undefined) return { target: text, isBracketed: false };
  return { target, port, isBracketed: false };
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

function addressEntry(base: EntryBase, cidr: Cidr, isBracketed: boolean): Parsed {
  if (isBracketed && cidr.bytes.length === 4)
    return problem(base.text, 'has brackets, which are for IPv6 only');
  const first = firstAddress(cidr);
  if (first.some((byte, index) => byte !== cidr.bytes[index])) {
    return problem(base.text, `has bits after its prefix: write ${formatIp(first)}/${cidr.prefix}`);
  }
  return { entry: { ...base, kind: 'address', cidr } };
}

function hostEntry(base: EntryBase, host: string): Parsed {
  const why = hostProblem(host);
  return why === undefined ? { entry: { ...base, kind: 'host', host } } : problem(base.text, why);
}

function suffixEntry(base: EntryBase, suffix: string): Parsed {
  const why = hostProblem(suffix.slice(1));
  if (why !== undefined) return problem(base.text, why);
  if (!suffix.slice(1).includes('.')) return problem(base.text, 'needs at least two labels after "*."');
  return { entry: { ...base, kind: 'suffix', suffix } };
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

// The URL parser says how a name reads in a URL. An entry in any other spelling would never match.
function hostProblem(host: string): string | undefined {
  const canonical = canonicalHost(host);
  const isName =
    canonical !== undefined &&
    canonical.length <= 253 &&
    canonical.split('.').every((label) => LABEL.test(label));
  if (!isName || parseCidr(canonical) !== undefined)
    return 'is not an address, a CIDR, a host, or "*." and a host';
  return canonical === host ? undefined : `must be written as ${canonical}`;
}

function canonicalHost(host: string): string | undefined {
  if (/[/\\?#@:%]/.test(host)) return undefined;
  const url = URL.parse(`http://${host}/`);
  return url === null ? undefined : url.hostname.replace(/\.$/, '');
}

const NAT64_SPACE = [toCidr('64:ff9b::/96'), toCidr('64:ff9b:1::/48')];

/** Reports whether the block is a NAT64 prefix that an entry may name: a /96 in one of the two ranges (RFC 6052, 8215). */
export function isNat64Prefix(cidr: Cidr): boolean {
  return cidr.prefix === 96 && NAT64_SPACE.some((space) => isInside(cidr, space));
}

function idleReason(entry: EgressEntry): string | undefined {
  if (entry.kind !== 'address' || isNat64Prefix(entry.cidr)) return undefined;
  const { kind, name, cidr } = rangeOf(entry.cidr.bytes);
  if (!isInside(entry.cidr, cidr)) return undefined;
  if (kind === 'never') return `"${entry.text}" opens nothing: ${name} is never dialled`;
  if (isSingle(entry.cidr)) return undefined;
  if (kind === 'exact') return `"${entry.text}" opens nothing: ${name} is opened one address at a time`;
  return kind === 'nat64' ? `"${entry.text}" opens nothing: a NAT64 prefix is a /96` : undefined;
}
