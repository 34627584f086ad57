import type { Failure } from '../../domain/failures.ts';
import type { ClientIdentity } from '../http-client.ts';
import { IDLE_MS, openConnection, type Connection } from './connection.ts';
import type { Deadline, Ended, EndReason } from './deadline.ts';
import { dial, type Destination, type DialDeps, type TimingsSoFar } from '../dial/dial.ts';
import { endedFailure } from './failures.ts';
import type { ParseBudget } from './parse-budget.ts';

/** Owns the connections of one executor: hands out idle ones, and opens new ones as the egress policy allows. */
export interface ConnectionPool {
  /** Returns an idle connection to this origin that may be used again, if there is one. */
  takeIdle(target: Destination): Connection | undefined;
  /**
   * Waits for a connection: a new one, which the egress policy allows, or one that falls idle while too many dials are
   * under way. Returns the failure if there is none.
   */
  open(
    target: Destination,
    deadline: Deadline,
    timings: TimingsSoFar,
  ): Promise<Connection | { readonly failure: Failure }>;
  /** Takes back a connection whose response was read to its end. */
  giveBack(target: Destination, connection: Connection): void;
  /** Closes all connections, also those under a request. */
  close(): void;
}

/** How a pool dials, and its bounds. */
export interface ConnectionPoolDeps extends DialDeps {
  /** A connection that is older serves no further request. */
  readonly maxConnectionAgeMs: number;
  /**
   * How many dials to one origin may be under way. A new connection costs eight times as much as a request on an open
   * one (400 µs against 49), so a burst that dials for each of its calls would take the time of all others.
   */
  readonly maxDialsPerOrigin: number;
  /** Limits how long the responses of all connections are parsed in one turn of the event loop. */
  readonly budget: ParseBudget;
}

/**
 * Makes a pool. Each connection is an undici client of its own, so that the dial, its deadline and its timings belong to
 * the one request that waits for it.
 */
export function createConnectionPool(deps: ConnectionPoolDeps): ConnectionPool {
  const { maxDialsPerOrigin: maxDials, maxConnectionAgeMs } = deps;
  const origins = new Map<string, OriginConnections>();
  const keyOf = createConnectionKeys();
  const connectionsTo = (key: string): OriginConnections => {
    const known = origins.get(key);
    if (known !== undefined) return known;
    const onUnused = () => origins.delete(key);
    const made = createOriginConnections({ maxDials, maxConnectionAgeMs, onUnused });
    origins.set(key, made);
    return made;
  };
  return {
    takeIdle: (target) => origins.get(keyOf(target))?.takeIdle(),
    open: async (target, deadline, timings) => {
      const ended = deadline.reason();
      if (ended !== undefined) return noneFree(target, deadline, ended);
      const connections = connectionsTo(keyOf(target));
      const turn = await connections.takeTurn(deadline);
      if (turn === 'dial') return openNew(deps, connections, target, deadline, timings);
      return 'ended' in turn ? noneFree(target, deadline, turn.ended) : turn;
    },
    giveBack: (target, connection) => origins.get(keyOf(target))?.giveBack(connection),
    close: () => {
      for (const connections of origins.values()) connections.close();
    },
  };
}

// A connection that was made with one client certificate must not serve a request with another, or without one.
function createConnectionKeys(): (target: Destination) => string {
  const numbers = new WeakMap<ClientIdentity, number>();
  let last = 0;
  return ({ origin, clientIdentity }) => {
    if (clientIdentity === undefined) return origin;
    const number = numbers.get(clientIdentity) ?? ++last;
    numbers.set(clientIdentity, number);
    return `${origin} ${number}`;
  };
}

function noneFree({ host, port }: Destination, deadline: Deadline, ended: EndReason): { failure: Failure } {
  return { failure: endedFailure(ended, `no connection to ${host}:${port} became free`, deadline, 'no') };
}

async function openNew(
  deps: ConnectionPoolDeps,
  connections: OriginConnections,
  target: Destination,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<Connection | { readonly failure: Failure }> {
  let opened: Connection | undefined;
  try {
    const dialled = await dial(deps, target, deadline, timings);
    if ('failure' in dialled) return dialled;
    opened = openConnection(target.origin, dialled.socket, connections.forget, deps.budget);
    return opened;
  } finally {
    connections.endDial(opened);
  }
}

/** What a request gets that needs a connection: an idle one, the right to dial a new one, or the end at its deadline. */
type Turn = Connection | 'dial' | Ended;

/** Holds the connections to one origin, the number of dials under way, and the requests that wait for either. */
export interface OriginConnections {
  /** Returns an idle connection at once. Returns undefined if there is none, or if other requests wait for one. */
  takeIdle(): Connection | undefined;
  /** Waits, in the order of arrival, for an idle connection or a free dial. After `dial`, {@link endDial} must follow. */
  takeTurn(deadline: Deadline): Promise<Turn>;
  /** Ends a dial. `opened` is the connection that it made, if it made one. */
  endDial(opened?: Connection): void;
  /** Takes back a connection whose response was read to its end. */
  giveBack(connection: Connection): void;
  /** Forgets a connection that is closed. */
  forget(connection: Connection): void;
  /** Closes all connections, also those under a request. */
  close(): void;
}

/** The bounds of one origin's connections. `onUnused` is called when nothing is left: no connection, dial or request. */
interface OriginLimits {
  readonly maxDials: number;
  readonly maxConnectionAgeMs: number;
  readonly onUnused: () => void;
}

/**
 * Makes the connections of one origin. Idle connections lie in a stack; the one used last is on top. A request that finds
 * neither an idle connection nor a free dial waits for the first of the two.
 */
export function createOriginConnections(limits: OriginLimits): OriginConnections {
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  const waiting = new Set<(turn: Turn) => void>();
  let dials = 0;

  const popIdle = (): Connection | undefined => {
    for (let next = idle.pop(); next !== undefined; next = idle.pop()) {
      if (isUsable(next, limits.maxConnectionAgeMs)) return next;
      next.destroy();
    }
    return undefined;
  };
  const nextTurn = (): Connection | 'dial' | undefined => {
    const connection = popIdle();
    if (connection !== undefined) return connection;
    if (dials >= limits.maxDials) return undefined;
    dials++;
    return 'dial';
  };
  const serveWaiting = (): void => {
    for (const serve of waiting) {
      const turn = nextTurn();
      if (turn === undefined) return;
      waiting.delete(serve);
      serve(turn);
    }
  };
  const endIfUnused = (): void => {
    if (open.size === 0 && dials === 0 && waiting.size === 0) limits.onUnused();
  };

  return {
    takeIdle: () => (waiting.size === 0 ? popIdle() : undefined),
    takeTurn: async (deadline) => {
      const turn = waiting.size === 0 ? nextTurn() : undefined;
      if (turn !== undefined) return turn;
      return new Promise((resolve) => {
        waiting.add(resolve);
        // The first of turn and deadline counts: a request that got its turn waits no more, and the later resolve does nothing.
        deadline.onEnd((ended) => {
          waiting.delete(resolve);
          resolve({ ended });
        });
      });
    },
    endDial: (opened) => {
      dials--;
      if (opened !== undefined) open.add(opened);
      serveWaiting();
      endIfUnused();
    },
    giveBack: (connection) => {
      connection.rest();
      idle.push(connection);
      // undici calls this from within its parser. Whether the socket stays open is known only after that.
      if (waiting.size > 0) queueMicrotask(serveWaiting);
    },
    forget: (connection) => {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      endIfUnused();
    },
    close: () => {
      for (const connection of open) connection.destroy();
    },
  };
}

// The clock is read here too: after a stall of the event loop, undici's own idle timer may not have run yet.
function isUsable(connection: Connection, maxAgeMs: number): boolean {
  const now = performance.now();
  return (
    connection.isOpen() && now - connection.idleSinceMs < IDLE_MS && now - connection.openedAtMs < maxAgeMs
  );
}
