import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Keeps room for probes, whatever others do with their connections. */
export interface ConnectionRoom {
  /**
   * Reports whether a request may be answered. A connection that sends one request after another without waiting for the
   * answers is ended: neither browsers nor scrapers do that, and 1,000 of them would keep the process busy for seconds.
   */
  admit(socket: Socket, response: ServerResponse): boolean;
}

/** One is under way, and the end of the answer before it may not be known yet. */
const MAX_REQUESTS_PER_CONNECTION = 2;

/**
 * Watches the connections of a server. Above `most` of them, each new one ends the one that has waited longest without a
 * request under way. So connections that are silent, idle or slow to ask keep out no probe.
 */
export function keepConnectionRoom(server: Server, most: number): ConnectionRoom {
  const requests = new Map<Socket, number>();
  // A set keeps the order of insertion.
  const waiting = new Set<Socket>();
  server.on('connection', (socket) => {
    requests.set(socket, 0);
    waiting.add(socket);
    socket.once('close', () => {
      requests.delete(socket);
      waiting.delete(socket);
    });
    const [longest] = waiting;
    if (requests.size > most && longest !== socket) longest?.destroy();
  });
  const count = (socket: Socket, change: 1 | -1): void => {
    if (socket.destroyed) return;
    const left = (requests.get(socket) ?? 0) + change;
    requests.set(socket, left);
    if (left === 0) waiting.add(socket);
    else waiting.delete(socket);
  };
  return {
    admit: (socket, response) => {
      // What had arrived with the last request is still told of.
      if (socket.destroyed) return false;
      if ((requests.get(socket) ?? 0) >= MAX_REQUESTS_PER_CONNECTION) {
        socket.destroy();
        return false;
      }
      count(socket, 1);
      response.once('close', () => count(socket, -1));
      return true;
    },
  };
}
