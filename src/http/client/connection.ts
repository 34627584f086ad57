import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { errorCode } from '../../errors.ts';
import type { ParseBudget } from './parse-budget.ts';
import { PARSER_MAX_HEADER_BYTES, watchResponseBytes } from './response-bytes.ts';

/** One HTTP/1.1 connection, which serves one request at a time. */
export interface Connection {
  /** How many requests it has served. */
  readonly served: number;
  /** When it was opened, and when it last fell idle: milliseconds on the monotonic clock. */
  readonly openedAtMs: number;
  readonly idleSinceMs: number;
  isOpen(): boolean;
  /**
   * Hands a request to undici, which calls `onRequestStart` of the handler right before it writes the first byte. The body
   * of the response may have `maxBodyBytes`, which also bounds the bytes around it.
   */
  dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    maxBodyBytes: number,
  ): void;
  /** Notes that the response's head has ended, or that so many bytes of its body have arrived. */
  noteProgress(bodyBytes: number): void;
  /** Returns the bytes in which the parser stopped, if it stopped in the head of a response. */
  headBytes(): Uint8Array | undefined;
  /** Notes that the connection is idle now. */
  rest(): void;
  /** Closes the connection at once, also under a request. */
  destroy(): void;
}

/** A connection that was idle for longer is not used again, whatever the server hints. */
export const IDLE_MS = 500;

/**
 * The undici settings that let a request leave at most once, and let our timers alone end it:
 * - One request is on the wire at a time, without HTTP/2, because undici puts requests behind a failed head back into
 *   its queue and sends them again.
 * - A socket is idle for 500 ms at most. Of servers that close idle sockets at 1 s, 73 of 800 calls were lost before;
 *   with this limit none was.
 * - undici's own timers are off, because they start again at every chunk and fire late.
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
 * Ends a request whose connection was gone before a byte was written. The code must be neither UND_ERR_SOCKET nor
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
 * Speaks HTTP/1.1 over an open socket. The undici client in it can't dial: it is handed this one socket and is refused
 * another. `onClose` is called when the socket is closed.
 */
export function openConnection(
  origin: string,
  socket: Socket,
  onClose: (connection: Connection) => void,
  budget: ParseBudget,
): Connection {
  const bytes = watchResponseBytes(socket, budget);
  const client = new Client(origin, {
    ...CLIENT_SETTINGS,
    maxHeaderSize: PARSER_MAX_HEADER_BYTES,
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
    dispatch: (options, handler, maxBodyBytes) => {
      bytes.begin(maxBodyBytes);
      client.dispatch(options, handler);
    },
    noteProgress: bytes.noteProgress,
    headBytes: bytes.headBytes,
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
}

type HandOver = Extract<NonNullable<Client.Options['connect']>, (...args: never[]) => unknown>;

// undici writes nothing if it is handed the socket within the same turn, so it is called back later.
function handOver(socket: Socket): HandOver {
  let isHandedOver = false;
  return (_options, callback) => {
    const isFirst = !isHandedOver;
    isHandedOver = true;
    queueMicrotask(() => {
      if (isFirst && !socket.destroyed) callback(null, socket);
      else callback(goneBecause(socket), null);
    });
  };
}

/**
 * Returns why a socket is gone: its own error, such as a TLS alert, or a {@link ConnectionGoneError}. It never returns an
 * error of undici, which closes an idle socket with UND_ERR_INFO: for that code undici dials again without end, and the
 * process hangs.
 */
function goneBecause({ errored }: Socket): Error {
  const isOwn = errored !== null && !errorCode(errored)?.startsWith('UND_ERR_');
  return isOwn ? errored : new ConnectionGoneError();
}
