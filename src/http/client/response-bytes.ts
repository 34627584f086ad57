import type { Socket } from 'node:net';
import { errors } from 'undici';
import type { ParseBudget } from './parse-budget.ts';

/** The largest response head with all its line ends, and with the interim responses (1xx) before it. */
const MAX_HEAD_BYTES = 65_536;
/** undici keeps 300 bytes of objects for each header, so 64 KiB of `a:` would become 5 MB in memory. */
const MAX_HEAD_LINES = 1_000;
/** The most bytes of trailers or chunk framing in a row. Trailers become objects as headers do. */
const MAX_GAP_BYTES = 16_384;
/**
 * Head, chunk framing and trailers of a response together may be this many bytes longer than the longest body that is
 * allowed.
 */
const MAX_EXTRA_BYTES = 65_536;
/** The parser gets no more at a time, and then the budget of the turn is looked at again. */
const PART_BYTES = 16_384;
/** Parsing this many bytes costs as little as any small response, so it happens at once, also late in a turn. */
const SMALL_BYTES = 1_024;

/** undici's own limit of header bytes. It is never reached. */
export const PARSER_MAX_HEADER_BYTES = 2 * MAX_HEAD_BYTES;

/** Watches the bytes of a connection's responses on their way from the socket to the parser. */
export interface ResponseBytes {
  /** Notes that a request begins: the next bytes are the start of its response, whose body may have `maxBodyBytes`. */
  begin(maxBodyBytes: number): void;
  /** Notes that the head has ended, or that the parser has found so many bytes of the body. */
  noteProgress(bodyBytes: number): void;
  /** Returns the bytes of the head that the parser got last, until the head has ended. */
  headBytes(): Uint8Array | undefined;
}

/** Ends a response with too many bytes outside of its body. The message is the text of the failure. */
export class ResponseLimitError extends Error {
  readonly code = 'CALLHOOKS_RESPONSE_LIMIT';
}

/**
 * Watches everything that is read from the socket. undici takes its bytes by `read()`, so all of them pass here.
 *
 * undici has a limit of its own for a head and for trailers. But it goes on parsing the part in which the limit is passed,
 * and makes an error with a stack for each further header: 20 responses of `a:` without end stopped the event loop for
 * seconds. So the raw bytes are counted here before they are parsed. The connection ends in four cases: more than 64 KiB
 * come before the end of the final head, one head has more than 1,000 lines, more than 16 KiB come between two parts of a
 * body, or the bytes outside of the body exceed the longest allowed body by 64 KiB.
 *
 * The parser gets 16 KiB at a time, as long as the turn has time for it.
 */
export function watchResponseBytes(socket: Socket, budget: ParseBudget): ResponseBytes {
  const heads = createHeadFilter();
  const read = socket.read.bind(socket);
  let hasHead = false;
  let bytesSinceProgress = 0;
  let extraBytes = 0;
  let maxExtraBytes = MAX_EXTRA_BYTES;
  let isDeferred = false;
  let headBytes: Uint8Array | undefined;

  const resume = (): void => {
    isDeferred = false;
    if (!socket.destroyed) socket.emit('readable');
  };
  const defer = (): null => {
    if (!isDeferred) budget.onNextTurn(resume);
    isDeferred = true;
    return null;
  };
  const end = (error: Error): null => {
    socket.destroy(error);
    return null;
  };
  const overflow = (): ResponseLimitError | undefined => {
    if (!hasHead && bytesSinceProgress >= MAX_HEAD_BYTES)
      return new ResponseLimitError(`the response head is larger than ${MAX_HEAD_BYTES} bytes`);
    if (hasHead && bytesSinceProgress >= MAX_GAP_BYTES)
      return new ResponseLimitError(
        `the response has trailers or chunk extensions of more than ${MAX_GAP_BYTES} bytes`,
      );
    if (extraBytes < maxExtraBytes) return undefined;
    return new ResponseLimitError(`the response has more than ${maxExtraBytes} bytes besides its body`);
  };

  socket.read = (size?: number): unknown => {
    if (socket.readableLength > SMALL_BYTES && !budget.hasTime()) return defer();
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    const error = overflow();
    if (error !== undefined) return end(error);
    const partBytes = Math.min(PART_BYTES, (hasHead ? MAX_GAP_BYTES : MAX_HEAD_BYTES) - bytesSinceProgress);
    if (chunk.length > partBytes) socket.unshift(chunk.subarray(partBytes));
    const part = chunk.length > partBytes ? chunk.subarray(0, partBytes) : chunk;
    bytesSinceProgress += part.length;
    extraBytes += part.length;
    if (!hasHead) headBytes = part;
    const headError = heads.scan(part);
    return headError === undefined ? part : end(headError);
  };
  return {
    begin: (maxBodyBytes) => {
      hasHead = false;
      bytesSinceProgress = 0;
      extraBytes = 0;
      maxExtraBytes = maxBodyBytes + MAX_EXTRA_BYTES;
      heads.reset();
    },
    headBytes: () => headBytes,
    noteProgress: (bodyBytes) => {
      hasHead = true;
      headBytes = undefined;
      bytesSinceProgress = 0;
      extraBytes -= bodyBytes;
    },
  };
}

/** Checks the heads of one response, and turns `100 Continue` into another interim status, before they are parsed. */
interface HeadFilter {
  /** Notes that a request begins: the next bytes are the start of its response. */
  reset(): void;
  /** Reads the next bytes of the response, and changes them in place. Returns the error that ends the response. */
  scan(bytes: Uint8Array): Error | undefined;
}

const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;
const CR = 0x0d;
const LF = 0x0a;
const HEAD_END = [CR, LF, CR, LF];
const VERSION = Buffer.from('HTTP/1.1 ');
const MINOR_AT = VERSION.length - 2;
const STATUS_AT = VERSION.length;

/**
 * Makes a filter for the responses of one connection. It follows the bytes over any chunk boundary, up to the end of the
 * head whose status is not 1xx.
 *
 * - A client must cope with interim responses that it did not ask for (RFC 9110, 15.2). undici skips all of them but 100,
 *   which it takes for a protocol error, so 100 becomes 102.
 * - undici's parser takes `HTTP/2.0`, `HTTP/0.9` and `RTSP/1.0` for HTTP/1.1, and undici fails with an assertion of its own
 *   on a status below 100. Both are refused here.
 */
function createHeadFilter(): HeadFilter {
  let at = 0;
  let lines = 0;
  let isFinal = false;
  let isHundred = false;
  let endMatched = -1;
  let isDone = true;

  const readStatusLine = (bytes: Uint8Array, index: number): Error | undefined => {
    const byte = bytes[index] ?? 0;
    if (at === 0 && (byte === CR || byte === LF)) return undefined;
    if (at < STATUS_AT && byte !== VERSION[at] && !(at === MINOR_AT && byte === ZERO))
      return invalidHead('Expected HTTP/1.1');
    if (at === STATUS_AT && byte === ZERO) return invalidHead('Invalid status code');
    if (at === STATUS_AT) isFinal = byte !== ONE;
    if (at === STATUS_AT + 1) isHundred = !isFinal && byte === ZERO;
    if (at === STATUS_AT + 2) {
      if (isHundred && byte === ZERO) bytes[index] = TWO;
      endMatched = 0;
    }
    at++;
    return undefined;
  };

  const readLines = (byte: number): Error | undefined => {
    if (byte === LF && ++lines > MAX_HEAD_LINES)
      return new ResponseLimitError(`the response head has more than ${MAX_HEAD_LINES} lines`);
    endMatched = byte === HEAD_END[endMatched] ? endMatched + 1 : Number(byte === CR);
    if (endMatched < HEAD_END.length) return undefined;
    isDone = isFinal;
    at = 0;
    lines = 0;
    endMatched = -1;
    return undefined;
  };

  return {
    reset: () => {
      at = 0;
      lines = 0;
      endMatched = -1;
      isDone = false;
    },
    scan: (bytes) => {
      for (let index = 0; index < bytes.length && !isDone; index++) {
        const error = endMatched < 0 ? readStatusLine(bytes, index) : readLines(bytes[index] ?? 0);
        if (error !== undefined) return error;
      }
      return undefined;
    },
  };
}

function invalidHead(reason: string): Error {
  return new errors.HTTPParserError(`Invalid response head (${reason})`);
}
