import type { Socket } from 'node:net';
import { errors } from 'undici';
import { createContinueFilter } from './continue-filter.ts';

/** Watches the bytes of a connection's responses on their way from the socket to the parser. */
export interface ResponseBytes {
  /** Notes that a new request begins: the next bytes are the start of its response. */
  begin(): void;
  /** Notes that the head has come to its end, or that a part of the body has come. */
  noteProgress(): void;
}

/**
 * Puts a watch on everything that is read from the socket. undici pulls its bytes by `read()`, so this is the one place
 * through which all of them come.
 *
 * undici knows a limit of a head and of trailers, but goes on parsing the chunk in which it is passed, and makes an
 * error with a stack for each further header: 20 responses of `a:` without end stopped the loop for seconds. So the
 * raw bytes are counted here first. More than `maxQuietBytes` of them before the final head has ended, or between two
 * parts of a body, end the connection, and no more than these reach the parser at a time.
 */
export function watchResponseBytes(socket: Socket, maxQuietBytes: number): ResponseBytes {
  const filter = createContinueFilter();
  const read = socket.read.bind(socket);
  let quietBytes = 0;
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    const leftBytes = maxQuietBytes - quietBytes;
    if (leftBytes <= 0) {
      socket.destroy(new errors.HeadersOverflowError());
      return null;
    }
    if (chunk.length > leftBytes) socket.unshift(chunk.subarray(leftBytes));
    const part = chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk;
    quietBytes += part.length;
    filter.scan(part);
    return part;
  };
  return {
    begin: () => {
      quietBytes = 0;
      filter.reset();
    },
    noteProgress: () => {
      quietBytes = 0;
    },
  };
}
