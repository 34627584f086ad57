import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Says how a connection is hurt when a certain statement is seen on it. */
export type Cut =
  /** The statement never reaches the server: both sides are reset. */
  | 'before'
  /** The client is reset while the server works on the statement. */
  | 'unanswered'
  /** The server's answer is lost with the connection. */
  | 'answered'
  /** The statement and all that follows wait in the proxy, and nobody hears of it, as if packets were lost and sent again. */
  | 'held'
  /** The server's answers wait in the proxy, and nobody hears of it. */
  | 'answer_held';

/** The two sides of a proxied connection. */
export interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Holds the bytes that wait here for the server, or for the client. It is undefined while they pass. */
  forServer: Buffer[] | undefined;
  forClient: Buffer[] | undefined;
  cut: Cut | undefined;
}

/** A connection that was hurt. */
export interface HurtConnection {
  /** The port that the server sees, as in its process list. */
  readonly serverSidePort: number;
  /** Passes on to the server what was held for it, even if its client has gone. */
  deliver(): void;
  /** Resets the client's side alone; the server does not hear of it. */
  resetClient(): void;
  /** Resolves when the client has given up, or was reset. */
  clientGone(): Promise<void>;
  /** Resolves when the server has answered what was delivered, or has closed. */
  answered(): Promise<void>;
}

/** Resets both sides. */
export function resetPair({ client, server }: Pair): void {
  resetSocket(client);
  resetSocket(server);
}

/** Resets a socket. One that has sent its FIN is destroyed: Node.js would never close it after a reset. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Passes on what was held in both directions, and all that comes. */
export function releasePair(pair: Pair): void {
  const { client, server, forServer = [], forClient = [] } = pair;
  pair.forServer = undefined;
  pair.forClient = undefined;
  pair.cut = undefined;
  for (const data of forServer) if (server.writable) server.write(data);
  for (const data of forClient) if (client.writable) client.write(data);
  // The FIN of a client that has gone follows its last bytes.
  if (client.destroyed) server.end();
  if (server.destroyed) client.destroy();
}

/** Hands a hurt connection to a test. */
export function toHurtConnection(pair: Pair): HurtConnection {
  const { client, server } = pair;
  const { localPort: serverSidePort = 0 } = server;
  return {
    serverSidePort,
    deliver: () => releasePair(pair),
    resetClient: () => {
      pair.cut ??= 'unanswered';
      resetSocket(client);
    },
    clientGone: async () => {
      if (!client.destroyed) await once(client, 'close');
    },
    answered: async () => {
      if (!server.destroyed) await Promise.race([once(server, 'data'), once(server, 'close')]);
    },
  };
}
