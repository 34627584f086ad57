import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { watchRpc, type OnRpc } from './rpc-watch.ts';
import { createStreamTurns } from './stream-turns.ts';

/** The private parts of a grpc-js server that have no options. */
interface Internals {
  readonly commonServerOptions: Record<string, unknown>;
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

const MAX_CONNECTIONS = 10_000;
/**
 * The HTTP/2 limit of streams at once. Node.js counts a stream until JavaScript has released it. The limit is far above
 * the one that callhooks checks itself (arrivals.ts). Otherwise a client whose 1,000 deadlines pass at once opens its next
 * 1,000 streams before the first ones are released, has them refused, and loses its connection after 100 such refusals.
 */
export const MAX_STREAMS = 10_000;
/** Resets that a connection may send at once, resets a second after that, and streams that HTTP/2 may refuse in a row. */
const SESSION_LIMITS = {
  streamResetBurst: 20_000,
  streamResetRate: 5_000,
  maxSessionRejectedStreams: 10_000,
} as const;
/** All headers of an RPC, as HTTP/2 counts them (RFC 9113, 10.5.1). gRPC clients send 8 KiB by default. */
const MAX_HEADER_BYTES = 16_384;
const MAX_TIMEOUT_SECONDS = 3600;
const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { H: 3600, M: 60, S: 1 };

/** The open connections of a server. */
export interface Http2Connections {
  /** Returns how many connections are open. */
  count(): number;
  /** Closes all connections, which cancels their calls. `forceShutdown` does so only while channelz is on. */
  destroy(): void;
}

/** Reports whether a stream may go on to grpc-js. It has answered every other stream. */
type AdmitStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** Settings of {@link tuneHttp2}. */
export interface Http2Settings {
  readonly admit: AdmitStream;
  /** 10,000 when it is left out. */
  readonly maxConnections?: number;
  /** Is called with each RPC that has ended. */
  readonly onRpc?: OnRpc | undefined;
  /** Is called when a client and this server do not agree on TLS. */
  readonly onHandshakeFailure?: ((error: Error, socket: TLSSocket) => void) | undefined;
}

/**
 * Sets HTTP/2 limits that grpc-js has no options for, and asks `admit` about each stream. By default Node.js closes a
 * connection after a burst of 1,000 stream resets, and every call on it fails. That many deadlines of one client can pass
 * at once when an endpoint is slow (grpc-node issue 2872).
 */
export function tuneHttp2(
  server: Server,
  { admit, maxConnections = MAX_CONNECTIONS, onRpc, onHandshakeFailure }: Http2Settings,
): Http2Connections {
  const sessions = new Set<ServerHttp2Session>();
  const internals = server as unknown as Internals;
  Object.assign(internals.commonServerOptions, SESSION_LIMITS);
  Object.assign(internals.commonServerOptions['settings'] as object, { maxHeaderListSize: MAX_HEADER_BYTES });
  const create = internals.createHttp2Server.bind(server);
  internals.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    http2Server.maxConnections = maxConnections;
    interceptStreams(http2Server, admit, onRpc);
    if (onHandshakeFailure !== undefined) http2Server.on('tlsClientError', onHandshakeFailure);
    http2Server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    return http2Server;
  };
  return { count: () => sessions.size, destroy: () => sessions.forEach((session) => session.destroy()) };
}

/** Puts `admit` between the server and the listeners that grpc-js has just added. */
function interceptStreams(http2Server: Http2Server, admit: AdmitStream, onRpc: OnRpc | undefined): void {
  const listeners = http2Server.listeners('stream') as StreamListener[];
  const serveInTurn = createStreamTurns();
  http2Server.removeAllListeners('stream');
  http2Server.on('stream', (stream, headers, flags, rawHeaders) => {
    // A client may reset a stream with an error at any time. Without a listener that error ends the process, and grpc-js
    // adds its own only when the stream has its turn.
    stream.on('error', ignore);
    const arrivedAtMs = performance.now();
    serveInTurn(stream, () => {
      if (onRpc !== undefined) watchRpc(stream, headers, arrivedAtMs, onRpc);
      if (!admit(stream, headers)) return;
      boundTimeout(headers);
      for (const listener of listeners) listener(stream, headers, flags, rawHeaders);
    });
  });
}

function ignore(): void {}

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** Cuts a long timeout, because grpc-js counts it in 32 bits of milliseconds: after 24.8 days it would end at once. */
function boundTimeout(headers: IncomingHttpHeaders): void {
  const [, count, unit] = /^(\d{1,8})([HMS])$/.exec(String(headers['grpc-timeout'])) ?? [];
  const seconds = Number(count) * (SECONDS_PER_UNIT[unit ?? ''] ?? 0);
  if (seconds > MAX_TIMEOUT_SECONDS) headers['grpc-timeout'] = `${MAX_TIMEOUT_SECONDS}S`;
}
