import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** One connection that a raw server took, with all it was sent. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received, as Latin-1 text. */
  received(): string;
}

/** A TCP or TLS server of the test's own that says exactly the bytes it is told to. */
export interface RawServer {
  readonly port: number;
  /** `http://127.0.0.1:port`, `https:` with TLS options. */
  readonly url: string;
  readonly connections: readonly RawConnection[];
  /** Requests whose head has arrived whole, over all connections. */
  requestCount(): number;
  close(): Promise<void>;
}

/** Acts on a connection: called once a request head has arrived whole, for each further one too. */
export type OnRequest = (socket: Socket, connection: number) => void;

/** Where and how a raw server listens; `onConnection` may speak or hang up before any request. */
export interface RawOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: TlsOptions;
  readonly onConnection?: (socket: Socket, connection: number) => void;
}

/** Starts a raw server on loopback (127.0.0.1 unless told otherwise). */
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

/** Runs `use` with a raw server of its own, which is closed however that ends. */
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
