import { Resolver } from 'node:dns';

/** What a name resolved to, or why it did not, in words for people. */
export type Resolution = { readonly addresses: readonly string[] } | { readonly problem: string };

/** How long one look-up may take in its parts, in milliseconds. */
export interface DnsTimes {
  /** One try at one server. */
  readonly perServerMs: number;
  /** More patience for the other family once one has answered. */
  readonly otherFamilyMs: number;
  /** Everything together. */
  readonly totalMs: number;
}

/** The usual times: a dead server costs 300 ms before the next is asked. */
export const DNS_TIMES: DnsTimes = { perServerMs: 300, otherFamilyMs: 250, totalMs: 2_000 };

type Answer = { readonly addresses: readonly string[] } | { readonly code: string };
type Family = 'ipv4' | 'ipv6';

/**
 * Asks the name servers (those of the system without `servers`) for A and AAAA of one absolute name, IPv4 first in
 * the result. Not `dns.lookup`: that waits on four threads for the whole process. Its own timer bounds it, because the
 * resolver's counts for each server anew. Never rejects.
 */
export const queryDns = (
  name: string,
  servers: readonly string[] | undefined,
  times: DnsTimes,
): Promise<Resolution> =>
  new Promise((resolve) => {
    const resolver = new Resolver({ timeout: times.perServerMs, tries: 1 });
    if (servers !== undefined) resolver.setServers(servers);
    const answers: Partial<Record<Family, Answer>> = {};
    const finish = () => {
      clearTimeout(total);
      clearTimeout(patience);
      resolver.cancel();
      resolve(conclude(name, answers, times));
    };
    const total = setTimeout(finish, times.totalMs);
    let patience: NodeJS.Timeout | undefined;
    const take = (family: Family) => (error: NodeJS.ErrnoException | null, addresses: string[]) => {
      answers[family] ??= error === null ? { addresses } : { code: error.code ?? 'UNKNOWN' };
      if (isComplete(answers)) finish();
      else if (hasAddresses(answers)) patience ??= setTimeout(finish, times.otherFamilyMs);
    };
    resolver.resolve4(name, take('ipv4'));
    resolver.resolve6(name, take('ipv6'));
  });

const isComplete = ({ ipv4, ipv6 }: Partial<Record<Family, Answer>>): boolean =>
  ipv4 !== undefined && ipv6 !== undefined;

const hasAddresses = (answers: Partial<Record<Family, Answer>>): boolean => addressesOf(answers).length > 0;

const addressesOf = ({ ipv4, ipv6 }: Partial<Record<Family, Answer>>): readonly string[] =>
  [ipv4, ipv6].flatMap((answer) => (answer && 'addresses' in answer ? answer.addresses : []));

const conclude = (name: string, answers: Partial<Record<Family, Answer>>, times: DnsTimes): Resolution => {
  const addresses = addressesOf(answers);
  if (addresses.length > 0) return { addresses };
  const codes = [answers.ipv4, answers.ipv6].flatMap((answer) =>
    answer && 'code' in answer ? answer.code : [],
  );
  return { problem: `${name} ${describe(codes, times)}` };
};

const DESCRIPTIONS: readonly (readonly [code: string, text: string])[] = [
  ['ENOTFOUND', 'does not exist in DNS'],
  ['ESERVFAIL', 'could not be resolved: the DNS server failed'],
  ['EREFUSED', 'could not be resolved: the DNS server refused'],
  ['ECONNREFUSED', 'could not be resolved: no DNS server could be reached'],
  ['EBADNAME', 'is no name that DNS could hold'],
  ['ENODATA', 'has no address in DNS'],
];

// No code at all: neither family has answered when the time was over.
const describe = (codes: readonly string[], { totalMs }: DnsTimes): string => {
  const known = DESCRIPTIONS.find(([code]) => codes.includes(code));
  if (known !== undefined) return known[1];
  return codes.length === 0 || codes.includes('ETIMEOUT')
    ? `could not be resolved: no answer from DNS within ${(totalMs / 1000).toFixed(1)} s`
    : `could not be resolved (${codes.join(', ')})`;
};
