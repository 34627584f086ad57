/** The addresses of a name, or why there are none, in words for people. */
export type Resolution = { readonly addresses: readonly string[] } | { readonly problem: string };

/** A family of addresses. Each has a question of its own in DNS (A, AAAA). */
export type Family = 'ipv4' | 'ipv6';

/** What came back for one question: addresses, or the code of `node:dns`. */
type DnsAnswer = { readonly addresses: readonly string[] } | { readonly code: string };

/** The answers for one name, as they arrive. */
export interface FamilyAnswers {
  /** Returns the families to ask about now, each of which is then waited for. */
  toAsk(): readonly Family[];
  /** Adds what came back for one question about a family. An answer counts, whatever comes after it. */
  take(family: Family, answer: DnsAnswer): void;
  /** Reports whether there is an address to use. */
  hasAddress(): boolean;
  /** Reports whether nothing would change if more answers came. */
  areEnough(): boolean;
  /** Returns the addresses, IPv4 first, or why there are none. `spentMs` is how long the look-up took. */
  resolution(spentMs: number): Resolution;
}

/** After the servers have failed this often, in rounds 300 ms apart, their failure counts. */
const MAX_FAILURES = 2;

/** Makes the answers for one name: none yet. */
export function createFamilyAnswers(name: string): FamilyAnswers {
  const families = { ipv4: noAnswer(), ipv6: noAnswer() };
  const both = Object.values(families);
  const addresses = () => both.flatMap((family) => family.addresses ?? []);
  return {
    toAsk: () => {
      const asked = FAMILIES.filter((family) => !isFinal(families[family]));
      for (const family of asked) families[family].pending++;
      return asked;
    },
    take: (family, answer) => {
      const its = families[family];
      its.pending--;
      if (isFinal(its)) return;
      if ('addresses' in answer) its.addresses = answer.addresses;
      else its.code = answer.code;
      if (its.addresses === undefined) its.failures++;
    },
    hasAddress: () => addresses().length > 0,
    areEnough: () =>
      both.every(isFinal) ||
      both.some(({ code }) => code === NO_SUCH_NAME) ||
      (addresses().length > 0 && both.every((family) => isFinal(family) || family.pending === 0)),
    resolution: (spentMs) => {
      const found = addresses();
      if (found.length > 0) return { addresses: found };
      return { problem: `${name} ${problemOf(name, both, spentMs)}` };
    },
  };
}

const FAMILIES = ['ipv4', 'ipv6'] as const satisfies readonly Family[];

interface FamilyAnswer {
  addresses: readonly string[] | undefined;
  code: string | undefined;
  failures: number;
  /** How many questions are under way. */
  pending: number;
}

function noAnswer(): FamilyAnswer {
  return { addresses: undefined, code: undefined, failures: 0, pending: 0 };
}

// A server that failed may do better when it is asked again. What a zone says stays.
function isFinal({ addresses, code, failures }: FamilyAnswer): boolean {
  return addresses !== undefined || (code !== undefined && (isSaid(code) || failures >= MAX_FAILURES));
}

function isSaid(code: string): boolean {
  return code === NO_SUCH_NAME || code === NO_ADDRESS || code === BAD_NAME;
}

const NO_SUCH_NAME = 'ENOTFOUND';
const NO_ADDRESS = 'ENODATA';
const BAD_NAME = 'EBADNAME';
const NO_ANSWER = 'ETIMEOUT';

// The first of these codes that a family has is the reason.
const PROBLEMS: readonly (readonly [code: string, text: string])[] = [
  [NO_SUCH_NAME, 'does not exist in DNS'],
  ['ESERVFAIL', 'could not be resolved: the DNS server failed'],
  ['EREFUSED', 'could not be resolved: the DNS server refused'],
  ['ECONNREFUSED', 'could not be resolved: no DNS server could be reached'],
  [BAD_NAME, 'is not a name that DNS can hold'],
];

// Servers answer so to a name that they would complete for others.
const COMPLETED: ReadonlySet<string> = new Set([NO_SUCH_NAME, 'ESERVFAIL', 'EREFUSED']);

function problemOf(name: string, families: readonly FamilyAnswer[], spentMs: number): string {
  const codes = families.map(({ code, addresses }) => (addresses ? NO_ADDRESS : (code ?? NO_ANSWER)));
  if (codes.every((code) => code === NO_ADDRESS)) return `has no address in DNS${hintOf(name)}`;
  const known = PROBLEMS.find(([code]) => codes.includes(code));
  if (known !== undefined) return known[1] + (COMPLETED.has(known[0]) ? hintOf(name) : '');
  return codes.includes(NO_ANSWER)
    ? `could not be resolved: no answer from DNS within ${(spentMs / 1000).toFixed(1)} s`
    : `could not be resolved (${[...new Set(codes)].join(', ')})`;
}

// A short name is often one that another resolver would complete.
function hintOf(name: string): string {
  const isShort = name.split('.').length <= 2;
  return isShort ? '; search domains are not applied, so write the full name' : '';
}
