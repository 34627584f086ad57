import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Opens a connection to `host:port` at 127.0.0.1. Its errors are ignored, because servers cut off attackers. */
export function openRaw(address: string): Socket {
  const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
}

/** Sends bytes, and returns all that comes back until the server closes the connection. */
export async function exchangeRaw(address: string, bytes: string | Buffer): Promise<string> {
  const socket = openRaw(address);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.write(bytes);
  if (!socket.closed) await once(socket, 'close');
  return answer;
}

/** Returns the bytes of a GET, with these lines of headers. The server closes the connection after its answer. */
export function rawGet(path: string, lines: readonly string[] = ['Host: localhost']): string {
  return `GET ${path} HTTP/1.1\r\n${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`;
}

/** Returns the status of an answer, or 0 when there was none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1] ?? 0);
}
