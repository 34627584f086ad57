import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { watchResponseBytes } from './response-bytes.ts';

/** One HTTP/1.1 connection that serves one request at a time. */
export interface Connection {
  /** How many requests it was given before. */
  readonly served: number;
  /** Milliseconds on the monotonic clock: when it was opened, and when it last fell idle. */
  readonly openedAtMs: number;
  readonly idleSinceMs: number;
  isOpen(): boolean;
  /** Gives it a request. `onRequestStart` of the handler runs right before the first byte is written. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  /** Notes that the response's head has come to its end, or that a part of its body has come. */
  noteProgress(): void;
  /** Notes that it is idle now. */
  rest(): void;
  /** Closes it at once, with whatever it is doing. */
  destroy(): void;
}

/** How long a connection may lie idle before it is used again, whatever the server hints. */
export const IDLE_MS = 500;

/**
 * The undici settings that make a request leave at most once, and end by our timers alone:
 * - one request on the wire at a time and no HTTP/2, because undici puts requests behind a failed head back into its
 *   queue and sends them again;
 * - idle sockets only for 500 ms: of servers that close idle sockets at 1 s, 73 of 800 calls were lost, with this none;
 * - no timers of undici's own: they restart at every chunk and fire late.
 */
export const CLIENT_SETTINGS = {
  pipelining: 1,
  allowH2: false,
  keepAliveTimeout: IDLE_MS,
  keepAliveMaxTimeout: IDLE_MS,
  keepAliveTimeoutThreshold: IDLE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
  strictContentLength: true,
} as const satisfies Client.Options;

/**
 * Ends a request whose connection was gone before a byte of it was written. Its code must be neither UND_ERR_SOCKET nor
 * UND_ERR_INFO: for those undici would dial again without end.
 */
export class ConnectionGoneError extends Error {
  readonly code = 'CALLHOOKS_CONNECTION_GONE';

  constructor() {
    super('the connection is gone');
    this.name = 'ConnectionGoneError';
  }
}

/**
 * Speaks HTTP/1.1 over an open socket, by an undici client that can't dial: it is handed this socket once and is
 * refused another. `onClose` is called when the socket is closed.
 */
export const openConnection = (
  origin: string,
  socket: Socket,
  { maxHeadBytes, onClose }: { maxHeadBytes: number; onClose: (connection: Connection) => void },
): Connection => {
  const bytes = watchResponseBytes(socket, maxHeadBytes);
  const client = new Client(origin, {
    ...CLIENT_SETTINGS,
    // Out of reach: trailers may begin in one part that is handed to the parser, and take up a second one.
    maxHeaderSize: 2 * maxHeadBytes,
    connect: handOver(socket),
  });
  const openedAtMs = performance.now();
  let served = 0;
  let idleSinceMs = openedAtMs;
  const connection: Connection = {
    get served() {
      return served;
    },
    openedAtMs,
    get idleSinceMs() {
      return idleSinceMs;
    },
    isOpen: () => !socket.destroyed && !client.destroyed,
    dispatch: (options, handler) => {
      bytes.begin();
      client.dispatch(options, handler);
    },
    noteProgress: () => bytes.noteProgress(),
    rest: () => {
      served++;
      idleSinceMs = performance.now();
    },
    destroy: () => {
      socket.destroy();
      if (!client.destroyed) client.destroy().catch(() => undefined);
    },
  };
  socket.once('close', () => onClose(connection));
  return connection;
};

type HandOver = Extract<NonNullable<Client.Options['connect']>, (...args: never[]) => unknown>;

// Called back later, because undici writes nothing when it is handed a socket within the same turn.
const handOver = (socket: Socket): HandOver => {
  let isHandedOver = false;
  return (_options, callback) => {
    const isFirst = !isHandedOver;
    isHandedOver = true;
    queueMicrotask(() => (isFirst ? callback(null, socket) : callback(new ConnectionGoneError(), null)));
  };
};
