import type { Failure } from '../domain/types.ts';
import { IDLE_MS, openConnection, type Connection } from './connection.ts';
import { dial, type DialDeps, type TimingsSoFar } from './dial.ts';
import type { TargetUrl } from './target-url.ts';
import type { TimeLimit } from './time-limit.ts';

/** Owns the connections of one egress policy: hands out idle ones and opens new ones through the policy. */
export interface EgressAgent {
  /** An idle connection to this origin that may be used again, if there is one. */
  takeIdle(target: TargetUrl): Connection | undefined;
  /** A new connection, checked by the policy, or why there is none. */
  open(
    target: TargetUrl,
    limit: TimeLimit,
    timings: TimingsSoFar,
  ): Promise<Connection | { readonly failure: Failure }>;
  /** Takes back a connection whose response was read to its end. */
  giveBack(target: TargetUrl, connection: Connection): void;
  /** Closes all connections, busy ones too. */
  close(): void;
}

/** What the agent needs. A connection older than `maxConnectionAgeMs` serves no further request. */
export interface EgressAgentDeps extends DialDeps {
  readonly maxHeadBytes: number;
  readonly maxConnectionAgeMs: number;
}

/**
 * Makes the agent. Idle connections lie in one stack per origin, the warmest on top; each is an undici client of its
 * own, so that the dial, its time limit and its timings belong to the one request that waits for it.
 */
export const createEgressAgent = (deps: EgressAgentDeps): EgressAgent => {
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();
  const forget = (origin: string) => (connection: Connection) => {
    all.delete(connection);
    const rest = idle.get(origin)?.filter((other) => other !== connection) ?? [];
    if (rest.length === 0) idle.delete(origin);
    else idle.set(origin, rest);
  };
  return {
    takeIdle: ({ origin }) => {
      for (let next = idle.get(origin)?.pop(); next !== undefined; next = idle.get(origin)?.pop()) {
        if (isUsable(next, deps.maxConnectionAgeMs)) return next;
        next.destroy();
      }
      return undefined;
    },
    open: async (target, limit, timings) => {
      const dialled = await dial(deps, target, limit, timings);
      if ('failure' in dialled) return dialled;
      const { maxHeadBytes } = deps;
      const connection = openConnection(target.origin, dialled.socket, {
        maxHeadBytes,
        onClose: forget(target.origin),
      });
      all.add(connection);
      return connection;
    },
    giveBack: ({ origin }, connection) => {
      connection.rest();
      const stack = idle.get(origin);
      if (stack === undefined) idle.set(origin, [connection]);
      else stack.push(connection);
    },
    close: () => {
      for (const connection of all) connection.destroy();
    },
  };
};

// The clock is looked at here too: after a stall of the event loop undici's own idle timer may not have run yet.
const isUsable = (connection: Connection, maxAgeMs: number): boolean => {
  const now = performance.now();
  return (
    connection.isOpen() && now - connection.idleSinceMs < IDLE_MS && now - connection.openedAtMs < maxAgeMs
  );
};
