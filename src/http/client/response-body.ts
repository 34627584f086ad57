/** Collects a response body up to a limit, in one growing buffer, so that small chunks cost no more than large ones. */
export interface ResponseBody {
  /**
   * Adds a chunk, and keeps as much of it as fits. Returns `full` if it went over the limit, and `no_room` if memory was
   * refused for it, in which case nothing of the chunk is kept.
   */
  add(chunk: Uint8Array): 'ok' | 'full' | 'no_room';
  /** Returns the number of bytes seen so far, kept or not. */
  seenBytes(): number;
  /** Returns the bytes that were kept. */
  kept(): Uint8Array;
  /** Notes that the body has ended. */
  end(): void;
  /** Reports whether the end of the body was seen. */
  isWhole(): boolean;
}

const GROWN_BYTES = 1_024;
const NOTHING = new Uint8Array(0);

/** Makes an empty body that keeps at most `limitBytes`. `reserve` asks for more memory, and refuses it by false. */
export function createResponseBody(
  limitBytes: number,
  reserve: (bytes: number) => boolean = () => true,
): ResponseBody {
  let buffer: Uint8Array = NOTHING;
  let length = 0;
  let seen = 0;
  let isWhole = false;
  return {
    add: (chunk) => {
      seen += chunk.length;
      const part = chunk.length <= limitBytes - length ? chunk : chunk.subarray(0, limitBytes - length);
      if (part.length > 0 && !reserve(part.length)) return 'no_room';
      if (length === 0) buffer = Buffer.from(part);
      else buffer = appended(buffer, length, part, limitBytes);
      length += part.length;
      return part.length < chunk.length ? 'full' : 'ok';
    },
    seenBytes: () => seen,
    kept: () => (length === buffer.length ? buffer : buffer.subarray(0, length)),
    end: () => {
      isWhole = true;
    },
    isWhole: () => isWhole,
  };
}

// The first chunk is mostly the whole body, so its buffer has its own size. Only a second chunk makes room for more.
function appended(buffer: Uint8Array, length: number, part: Uint8Array, limitBytes: number): Uint8Array {
  const neededBytes = length + part.length;
  const roomy = neededBytes <= buffer.length ? buffer : larger(buffer, length, neededBytes, limitBytes);
  roomy.set(part, length);
  return roomy;
}

function larger(buffer: Uint8Array, length: number, neededBytes: number, limitBytes: number): Uint8Array {
  const grown = new Uint8Array(Math.min(limitBytes, Math.max(neededBytes, length * 2, GROWN_BYTES)));
  grown.set(buffer.subarray(0, length));
  return grown;
}
