import type { CallhooksError, Reason } from '../errors.ts';

/**
 * Tells gRPC clients that have a retry policy for the method how many milliseconds they should wait before they repeat an
 * RPC (gRFC A6).
 */
export const PUSHBACK_HEADER = 'grpc-retry-pushback-ms';

/**
 * The refusals that certainly accepted nothing. Java's client repeats after a pushback whatever the status code is, so the
 * header must not come with an error after which a repeated create could make a second agent.
 */
const NOTHING_ACCEPTED: ReadonlySet<Reason> = new Set(['LIMIT_REACHED', 'SHUTTING_DOWN', 'KEY_UNAVAILABLE']);

/** Returns the pushback that goes with an error, in milliseconds, or undefined where there is none. */
export function pushbackOf({ reason, details }: CallhooksError): number | undefined {
  if (details.retryAfterMs === undefined || !NOTHING_ACCEPTED.has(reason)) return undefined;
  return spread(details.retryAfterMs);
}

/**
 * Returns a delay that is up to half longer. Clients wait exactly as long as the header says, and all that were refused at
 * once must not come back at once.
 */
function spread(delayMs: number): number {
  return Math.round(delayMs * (1 + Math.random() / 2));
}
