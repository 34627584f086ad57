/** Turns `100 Continue` into another interim status in the bytes of one response, before they are parsed. */
export interface ContinueFilter {
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
export function createContinueFilter(): ContinueFilter {
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
