import { Resolver } from 'node:dns';
import { createFamilyAnswers, type Family, type Resolution } from './family-answers.ts';

/** After this long without an answer, the question is asked again: of the next server, or of the only one. */
const ASK_AGAIN_MS = 300;
/** After one family has answered, the other one gets this much more time. */
const OTHER_FAMILY_MS = 250;
/** A look-up takes no longer in all. */
const TOTAL_MS = 2_000;

/**
 * Asks the name servers (those of the system without `servers`) for A and AAAA of one absolute name. IPv4 comes first in
 * the result. It asks again every 300 ms until both families have an answer, because a packet may be lost, and it still
 * takes the answer to an earlier question, because a server may be slow. It does not use `dns.lookup`, which waits on four
 * threads for the whole process. It has a timer of its own, because the resolver's timer starts again for each server.
 * Ends early when `signal` is aborted. Never rejects.
 */
export function queryDns(
  name: string,
  servers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Resolution> {
  return new Promise((resolve) => {
    const startedAtMs = performance.now();
    const answers = createFamilyAnswers(name);
    const resolvers: Resolver[] = [];
    const finish = () => {
      clearTimeout(total);
      clearTimeout(otherFamily);
      clearInterval(asking);
      signal.removeEventListener('abort', finish);
      for (const resolver of resolvers) resolver.cancel();
      resolve(answers.resolution(performance.now() - startedAtMs));
    };
    const take = (family: Family) => (error: NodeJS.ErrnoException | null, addresses: string[]) => {
      answers.take(family, error === null ? { addresses } : { code: error.code ?? 'UNKNOWN' });
      if (answers.areEnough()) finish();
      else if (answers.hasAddress()) otherFamily ??= setTimeout(finish, OTHER_FAMILY_MS);
    };
    const ask = () => {
      const resolver = createRound(servers, resolvers.length);
      resolvers.push(resolver);
      for (const family of answers.toAsk())
        resolver[family === 'ipv4' ? 'resolve4' : 'resolve6'](name, take(family));
    };
    const total = setTimeout(finish, TOTAL_MS);
    const asking = setInterval(ask, ASK_AGAIN_MS);
    let otherFamily: NodeJS.Timeout | undefined;
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
    else ask();
  });
}

// Each round begins with the next server. A server that fails makes way for the following one at once, and one that is
// silent keeps its question, whose answer still counts.
function createRound(servers: readonly string[] | undefined, round: number): Resolver {
  const resolver = new Resolver({ timeout: TOTAL_MS, tries: 1 });
  const all = servers ?? resolver.getServers();
  const first = round % all.length;
  if (servers !== undefined || first > 0) resolver.setServers([...all.slice(first), ...all.slice(0, first)]);
  return resolver;
}
