import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import {
  releasePair,
  resetPair,
  resetSocket,
  toHurtConnection,
  type Cut,
  type HurtConnection,
  type Pair,
} from './proxy-pair.ts';

/** A statement that is waited for: the first text that contains `at`. A transaction of the writer is one text. */
export interface Trap {
  readonly at: string;
  readonly cut: Cut;
}

/** Names the direction in which nothing passes. */
export type Direction = 'to_server' | 'to_client' | 'both';

/** A proxy to a database server on loopback that hurts single connections, or all at once. */
export interface DatabaseProxy {
  readonly port: number;
  /** Says how often something was cut, held or silenced. */
  readonly cuts: number;
  /** Hurts the next connection on which the statement is seen. */
  trap(trap: Trap): Promise<HurtConnection>;
  /** Waits until a statement that matches is passed on to the server. Returns the port that the server sees. */
  untilSeen(statement: RegExp): Promise<number>;
  /** Hurts this share of all writes and commits at random; what is held is delivered up to four seconds late. 0 hurts none. */
  cutAtRandom(share: number): void;
  /** Stops all bytes in that direction, and nobody hears of it; new connections hang. */
  silence(direction: Direction): void;
  /** Delivers what was silenced, also what clients sent that have gone since. */
  restore(): void;
  /** Resets all connections. */
  resetAll(): void;
  close(): Promise<void>;
}

interface ArmedTrap {
  readonly trap: Trap;
  readonly onHurt: (pair: Pair) => void;
}

interface StatementWatch {
  readonly statement: RegExp;
  readonly onSeen: (port: number) => void;
}

// The writer sends one text from START TRANSACTION to COMMIT; others send a packet for each statement. COMMIT is looked for
// at the beginning of a packet, behind its command byte, because `READ COMMITTED` is no commit.
const COMMIT = '\u0003COMMIT';
const WRITES = ['INSERT INTO executions', 'SET state = ', 'claim = new_claim', COMMIT];
const CUTS: readonly Cut[] = ['before', 'unanswered', 'answered', 'held', 'answer_held'];
const LATEST_MS = 4_000;

/** Starts a proxy to a port of 127.0.0.1. */
export async function startDatabaseProxy(targetPort: number): Promise<DatabaseProxy> {
  const pairs = new Set<Pair>();
  const traps = new Set<ArmedTrap>();
  const watches = new Set<StatementWatch>();
  const timers = new Set<NodeJS.Timeout>();
  let silenced: Direction | undefined;
  let randomShare = 0;
  let cuts = 0;

  const randomCut = (text: string): Cut | undefined =>
    randomShare > 0 && WRITES.some((write) => text.includes(write)) && Math.random() < randomShare
      ? CUTS[Math.floor(Math.random() * CUTS.length)]
      : undefined;

  const cutFor = (pair: Pair, text: string): Cut | undefined => {
    for (const one of traps) {
      if (!text.includes(one.trap.at)) continue;
      traps.delete(one);
      one.onHurt(pair);
      return one.trap.cut;
    }
    const cut = randomCut(text);
    if (cut === 'held' || cut === 'answer_held')
      timers.add(setTimeout(() => releasePair(pair), Math.random() * LATEST_MS));
    return cut;
  };

  const fromClient = (pair: Pair, data: Buffer): void => {
    const text = data.toString('latin1');
    if (pair.forServer === undefined && pair.cut === undefined) {
      pair.cut = cutFor(pair, text);
      if (pair.cut !== undefined) cuts += 1;
      if (pair.cut === 'before') return resetPair(pair);
      if (pair.cut === 'held') pair.forServer = [];
      if (pair.cut === 'answer_held') pair.forClient = [];
    }
    if (pair.forServer !== undefined) return void pair.forServer.push(data);
    pair.server.write(data);
    for (const watch of watches) if (watch.statement.test(text)) watch.onSeen(pair.server.localPort ?? 0);
    if (pair.cut === 'unanswered') resetSocket(pair.client);
  };
  const fromServer = (pair: Pair, data: Buffer): void => {
    if (pair.cut === 'unanswered' || pair.cut === 'answered') return resetPair(pair);
    if (pair.forClient === undefined) pair.client.write(data);
    else pair.forClient.push(data);
  };

  const listener = createServer((client) => {
    const server = connect(targetPort, '127.0.0.1');
    const heldFor = (way: Direction): Buffer[] | undefined =>
      silenced === way || silenced === 'both' ? [] : undefined;
    const pair: Pair = {
      client,
      server,
      cut: undefined,
      forServer: heldFor('to_server'),
      forClient: heldFor('to_client'),
    };
    pairs.add(pair);
    client.on('data', (data) => fromClient(pair, data)).on('error', () => undefined);
    server.on('data', (data) => fromServer(pair, data)).on('error', () => undefined);
    // A server that does not hear of its client's end goes on with what it has, or still gets.
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
        traps.add({ trap, onHurt: (pair) => resolve(toHurtConnection(pair)) });
      }),
    untilSeen: (statement) =>
      new Promise((resolve) => {
        const watch: StatementWatch = {
          statement,
          onSeen: (port) => {
            watches.delete(watch);
            resolve(port);
          },
        };
        watches.add(watch);
      }),
    cutAtRandom: (share) => {
      randomShare = share;
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
      for (const pair of pairs) releasePair(pair);
    },
    resetAll: () => {
      cuts += 1;
      for (const pair of pairs) resetPair(pair);
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const pair of pairs) resetPair(pair);
      listener.close();
      await once(listener, 'close');
    },
  };
}
