import { IDLE_MS, type Connection } from './connection.ts';
import type { Ended, TimeLimit } from './deadline.ts';

/** What a request gets that needs a connection: an idle one, leave to dial a new one, or the end of its time limit. */
export type Turn = Connection | 'dial' | Ended;

/** Holds the connections to one origin, the number of dials under way, and the requests that wait for either. */
export interface OriginConnections {
  /** Returns an idle connection at once, unless there is none or others wait for one. */
  takeIdle(): Connection | undefined;
  /** Waits, in the order of arrival, for an idle connection or a free dial. After `dial`, {@link endDial} must follow. */
  takeTurn(limit: TimeLimit): Promise<Turn>;
  /** Ends a dial; `opened` is the connection that came of it. */
  endDial(opened?: Connection): void;
  /** Takes back a connection whose response was read to its end. */
  giveBack(connection: Connection): void;
  /** Forgets a connection that is closed. */
  forget(connection: Connection): void;
  /** Closes all connections, busy ones too. */
  close(): void;
}

/** Bounds of one origin's connections; `onUnused` is called when it holds nothing any more. */
export interface OriginLimits {
  readonly maxDials: number;
  readonly maxConnectionAgeMs: number;
  readonly onUnused: () => void;
}

/**
 * Makes the connections of one origin. Idle ones lie in a stack, the warmest on top. A request that finds neither an
 * idle connection nor a free dial waits for whichever comes first.
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
    takeTurn: async (limit) => {
      const turn = waiting.size === 0 ? nextTurn() : undefined;
      if (turn !== undefined) return turn;
      return new Promise((resolve) => {
        waiting.add(resolve);
        // Whichever resolves first holds: one who was served is no longer among the waiting, and the other way round.
        limit.onEnd((ended) => {
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
      // Later, because undici calls this from within its parser: only after that is it known whether the socket stays.
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

// The clock is looked at here too: after a stall of the event loop undici's own idle timer may not have run yet.
function isUsable(connection: Connection, maxAgeMs: number): boolean {
  const now = performance.now();
  return (
    connection.isOpen() && now - connection.idleSinceMs < IDLE_MS && now - connection.openedAtMs < maxAgeMs
  );
}
