import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** Is one connection that a raw server has accepted. */
export interface RawConnection {
  readonly socket: Socket;
  /** Returns all received bytes as Latin-1 text. */
  received(): string;
}

/** Is a TCP or TLS server that sends exactly the bytes that the test writes. */
export interface RawServer {
  readonly port: number;
  /** Is `http://127.0.0.1:port`, and begins with `https:` if there are TLS options. */
  readonly url: string;
  readonly connections: readonly RawConnection[];
  /** Counts the requests on all connections whose head has arrived whole. */
  requestCount(): number;
  close(): Promise<void>;
}

/** Is called each time that the head of a request has arrived whole. */
export type OnRequest = (socket: Socket, connection: number) => void;

/** Says where and how a raw server listens. `onConnection` may write or close before any request. */
export interface RawOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: TlsOptions;
  readonly onConnection?: (socket: Socket, connection: number) => void;
}

/** Starts a raw server on 127.0.0.1, or on the loopback address `host`. */
export async function startRawServer(onRequest: OnRequest, options: RawOptions = {}): Promise<RawServer> {
  const connections: RawConnection[] = [];
  const raw = new Set<Socket>();
  const accept = (socket: Socket) => {
    const index = connections.length;
    connections.push(watch(socket, () => onRequest(socket, index)));
    options.onConnection?.(socket, index);
  };
  const server: Server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept);
  server.on('connection', (socket: Socket) => raw.add(socket.on('error', ignore)));
  server.on('tlsClientError', ignore);
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    connections,
    requestCount: () => connections.reduce((sum, connection) => sum + heads(connection.received()), 0),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of raw) socket.destroy();
      await closed;
    },
  };
}

function ignore() {
  return undefined;
}

function heads(text: string): number {
  return text.split('\r\n\r\n').length - 1;
}

function watch(socket: Socket, onRequest: () => void): RawConnection {
  let text = '';
  let seen = 0;
  socket.on('error', ignore);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (; seen < heads(text); seen++) onRequest();
  });
  return { socket, received: () => text };
}

/** Runs `use` with a new raw server, and closes the server whether `use` succeeds or fails. */
export async function withRawServer(
  onRequest: OnRequest,
  use: (server: RawServer) => Promise<void>,
): Promise<void> {
  const server = await startRawServer(onRequest);
  try {
    await use(server);
  } finally {
    await server.close();
  }
}
