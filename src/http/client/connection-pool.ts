import type { Failure } from '../../domain/failures.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import { openConnection, type Connection } from './connection.ts';
import type { Deadline, EndReason } from './deadline.ts';
import { dial, type DialDeps, type TimingsSoFar } from './dial.ts';
import { endedFailure } from './failures.ts';
import { createOriginConnections, type OriginConnections } from './origin-connections.ts';

/** Owns the connections of one executor: hands out idle ones, and opens new ones as the egress policy allows. */
export interface ConnectionPool {
  /** Returns an idle connection to this origin that may be used again, if there is one. */
  takeIdle(target: TargetUrl): Connection | undefined;
  /**
   * Waits for a connection: a new one, which the egress policy allows, or one that falls idle while too many dials are
   * under way. Returns the failure if there is none.
   */
  open(
    target: TargetUrl,
    deadline: Deadline,
    timings: TimingsSoFar,
  ): Promise<Connection | { readonly failure: Failure }>;
  /** Takes back a connection whose response was read to its end. */
  giveBack(target: TargetUrl, connection: Connection): void;
  /** Closes all connections, also those under a request. */
  close(): void;
}

/** How a pool dials, and its bounds. */
export interface ConnectionPoolDeps extends DialDeps {
  /** A connection that is older serves no further request. */
  readonly maxConnectionAgeMs: number;
  /**
   * How many dials to one origin may be under way. A new connection costs ten times as much as a request on an open one,
   * so a burst that dials for each of its calls would take the time of all others.
   */
  readonly maxDialsPerOrigin: number;
}

/**
 * Makes a pool. Each connection is an undici client of its own, so that the dial, its deadline and its timings belong to
 * the one request that waits for it.
 */
export function createConnectionPool(deps: ConnectionPoolDeps): ConnectionPool {
  const { maxDialsPerOrigin: maxDials, maxConnectionAgeMs } = deps;
  const origins = new Map<string, OriginConnections>();
  const connectionsTo = (origin: string): OriginConnections => {
    const known = origins.get(origin);
    if (known !== undefined) return known;
    const onUnused = () => origins.delete(origin);
    const made = createOriginConnections({ maxDials, maxConnectionAgeMs, onUnused });
    origins.set(origin, made);
    return made;
  };
  return {
    takeIdle: ({ origin }) => origins.get(origin)?.takeIdle(),
    open: async (target, deadline, timings) => {
      const ended = deadline.reason();
      if (ended !== undefined) return noneFree(target, deadline, ended);
      const connections = connectionsTo(target.origin);
      const turn = await connections.takeTurn(deadline);
      if (turn === 'dial') return openNew(deps, connections, target, deadline, timings);
      return 'ended' in turn ? noneFree(target, deadline, turn.ended) : turn;
    },
    giveBack: ({ origin }, connection) => origins.get(origin)?.giveBack(connection),
    close: () => {
      for (const connections of origins.values()) connections.close();
    },
  };
}

function noneFree({ host, port }: TargetUrl, deadline: Deadline, ended: EndReason): { failure: Failure } {
  return { failure: endedFailure(ended, `no connection to ${host}:${port} became free`, deadline, 'no') };
}

async function openNew(
  deps: ConnectionPoolDeps,
  connections: OriginConnections,
  target: TargetUrl,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<Connection | { readonly failure: Failure }> {
  let opened: Connection | undefined;
  try {
    const dialled = await dial(deps, target, deadline, timings);
    if ('failure' in dialled) return dialled;
    opened = openConnection(target.origin, dialled.socket, connections.forget);
    return opened;
  } finally {
    connections.endDial(opened);
  }
}
