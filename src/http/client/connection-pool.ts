import type { Failure } from '../../domain/failures.ts';
import { openConnection, type Connection } from './connection.ts';
import { dial, type DialDeps, type TimingsSoFar } from './dial.ts';
import { endedFailure } from './failures.ts';
import { createOriginConnections, type OriginConnections } from './origin-connections.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import type { EndReason, TimeLimit } from './deadline.ts';

/** Owns the connections of one egress policy: hands out idle ones and opens new ones through the policy. */
export interface EgressAgent {
  /** Returns an idle connection to this origin that may be used again, if there is one. */
  takeIdle(target: TargetUrl): Connection | undefined;
  /**
   * Waits for a connection: a new one, checked by the policy, or one that falls idle while too many dials are under
   * way. Otherwise says why there is none.
   */
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

/**
 * What the agent needs. A connection older than `maxConnectionAgeMs` serves no further request. At most
 * `maxDialsPerOrigin` dials to one origin are under way: a new connection costs ten times what a request on an open
 * one does, so a burst that dials for each of its calls would take the time of all others.
 */
export interface EgressAgentDeps extends DialDeps {
  readonly maxHeadBytes: number;
  readonly maxConnectionAgeMs: number;
  readonly maxDialsPerOrigin: number;
}

/**
 * Makes the agent. Each connection is an undici client of its own, so that the dial, its time limit and its timings
 * belong to the one request that waits for it.
 */
export const createEgressAgent = (deps: EgressAgentDeps): EgressAgent => {
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
    open: async (target, limit, timings) => {
      const ended = limit.reason();
      if (ended !== undefined) return notFree(target, limit, ended);
      const connections = connectionsTo(target.origin);
      const turn = await connections.takeTurn(limit);
      if (turn === 'dial') return openNew(deps, connections, target, limit, timings);
      return 'ended' in turn ? notFree(target, limit, turn.ended) : turn;
    },
    giveBack: ({ origin }, connection) => origins.get(origin)?.giveBack(connection),
    close: () => {
      for (const connections of origins.values()) connections.close();
    },
  };
};

const notFree = ({ host, port }: TargetUrl, limit: TimeLimit, ended: EndReason): { failure: Failure } => ({
  failure: endedFailure(ended, `no free connection to ${host}:${port}`, limit, 'no'),
});

async function openNew(
  deps: EgressAgentDeps,
  connections: OriginConnections,
  target: TargetUrl,
  limit: TimeLimit,
  timings: TimingsSoFar,
): Promise<Connection | { readonly failure: Failure }> {
  let opened: Connection | undefined;
  try {
    const dialled = await dial(deps, target, limit, timings);
    if ('failure' in dialled) return dialled;
    const { maxHeadBytes } = deps;
    opened = openConnection(target.origin, dialled.socket, { maxHeadBytes, onClose: connections.forget });
    return opened;
  } finally {
    connections.endDial(opened);
  }
}
