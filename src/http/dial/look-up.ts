import type { Deadline, Ended } from '../client/deadline.ts';
import type { Resolution } from '../dns/family-answers.ts';
import type { Resolve } from '../dns/resolver.ts';

/** Resolves a name before the deadline. The resolver hears when nobody waits any longer. */
export function lookUp(resolve: Resolve, host: string, deadline: Deadline): Promise<Resolution | Ended> {
  const waiting = new AbortController();
  return deadline.race(resolve(host, waiting.signal)).finally(() => waiting.abort());
}
