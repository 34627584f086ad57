import type { MiddlewareHandler } from 'hono';
import type { ConsoleEnv } from '../viewer.ts';

/** The limits of one server. */
interface Limits {
  /** How many requests may be under way. Each one may hold a large page in memory. */
  readonly requests: number;
  /** How many live streams may be open. */
  readonly streams: number;
  /** A browser that has not read its page by then loses its connection, however much of it it has read. */
  readonly readMs: number;
}

const LIMITS: Limits = { requests: 32, streams: 100, readMs: 10_000 };
/** A page may wait for this long: a sent test has the time limit of its webhook, which is at most 60 s. */
const MAKE_MS = 80_000;

const REFUSAL = { 'retry-after': '1', connection: 'close' };

/** Bounds requests, live streams, and the time in which a page is read. */
export function limitRequests(limits = LIMITS): MiddlewareHandler<ConsoleEnv> {
  let requests = 0;
  let streams = 0;
  return async (c, next) => {
    const { incoming, outgoing } = c.env;
    // The connection is closed, because probes of the same port need it.
    if (requests >= limits.requests) return c.text('too many pages are on their way\n', 503, REFUSAL);
    requests += 1;
    let isStream = false;
    outgoing.once('close', () => {
      if (isStream) streams -= 1;
      else requests -= 1;
    });
    // The port ends idle connections sooner. Its own limit comes back with the next request.
    incoming.socket.setTimeout(MAKE_MS);
    c.set('beginStream', () => {
      if (isStream) return true;
      if (streams >= limits.streams) return false;
      isStream = true;
      streams += 1;
      requests -= 1;
      return true;
    });
    await next();
    if (isStream) return undefined;
    const deadline = setTimeout(() => outgoing.destroy(), limits.readMs).unref();
    outgoing.once('close', () => clearTimeout(deadline));
    return undefined;
  };
}
