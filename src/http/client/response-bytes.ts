import type { Socket } from 'node:net';
import { errors } from 'undici';

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

/** Turns `100 Continue` into another interim status in the bytes of one response, before they are parsed. */
interface ContinueFilter {
  /** Notes that a request begins: the next bytes are the start of its response. */
  reset(): void;
  /** Reads the next bytes of the response, and changes them in place. */
  scan(bytes: Uint8Array): void;
}

const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;
const CR = 0x0d;
const LF = 0x0a;
const HEAD_END = [CR, LF, CR, LF];
const STATUS_AT = 'HTTP/1.1 '.length;

/**
 * Makes a filter for the responses of one connection. A client must cope with interim responses that it did not ask for
 * (RFC 9110, 15.2). undici skips all of them but 100, which it takes for a protocol error, so 100 becomes 102. The filter
 * follows the bytes over any chunk boundary, and stops at the first status line that is not 1xx.
 */
function createContinueFilter(): ContinueFilter {
  let at = 0;
  let isHundred = false;
  let endMatched = -1;
  let isDone = true;

  const readStatusLine = (bytes: Uint8Array, index: number): void => {
    const byte = bytes[index] ?? 0;
    if (at === 0 && (byte === CR || byte === LF)) return;
    if (at === STATUS_AT && byte !== ONE) isDone = true;
    if (at === STATUS_AT + 1) isHundred = byte === ZERO;
    if (at === STATUS_AT + 2) {
      if (isHundred && byte === ZERO) bytes[index] = TWO;
      endMatched = 0;
    }
    at++;
  };

  const readHead = (byte: number): void => {
    endMatched = byte === HEAD_END[endMatched] ? endMatched + 1 : Number(byte === CR);
    if (endMatched < HEAD_END.length) return;
    at = 0;
    endMatched = -1;
  };

  return {
    reset: () => {
      at = 0;
      endMatched = -1;
      isDone = false;
    },
    scan: (bytes) => {
      for (let index = 0; index < bytes.length && !isDone; index++) {
        if (endMatched < 0) readStatusLine(bytes, index);
        else readHead(bytes[index] ?? 0);
      }
    },
  };
}
