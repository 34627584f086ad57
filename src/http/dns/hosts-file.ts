import { readFile } from 'node:fs/promises';
import { parseIp } from '../egress/ip-address.ts';

type Hosts = ReadonlyMap<string, readonly string[]>;

const REREAD_AFTER_MS = 5_000;

/**
 * Returns a look-up in a hosts file (hosts(5)). It returns an empty list if the file does not hold the name, or can't be
 * read, and never rejects. It reads the file again when the last reading is 5 s old.
 */
export function createHostsFile(path = '/etc/hosts'): (name: string) => Promise<readonly string[]> {
  let hosts: Promise<Hosts> | undefined;
  let readAtMs = 0;
  return async (name) => {
    if (hosts === undefined || performance.now() - readAtMs > REREAD_AFTER_MS) {
      readAtMs = performance.now();
      hosts = readFile(path, 'utf8').then(parseHosts, () => new Map());
    }
    return (await hosts).get(name) ?? [];
  };
}

function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (parseIp(address) === undefined) continue;
    for (const name of names) addTo(hosts, name.toLowerCase().replace(/\.$/, ''), address);
  }
  return hosts;
}

function addTo(hosts: Map<string, string[]>, name: string, address: string): void {
  const addresses = hosts.get(name);
  if (addresses === undefined) hosts.set(name, [address]);
  else if (!addresses.includes(address)) addresses.push(address);
}
