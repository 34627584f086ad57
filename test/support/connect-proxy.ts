import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** Is a forward proxy on loopback, which makes tunnels by CONNECT, or does what the test says in their place. */
export interface ConnectProxy {
  readonly port: number;
  /** Holds the heads of all CONNECT requests, in the order of arrival. */
  readonly heads: readonly string[];
  /** Counts the connections, also those without a request. */
  connectionCount(): number;
  /** Counts the connections that are open, with those to the target. */
  openCount(): number;
  /** Ends all tunnels at once, as a proxy does that dies. */
  breakTunnels(): void;
  close(): Promise<void>;
}

/** Answers a CONNECT in place of the proxy. Without an answer of its own it may leave the socket silent. */
export type OnConnect = (socket: Socket, head: string) => void;

/** Starts a proxy whose tunnels all lead to `port` of 127.0.0.1, whatever host CONNECT names. */
export async function startConnectProxy(
  options: {
    readonly port?: number;
    readonly onConnect?: OnConnect;
    readonly tls?: TlsOptions;
    /** Is called for each client whose TLS handshake with the proxy has ended. */
    readonly onSecure?: (socket: TLSSocket) => void;
  } = {},
): Promise<ConnectProxy> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const open: OnConnect = (socket) => {
    const upstream = keep(connect(options.port ?? 0, '127.0.0.1'));
    upstream.on('connect', () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    upstream.pipe(socket).pipe(upstream);
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  };
  let connections = 0;
  const accept = (socket: Socket): void => {
    connections++;
    keep(socket);
    readHead(socket, (head) => {
      heads.push(head);
      (options.onConnect ?? open)(socket, head);
    });
  };
  const server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept);
  server.on('tlsClientError', () => undefined);
  if (options.onSecure !== undefined) server.on('secureConnection', options.onSecure);
  server.on('connection', keep);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakTunnels = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    connectionCount: () => connections,
    openCount: () => sockets.size,
    breakTunnels,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      breakTunnels();
      await closed;
    },
  };
}

// What comes behind the head belongs into the tunnel, and a client sends it only after the answer.
function readHead(socket: Socket, onHead: (head: string) => void): void {
  let text = '';
  const read = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (!text.endsWith('\r\n\r\n')) return;
    socket.off('data', read);
    onHead(text);
  };
  socket.on('data', read);
}
