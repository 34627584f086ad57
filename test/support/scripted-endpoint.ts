import type { Socket } from 'node:net';
import { startRawServer } from './raw-server.ts';

/** Is one request that a scripted endpoint has read whole. */
export interface ScriptedRequest {
  /** Is method and target, such as `POST /x`. */
  readonly line: string;
  /** Holds the headers by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Is an endpoint that answers with bytes that were written down before. */
export interface ScriptedEndpoint {
  /** Is `127.0.0.1:port`. */
  readonly address: string;
  /** Lists the requests that have arrived whole, in the order of their connections. */
  requests(): readonly ScriptedRequest[];
  close(): Promise<void>;
}

/**
 * Starts an endpoint that reads one request a connection, answers with the bytes for this connection (counted from 0), and
 * closes it. Each character of a text is one byte.
 */
export async function startScriptedEndpoint(
  responseTo: (connection: number) => string | undefined,
): Promise<ScriptedEndpoint> {
  const received = (index: number): string => server.connections[index]?.received() ?? '';
  const answer = (socket: Socket, index: number): void => {
    socket.on('data', () => {
      if (parseRequest(received(index)) !== undefined) socket.end(responseTo(index) ?? '', 'latin1');
    });
  };
  const server = await startRawServer(() => {}, { onConnection: answer });
  return {
    address: `127.0.0.1:${server.port}`,
    requests: () => server.connections.flatMap((connection) => parseRequest(connection.received()) ?? []),
    close: server.close,
  };
}

/** Returns the request that these bytes are, or undefined while a part of it is still to come. */
function parseRequest(text: string): ScriptedRequest | undefined {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const [start = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map(toHeader));
  if (rest.length === 0 || body.length < Number(headers['content-length'] ?? 0)) return undefined;
  return { line: start.replace(/ HTTP\/1\.1$/, ''), headers, body: Buffer.from(body, 'latin1').toString() };
}

function toHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
