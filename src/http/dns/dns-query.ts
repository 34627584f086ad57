import { Resolver } from 'node:dns';

/** The addresses of a name, or why there are none, in words for people. */
export type Resolution = { readonly addresses: readonly string[] } | { readonly problem: string };

/** A server that is silent for this long makes way for the next one. */
const PER_SERVER_MS = 300;
/** After one family has answered, the other one gets this much more time. */
const OTHER_FAMILY_MS = 250;
/** A look-up takes no longer in all. */
const TOTAL_MS = 2_000;

type Answer = { readonly addresses: readonly string[] } | { readonly code: string };
type Answers = { ipv4?: Answer; ipv6?: Answer };

/**
 * Asks the name servers (those of the system without `servers`) for A and AAAA of one absolute name. IPv4 comes first in
 * the result. It does not use `dns.lookup`, which waits on four threads for the whole process. It has a timer of its own,
 * because the resolver's timer starts again for each server. Never rejects.
 */
export function queryDns(name: string, servers: readonly string[] | undefined): Promise<Resolution> {
  return new Promise((resolve) => {
    const resolver = new Resolver({ timeout: PER_SERVER_MS, tries: 1 });
    if (servers !== undefined) resolver.setServers(servers);
    const answers: Answers = {};
    const finish = () => {
      clearTimeout(total);
      clearTimeout(patience);
      resolver.cancel();
      resolve(toResolution(name, answers));
    };
    const total = setTimeout(finish, TOTAL_MS);
    let patience: NodeJS.Timeout | undefined;
    const take = (family: keyof Answers) => (error: NodeJS.ErrnoException | null, addresses: string[]) => {
      answers[family] ??= error === null ? { addresses } : { code: error.code ?? 'UNKNOWN' };
      if (answers.ipv4 !== undefined && answers.ipv6 !== undefined) finish();
      else if (addressesOf(answers).length > 0) patience ??= setTimeout(finish, OTHER_FAMILY_MS);
    };
    resolver.resolve4(name, take('ipv4'));
    resolver.resolve6(name, take('ipv6'));
  });
}

function toResolution(name: string, answers: Answers): Resolution {
  const addresses = addressesOf(answers);
  return addresses.length > 0 ? { addresses } : { problem: `${name} ${problemOf(name, answers)}` };
}

function addressesOf({ ipv4, ipv6 }: Answers): readonly string[] {
  return [ipv4, ipv6].flatMap((answer) => (answer && 'addresses' in answer ? answer.addresses : []));
}

const NO_SUCH_NAME = 'ENOTFOUND';
const NO_ADDRESS = 'ENODATA';

// The first of these codes that an answer has is the reason.
const PROBLEMS: readonly (readonly [code: string, text: string])[] = [
  [NO_SUCH_NAME, 'does not exist in DNS'],
  ['ESERVFAIL', 'could not be resolved: the DNS server failed'],
  ['EREFUSED', 'could not be resolved: the DNS server refused'],
  ['ECONNREFUSED', 'could not be resolved: no DNS server could be reached'],
  ['EBADNAME', 'is not a name that DNS can hold'],
  [NO_ADDRESS, 'has no address in DNS'],
];

// Without any code, neither family had answered when the time was over.
function problemOf(name: string, { ipv4, ipv6 }: Answers): string {
  const codes = [ipv4, ipv6].flatMap((answer) => (answer && 'code' in answer ? answer.code : []));
  const known = PROBLEMS.find(([code]) => codes.includes(code));
  if (known !== undefined) return known[1] + hintOf(known[0], name);
  return codes.length === 0 || codes.includes('ETIMEOUT')
    ? `could not be resolved: no answer from DNS within ${(TOTAL_MS / 1000).toFixed(1)} s`
    : `could not be resolved (${codes.join(', ')})`;
}

// A short name is often one that another resolver would complete.
function hintOf(code: string, name: string): string {
  const isMissing = code === NO_SUCH_NAME || code === NO_ADDRESS;
  const isShort = name.split('.').length <= 2;
  return isMissing && isShort ? '; search domains are not applied, so write the full name' : '';
}
