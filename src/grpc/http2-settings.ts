import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';

/** What grpc-js keeps to itself and has no options for. */
interface Internals {
  readonly commonServerOptions: Record<string, unknown>;
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

const MAX_CONNECTIONS = 10_000;
/** Resets that a connection may send at once, and each second after that. */
const STREAM_RESETS = { streamResetBurst: 20_000, streamResetRate: 5_000 } as const;
const MAX_TIMEOUT_SECONDS = 3600;
const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { H: 3600, M: 60, S: 1 };

/** The connections of a server. */
export interface Connections {
  /** How many are open. */
  count(): number;
  /** Breaks them off: calls on them are cancelled. `forceShutdown` does so only while channelz is on. */
  destroy(): void;
}

/**
 * Sets what grpc-js has no options for. Node.js closes a connection after a burst of 1,000 stream resets, and every call
 * on it fails; that many deadlines of one client can pass at once when an endpoint is slow (grpc-node issue 2872).
 */
export const tuneHttp2 = (server: Server): Connections => {
  const sessions = new Set<ServerHttp2Session>();
  const internals = server as unknown as Internals;
  Object.assign(internals.commonServerOptions, STREAM_RESETS);
  const create = internals.createHttp2Server.bind(server);
  internals.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    http2Server.maxConnections = MAX_CONNECTIONS;
    http2Server.prependListener('stream', (_stream, headers) => boundTimeout(headers));
    http2Server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    return http2Server;
  };
  return { count: () => sessions.size, destroy: () => sessions.forEach((session) => session.destroy()) };
};

/** grpc-js counts a deadline in 32 bits of milliseconds: one of more than 24.8 days would have passed at once. */
const boundTimeout = (headers: IncomingHttpHeaders): void => {
  const [, count, unit] = /^(\d{1,8})([HMS])$/.exec(String(headers['grpc-timeout'])) ?? [];
  const seconds = Number(count) * (SECONDS_PER_UNIT[unit ?? ''] ?? 0);
  if (seconds > MAX_TIMEOUT_SECONDS) headers['grpc-timeout'] = `${MAX_TIMEOUT_SECONDS}S`;
};
