import type { Socket } from 'node:net';
import { errors } from 'undici';
import { createContinueFilter } from './continue-filter.ts';

/** The largest response head with all its line ends, and the most bytes of trailers or chunk framing in a row: 16 KiB. */
export const MAX_HEAD_BYTES = 16_384;

/** Watches the bytes of a connection's responses on their way from the socket to the parser. */
export interface ResponseBytes {
  /** Notes that a request begins: the next bytes are the start of its response. */
  begin(): void;
  /** Notes that the head has ended, or that a part of the body has arrived. */
  noteProgress(): void;
}

/**
 * Watches everything that is read from the socket. undici takes its bytes by `read()`, so all of them pass here.
 *
 * undici has a limit of its own for a head and for trailers. But it goes on parsing the chunk in which the limit is
 * passed, and makes an error with a stack for each further header: 20 responses of `a:` without end stopped the event
 * loop for seconds. So the raw bytes are counted here before they are parsed. The connection ends after more than 16 KiB
 * before the end of the final head, or between two parts of a body. The parser gets no more than that at a time.
 */
export function watchResponseBytes(socket: Socket): ResponseBytes {
  const filter = createContinueFilter();
  const read = socket.read.bind(socket);
  let quietBytes = 0;
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    const leftBytes = MAX_HEAD_BYTES - quietBytes;
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
