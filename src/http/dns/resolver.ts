import { Resolver } from 'node:dns';
import { DNS_TIMES, queryDns, type DnsTimes, type Resolution } from './dns-query.ts';
import { createHostsFile } from './hosts-file.ts';

/** Resolves an absolute name in canonical spelling (lower case, no trailing dot). Never rejects. */
export type Resolve = (name: string) => Promise<Resolution>;

/** Where names come from. */
export interface ResolverOptions {
  /** Name servers (`10.0.0.2` or `10.0.0.2:53`); absent: those of the system. */
  readonly servers?: readonly string[] | undefined;
  readonly hostsFile?: string;
  readonly times?: Partial<DnsTimes>;
}

/** More records than this are no answer but an attack on whoever checks each of them. */
const MAX_RECORDS = 64;

/**
 * Makes a resolver: the hosts file first, then DNS; look-ups of one name that overlap share one answer. Search domains
 * are not applied, and nothing is cached beyond the look-up, so that DNS changes are followed. Throws for malformed
 * servers.
 */
export const createResolver = ({ servers, hostsFile, times = {} }: ResolverOptions = {}): Resolve => {
  if (servers !== undefined) new Resolver().setServers(servers);
  const inHosts = createHostsFile(hostsFile);
  const running = new Map<string, Promise<Resolution>>();
  const lookUp = async (name: string): Promise<Resolution> => {
    const known = await inHosts(name);
    if (known.length > 0) return bounded(name, { addresses: known });
    if (isLocalhost(name)) return { addresses: ['127.0.0.1', '::1'] };
    return bounded(name, await queryDns(name, servers, { ...DNS_TIMES, ...times }));
  };
  return (name) => {
    const shared = running.get(name) ?? lookUp(name).finally(() => running.delete(name));
    running.set(name, shared);
    return shared;
  };
};

const bounded = (name: string, resolution: Resolution): Resolution =>
  'addresses' in resolution && resolution.addresses.length > MAX_RECORDS
    ? { problem: `${name} has more than ${MAX_RECORDS} addresses in DNS` }
    : resolution;

// RFC 6761, 6.3: these names are loopback and never asked of a server.
const isLocalhost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');
