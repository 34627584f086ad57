import { Resolver } from 'node:dns';
import { queryDns, type Resolution } from './dns-query.ts';
import { createHostsFile } from './hosts-file.ts';

/** Resolves an absolute name in lower case, without a trailing dot. Never rejects. */
export type Resolve = (name: string) => Promise<Resolution>;

/** Where a resolver looks names up. */
export interface ResolverOptions {
  /** Name servers (`10.0.0.2` or `10.0.0.2:53`) instead of those of the system. */
  readonly servers?: readonly string[] | undefined;
  /** Stands for `/etc/hosts` in tests. */
  readonly hostsFile?: string;
}

/** More records are not an answer, but an attack on those who check each of them. */
const MAX_RECORDS = 64;

/**
 * Makes a resolver that asks the hosts file first, then DNS. Look-ups of one name that overlap share one answer. Search
 * domains are not applied. Nothing is cached beyond the look-up, so that changes in DNS are followed.
 * @throws if a server is malformed.
 */
export function createResolver({ servers, hostsFile }: ResolverOptions): Resolve {
  if (servers !== undefined) new Resolver().setServers(servers);
  const inHosts = createHostsFile(hostsFile);
  const running = new Map<string, Promise<Resolution>>();
  const lookUp = async (name: string): Promise<Resolution> => {
    const known = await inHosts(name);
    if (known.length > 0) return bounded(name, { addresses: known });
    if (isLocalhost(name)) return { addresses: ['127.0.0.1', '::1'] };
    return bounded(name, await queryDns(name, servers));
  };
  return (name) => {
    const shared = running.get(name) ?? lookUp(name).finally(() => running.delete(name));
    running.set(name, shared);
    return shared;
  };
}

function bounded(name: string, resolution: Resolution): Resolution {
  return 'addresses' in resolution && resolution.addresses.length > MAX_RECORDS
    ? { problem: `${name} has more than ${MAX_RECORDS} addresses in DNS` }
    : resolution;
}

// These names are loopback, and no server is asked for them (RFC 6761, 6.3).
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
