import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Where a proxied connection is hurt when a statement is seen on it. */
export type Cut =
  /** The statement never reaches the server: both sides are reset. */
  | 'before'
  /** The client is reset while the server works on the statement. */
  | 'unanswered'
  /** The server's answer is lost with the connection. */
  | 'answered'
  /** The statement and all that follows wait here; nobody is told (packets that are dropped and sent again). */
  | 'held'
  /** The server's answers wait here, and nobody is told. */
  | 'answer_held';

/** The statement that is waited for: the first text that contains `at`. A transaction of the writer is one text. */
export interface Trap {
  readonly at: string;
  readonly cut: Cut;
}

/** A connection that was hurt. */
export interface Caught {
  /** The port that the server sees, as in its process list. */
  readonly serverSidePort: number;
  /** Passes on to the server what was held for it, though its client may have gone. */
  deliver(): void;
  /** Resets the client's side alone; the server is not told. */
  resetClient(): void;
  /** Resets the server's side: it hears nothing of what was held, and lets go of what the connection held. */
  drop(): void;
  /** Resolves when the client has given up, or was reset. */
  clientGone(): Promise<void>;
  /** Resolves when the server has answered what was delivered, or has closed. */
  answered(): Promise<void>;
}

/** Which way nothing passes. */
export type Direction = 'to_server' | 'to_client' | 'both';

/** A way to a server on loopback that can be hurt: connection by connection, or all at once. */
export interface Proxy {
  readonly port: number;
  /** How often something was cut, held or silenced. */
  readonly cuts: number;
  /** Hurts the next connection on which the statement is seen. */
  trap(trap: Trap): Promise<Caught>;
  /** Waits until a statement that matches is passed on to the server; the port that the server sees. */
  untilSeen(statement: RegExp): Promise<number>;
  /** Hurts this share of all writes and commits at random; what is held is delivered some seconds late. 0: none. */
  harass(share: number): void;
  /** From now on nothing passes in that direction, and nobody is told; new connections hang. */
  silence(direction: Direction): void;
  /** What was silenced arrives, also what clients said that have gone since. */
  restore(): void;
  /** Resets all connections. */
  resetAll(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** What waits here for the server, or for the client; undefined: it passes. */
  forServer: Buffer[] | undefined;
  forClient: Buffer[] | undefined;
  cut: Cut | undefined;
}

interface Armed {
  readonly trap: Trap;
  readonly caught: (pair: Pair) => void;
}

// What the writer sends is one text from START TRANSACTION to COMMIT; others send a packet for each. As a packet begins,
// for `READ COMMITTED` is no commit.
const COMMIT = '\u0003COMMIT';
const WRITES = ['INSERT INTO executions', 'SET state = ', 'claim = new_claim', COMMIT];
const CUTS: readonly Cut[] = ['before', 'unanswered', 'answered', 'held', 'answer_held'];
const LATEST_MS = 4_000;

/** Starts a proxy to a port of 127.0.0.1. */
export const startProxy = async (targetPort: number): Promise<Proxy> => {
  const pairs = new Set<Pair>();
  const armed = new Set<Armed>();
  const watchers = new Set<{ readonly statement: RegExp; readonly seen: (port: number) => void }>();
  const timers = new Set<NodeJS.Timeout>();
  let silenced: Direction | undefined;
  let harassedShare = 0;
  let cuts = 0;

  const randomCut = (text: string): Cut | undefined =>
    harassedShare > 0 && WRITES.some((write) => text.includes(write)) && Math.random() < harassedShare
      ? CUTS[Math.floor(Math.random() * CUTS.length)]
      : undefined;

  const cutFor = (pair: Pair, text: string): Cut | undefined => {
    for (const one of armed) {
      if (!text.includes(one.trap.at)) continue;
      armed.delete(one);
      one.caught(pair);
      return one.trap.cut;
    }
    const cut = randomCut(text);
    if (cut === 'held' || cut === 'answer_held') {
      const timer = setTimeout(() => release(pair), Math.random() * LATEST_MS);
      timers.add(timer);
    }
    return cut;
  };

  const fromClient = (pair: Pair, data: Buffer): void => {
    const text = data.toString('latin1');
    if (pair.forServer === undefined && pair.cut === undefined) {
      pair.cut = cutFor(pair, text);
      if (pair.cut !== undefined) cuts += 1;
      if (pair.cut === 'before') return reset(pair);
      if (pair.cut === 'held') pair.forServer = [];
      if (pair.cut === 'answer_held') pair.forClient = [];
    }
    if (pair.forServer !== undefined) return void pair.forServer.push(data);
    pair.server.write(data);
    for (const watcher of watchers)
      if (watcher.statement.test(text)) watcher.seen(pair.server.localPort ?? 0);
    if (pair.cut === 'unanswered') resetSocket(pair.client);
  };
  const fromServer = (pair: Pair, data: Buffer): void => {
    if (pair.cut === 'unanswered' || pair.cut === 'answered') return reset(pair);
    if (pair.forClient === undefined) pair.client.write(data);
    else pair.forClient.push(data);
  };

  const listener = createServer((client) => {
    const server = connect(targetPort, '127.0.0.1');
    const hush = (way: Direction): Buffer[] | undefined =>
      silenced === way || silenced === 'both' ? [] : undefined;
    const pair: Pair = {
      ...{ client, server, cut: undefined },
      forServer: hush('to_server'),
      forClient: hush('to_client'),
    };
    pairs.add(pair);
    client.on('data', (data) => fromClient(pair, data)).on('error', () => undefined);
    server.on('data', (data) => fromServer(pair, data)).on('error', () => undefined);
    // A server that was not told of its client's end goes on with what it has, or still gets.
    client.on('close', () => {
      if (pair.forServer === undefined && pair.cut === undefined) server.destroy();
    });
    server.on('close', () => {
      pairs.delete(pair);
      if (pair.forClient === undefined) client.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    trap: (trap) =>
      new Promise((resolve) => {
        armed.add({ trap, caught: (pair) => resolve(toCaught(pair)) });
      }),
    untilSeen: (statement) =>
      new Promise((resolve) => {
        const watcher = {
          statement,
          seen: (port: number) => {
            watchers.delete(watcher);
            resolve(port);
          },
        };
        watchers.add(watcher);
      }),
    harass: (share) => {
      harassedShare = share;
    },
    silence: (direction) => {
      cuts += 1;
      silenced = direction;
      for (const pair of pairs) {
        if (direction !== 'to_client') pair.forServer ??= [];
        if (direction !== 'to_server') pair.forClient ??= [];
      }
    },
    restore: () => {
      silenced = undefined;
      for (const pair of pairs) release(pair);
    },
    resetAll: () => {
      cuts += 1;
      for (const pair of pairs) reset(pair);
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const pair of pairs) reset(pair);
      listener.close();
      await once(listener, 'close');
    },
  };
};

const reset = ({ client, server }: Pair): void => {
  resetSocket(client);
  resetSocket(server);
};

// After its own farewell a socket can't be reset any more: Node.js would never close it.
const resetSocket = (socket: Socket): void => {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};

const release = (pair: Pair): void => {
  const { client, server, forServer = [], forClient = [] } = pair;
  pair.forServer = undefined;
  pair.forClient = undefined;
  pair.cut = undefined;
  for (const data of forServer) if (server.writable) server.write(data);
  for (const data of forClient) if (client.writable) client.write(data);
  // Behind the last words of a client that has gone comes its farewell.
  if (client.destroyed) server.end();
  if (server.destroyed) client.destroy();
};

const toCaught = (pair: Pair): Caught => {
  const { client, server } = pair;
  const { localPort: serverSidePort = 0 } = server;
  return {
    serverSidePort,
    deliver: () => release(pair),
    resetClient: () => {
      pair.cut ??= 'unanswered';
      resetSocket(client);
    },
    drop: () => resetSocket(server),
    clientGone: async () => {
      if (!client.destroyed) await once(client, 'close');
    },
    answered: async () => {
      if (!server.destroyed) await Promise.race([once(server, 'data'), once(server, 'close')]);
    },
  };
};
