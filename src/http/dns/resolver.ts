import { Resolver } from 'node:dns';
import { queryDns } from './dns-query.ts';
import type { Resolution } from './family-answers.ts';
import { createHostsFile } from './hosts-file.ts';

/**
 * Resolves an absolute name in lower case, without a trailing dot. Never rejects. The caller aborts `signal` when it waits no
 * longer.
 */
export type Resolve = (name: string, signal?: AbortSignal) => Promise<Resolution>;

/** Where a resolver looks names up. */
export interface ResolverOptions {
  /** Name servers (`10.0.0.2` or `10.0.0.2:53`) instead of those of the system. */
  readonly servers?: readonly string[] | undefined;
  /** Stands for `/etc/hosts` in tests. */
  readonly hostsFile?: string;
}

/** More records are not an answer, but an attack on those who check each of them. */
const MAX_RECORDS = 64;

/** One look-up, which all callers share that ask for its name while it runs. */
interface LookUp {
  readonly resolution: Promise<Resolution>;
  /** Ends the look-up, when no caller waits for it any more. */
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Makes a resolver that asks the hosts file first, then DNS. Look-ups of one name that overlap share one answer, and end when
 * the last of their callers waits no longer. Search domains are not applied. Nothing is cached beyond the look-up, so that
 * changes in DNS are followed.
 * @throws if a server is malformed.
 */
export function createResolver({ servers, hostsFile }: ResolverOptions): Resolve {
  if (servers !== undefined) new Resolver().setServers(servers);
  const inHosts = createHostsFile(hostsFile);
  const running = new Map<string, LookUp>();
  const lookUp = async (name: string, signal: AbortSignal): Promise<Resolution> => {
    const known = await inHosts(name);
    if (known.length > 0) return bounded(name, { addresses: known });
    if (isLocalhost(name)) return { addresses: ['127.0.0.1', '::1'] };
    return bounded(name, await queryDns(name, servers, signal));
  };
  const forget = (name: string, ended: LookUp): void => {
    if (running.get(name) === ended) running.delete(name);
  };
  const begin = (name: string): LookUp => {
    const stop = new AbortController();
    const resolution = lookUp(name, stop.signal).finally(() => forget(name, begun));
    const begun = { resolution, stop, waiting: 0 };
    running.set(name, begun);
    return begun;
  };
  return (name, signal) => {
    const shared = running.get(name) ?? begin(name);
    shared.waiting++;
    const leave = () => {
      shared.waiting--;
      if (shared.waiting > 0) return;
      forget(name, shared);
      shared.stop.abort();
    };
    signal?.addEventListener('abort', leave, { once: true });
    return shared.resolution;
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
