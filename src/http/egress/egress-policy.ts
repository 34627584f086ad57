import type { EgressCheck } from '../http-client.ts';
import {
  checkAddress,
  coveringEntries,
  matchesName,
  matchesPort,
  type AddressContext,
  type AddressRefusal,
} from './address-rules.ts';
import type { EgressEntry } from './egress-entries.ts';
import { leavesNameTo, type EgressProxy } from './egress-proxy.ts';
import { formatIp, parseIp, type IpBytes, type RangeKind } from './ip-address.ts';
import { parseTargetUrl, specialUse, type BadUrl, type DialTarget, type TargetUrl } from './target-url.ts';

/** The settings of the egress policy. Without entries, only public addresses are open. */
export interface EgressPolicyOptions {
  readonly allow?: readonly EgressEntry[];
  readonly deny?: readonly EgressEntry[];
  readonly httpsOnly?: boolean;
  /** A proxy may resolve names: then they are saved and dialled by the name alone. */
  readonly proxy?: EgressProxy | undefined;
}

/** The egress policy: where outgoing requests may go. Its checks look nothing up, and never throw. */
export interface EgressPolicy extends EgressCheck {
  /**
   * Checks a dial. `addresses` are all that the host resolved to (for a literal, the literal itself), and each must pass.
   * Returns undefined if the dial is allowed. Otherwise the text names the rule, and no address that came from DNS.
   */
  checkDial(target: DialTarget, addresses: readonly string[]): string | undefined;
  /**
   * Checks a name that a proxy resolves, by the name alone. No address of it can be checked, so a special-use name needs an
   * entry of its own.
   */
  checkUnresolved(target: DialTarget): string | undefined;
}

type Rules = Required<EgressPolicyOptions>;

/** Makes the rules from entries that were read before. */
export function createEgressPolicy(options: EgressPolicyOptions = {}): EgressPolicy {
  const rules: Rules = { allow: [], deny: [], httpsOnly: false, proxy: undefined, ...options };
  return {
    checkUrl: (url) => {
      const target = parseTargetUrl(url);
      return 'problem' in target ? target.problem : checkTarget(rules, target);
    },
    checkDial: (target, addresses) => checkDial(rules, target, addresses),
    checkUnresolved: (target) => checkUnresolved(rules, target),
  };
}

function checkTarget(rules: Rules, target: TargetUrl): string | undefined {
  if (rules.httpsOnly && target.protocol === 'http:')
    return 'only https is allowed (CALLHOOKS_EGRESS_HTTPS_ONLY)';
  const isUnresolved = rules.proxy !== undefined && leavesNameTo(rules.proxy, target);
  return isUnresolved ? checkUnresolved(rules, target) : checkHost(rules, target);
}

function checkDial(rules: Rules, target: DialTarget, addresses: readonly string[]): string | undefined {
  if (addresses.length === 0) return `${target.host} has no address`;
  return (
    checkHost(rules, target) ?? firstRefusal(addresses, (address) => checkResolved(rules, target, address))
  );
}

function checkUnresolved(rules: Rules, target: DialTarget): string | undefined {
  const { host, port } = target;
  const refusal = checkHost(rules, target);
  if (refusal !== undefined || !needsEntry(rules, host, port)) return refusal;
  return `${host} is a special-use name, and the proxy resolves it; the entry ${host} in CALLHOOKS_EGRESS_ALLOW would let it pass`;
}

function checkHost(rules: Rules, { host, literal, port }: DialTarget): string | undefined {
  return literal ? checkLiteral(rules, literal, port) : checkName(rules, host, port);
}

function firstRefusal(
  addresses: readonly string[],
  check: (address: string) => string | undefined,
): string | undefined {
  for (const address of addresses) {
    const refusal = check(address);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkResolved(
  rules: Rules,
  { host, literal, port }: DialTarget,
  address: string,
): string | undefined {
  const bytes = parseIp(address);
  if (bytes === undefined) return `${host} resolves to something that is not an address`;
  const context = literal ? { ...rules, port } : { ...rules, port, name: host };
  const refusal = checkAddress(bytes, context);
  if (refusal !== undefined)
    return `${host} leads to ${placeOf(refusal)}, which outgoing requests may not reach`;
  if (!literal && needsEntry(rules, host, port) && coveringEntries(bytes, context).length === 0) {
    return `${host} is a special-use name, and leads to an address that no entry of CALLHOOKS_EGRESS_ALLOW covers`;
  }
  return undefined;
}

const PLACES: Readonly<Record<RangeKind, string>> = {
  public: 'a public address',
  private: 'a private network',
  special: 'a special-purpose range',
  loopback: 'a loopback address',
  exact: 'a link-local or metadata address',
  nat64: 'a NAT64 range',
  never: 'an unspecified, multicast, broadcast or IPv4-mapped address',
};

function placeOf(refusal: AddressRefusal): string {
  return refusal.rule === 'deny'
    ? 'an address on the deny list (CALLHOOKS_EGRESS_DENY)'
    : PLACES[refusal.range.kind];
}

function checkLiteral(rules: Rules, literal: IpBytes, port: number): string | undefined {
  const refusal = checkAddress(literal, { ...rules, port });
  if (refusal === undefined) return undefined;
  const address = formatIp(literal);
  if (refusal.rule === 'deny') return deniedBy(address, refusal.entry);
  const { kind, block, name, source } = refusal.range;
  const where = `${address} belongs to ${name} ${block} (${source}), which outgoing requests may not reach`;
  if (kind === 'never') return `${where}; no entry can open it`;
  return `${where}; the entry ${address} in CALLHOOKS_EGRESS_ALLOW would let it pass`;
}

function deniedBy(host: string, entry: string): string {
  return `${host} is denied by the entry ${entry} of CALLHOOKS_EGRESS_DENY`;
}

function checkName(rules: Rules, name: string, port: number): string | undefined {
  const denied = rules.deny.find((entry) => matchesName(entry, name, port));
  if (denied !== undefined) return deniedBy(name, denied.text);
  if (!needsEntry(rules, name, port)) return undefined;
  const special = specialUse(name);
  if (special === 'localhost') return checkLocalhost(rules, name, port);
  if (rules.allow.some((entry) => entry.kind === 'address' && matchesPort(entry, port))) return undefined;
  return `${name} is a special-use name (${special}), which outgoing requests may not reach; the entry ${name}, or the CIDR of its addresses, in CALLHOOKS_EGRESS_ALLOW would let it pass`;
}

function needsEntry({ allow }: Rules, name: string, port: number): boolean {
  return specialUse(name) !== undefined && !allow.some((entry) => matchesName(entry, name, port));
}

const LOOPBACKS = ['127.0.0.1', '::1'].flatMap((text) => parseIp(text) ?? []);

// The name may mean either loopback address, so entries for one of the two are not enough.
function checkLocalhost(rules: Rules, name: string, port: number): string | undefined {
  const context: AddressContext = { ...rules, port };
  const isOpen = LOOPBACKS.every((address) => checkAddress(address, context) === undefined);
  if (isOpen) return undefined;
  const entry = name === 'localhost' ? 'the entry localhost' : 'the entries 127.0.0.0/8 and ::1';
  return `${name} is this machine itself (localhost), which outgoing requests may not reach; ${entry} in CALLHOOKS_EGRESS_ALLOW would let it pass`;
}

/** Where a URL leads, or why no request may go there. */
export type CheckedTarget = TargetUrl | BadUrl;

const MAX_KEPT = 1_000;
const MAX_KEPT_URL_CHARS = 1_024;

/**
 * Returns a function that parses and checks URLs, and keeps the results of at most 1,000 of them. A result depends on the
 * URL's text alone, so it stays true. The addresses of a name are resolved and checked again for every dial.
 */
export function createCheckedTargets(policy: EgressPolicy): (url: string) => CheckedTarget {
  const kept = new Map<string, CheckedTarget>();
  return (url) => {
    const known = kept.get(url);
    if (known !== undefined) return known;
    const checked = check(policy, url);
    if (kept.size >= MAX_KEPT) kept.clear();
    if (url.length <= MAX_KEPT_URL_CHARS) kept.set(url, checked);
    return checked;
  };
}

function check(policy: EgressPolicy, url: string): CheckedTarget {
  const problem = policy.checkUrl(url);
  return problem === undefined ? parseTargetUrl(url) : { problem };
}
