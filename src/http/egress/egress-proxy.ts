import { matchesName, matchesPort } from './address-rules.ts';
import type { EgressEntry } from './egress-entries.ts';
import { contains, parseIp } from './ip-address.ts';
import type { ProxyServer } from './proxy-url.ts';
import type { DialTarget } from './target-url.ts';

/** The proxy that requests go through, and which of them do not. */
export interface EgressProxy {
  readonly server: ProxyServer;
  /** Targets that are dialled directly. */
  readonly exceptions: readonly EgressEntry[];
  /** Names are resolved by the proxy, and no address of them is checked here. */
  readonly resolvesNames: boolean;
}

/** Reports whether the proxy resolves this host: a name, and no exception. */
export function leavesNameTo({ exceptions, resolvesNames }: EgressProxy, target: DialTarget): boolean {
  return resolvesNames && target.literal === undefined && !isNamed(exceptions, target);
}

/**
 * Reports whether requests to this target go around the proxy: an exception names its host, or exceptions cover all
 * addresses that the host resolved to (for a literal, the literal itself).
 */
export function goesDirect(
  { exceptions }: EgressProxy,
  target: DialTarget,
  addresses: readonly string[],
): boolean {
  if (exceptions.length === 0) return false;
  return (
    isNamed(exceptions, target) || addresses.every((address) => isCovered(exceptions, address, target.port))
  );
}

function isNamed(exceptions: readonly EgressEntry[], { host, literal, port }: DialTarget): boolean {
  return literal === undefined && exceptions.some((entry) => matchesName(entry, host, port));
}

function isCovered(exceptions: readonly EgressEntry[], address: string, port: number): boolean {
  const bytes = parseIp(address);
  return (
    bytes !== undefined &&
    exceptions.some(
      (entry) => entry.kind === 'address' && matchesPort(entry, port) && contains(entry.cidr, bytes),
    )
  );
}
