import { parseEgressEntries } from './egress-entries.ts';
import { createEgressPolicy, type EgressPolicy } from './egress-policy.ts';
import type { EgressProxy } from './egress-proxy.ts';
import type { ProxyServer } from './proxy-url.ts';

/** What an operator sets about outgoing requests. The lists hold entries that were read before. */
interface EgressSettings {
  readonly egressAllow: readonly string[];
  readonly egressDeny: readonly string[];
  readonly egressHttpsOnly: boolean;
  readonly egressProxy: ProxyServer | undefined;
  readonly egressNoProxy: readonly string[];
  readonly egressProxyResolves: boolean;
}

/** Where outgoing requests may go, and by which way. */
interface Egress {
  readonly policy: EgressPolicy;
  readonly proxy: EgressProxy | undefined;
  /** Why some entries of the allow list open nothing. They are worth a warning. */
  readonly idle: readonly string[];
}

/** Makes the egress policy and the way out of the settings. */
export function readEgress(settings: EgressSettings): Egress {
  const { entries: allow, idle } = parseEgressEntries(settings.egressAllow);
  const { entries: deny } = parseEgressEntries(settings.egressDeny);
  const proxy = readProxy(settings);
  const policy = createEgressPolicy({ allow, deny, httpsOnly: settings.egressHttpsOnly, proxy });
  return { policy, proxy, idle };
}

function readProxy(settings: EgressSettings): EgressProxy | undefined {
  const { egressProxy: server, egressNoProxy, egressProxyResolves: resolvesNames } = settings;
  if (server === undefined) return undefined;
  return { server, exceptions: parseEgressEntries(egressNoProxy).entries, resolvesNames };
}
