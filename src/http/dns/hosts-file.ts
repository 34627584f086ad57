import { readFile } from 'node:fs/promises';
import { parseIp } from '../egress/ip-address.ts';

/** Looks a name up in the hosts file; an empty list where it holds none, or can't be read. Never rejects. */
export type HostsLookup = (name: string) => Promise<readonly string[]>;

type Hosts = ReadonlyMap<string, readonly string[]>;

const REREAD_AFTER_MS = 5_000;

/** Looks into a hosts file (hosts(5)), which is read again when a look-up comes 5 s after the last reading. */
export const createHostsFile = (
  path = '/etc/hosts',
  now: () => number = () => performance.now(),
): HostsLookup => {
  let hosts: Promise<Hosts> | undefined;
  let readAt = 0;
  return async (name) => {
    if (hosts === undefined || now() - readAt > REREAD_AFTER_MS) {
      readAt = now();
      hosts = readFile(path, 'utf8').then(parseHosts, () => new Map());
    }
    return (await hosts).get(name) ?? [];
  };
};

const parseHosts = (text: string): Hosts => {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (parseIp(address) === undefined) continue;
    for (const name of names) addTo(hosts, name.toLowerCase().replace(/\.$/, ''), address);
  }
  return hosts;
};

const addTo = (hosts: Map<string, string[]>, name: string, address: string): void => {
  const addresses = hosts.get(name);
  if (addresses === undefined) hosts.set(name, [address]);
  else if (!addresses.includes(address)) addresses.push(address);
};
