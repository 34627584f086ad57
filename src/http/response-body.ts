/** Asks for room for more response bytes in memory; false where there is none. */
export type ReserveBytes = (bytes: number) => boolean;

/** Collects a response body up to a limit, in one growing buffer, so that tiny chunks cost no more than large ones. */
export interface ResponseBody {
  /** Adds a chunk: `full` where it goes over the limit, `no_room` where memory was refused; both keep what fits. */
  add(chunk: Uint8Array): 'ok' | 'full' | 'no_room';
  /** Bytes seen so far, kept or not. */
  seenBytes(): number;
  /** What was kept. */
  kept(): Uint8Array;
  /** Notes that the body has come to its end. */
  end(): void;
  isWhole(): boolean;
}

const FIRST_BYTES = 1_024;

/** Makes an empty body that keeps at most `limitBytes`. */
export const createResponseBody = (limitBytes: number, reserve: ReserveBytes = () => true): ResponseBody => {
  let buffer = new Uint8Array(0);
  let length = 0;
  let seen = 0;
  let isWhole = false;
  return {
    add: (chunk) => {
      seen += chunk.length;
      const part = chunk.subarray(0, limitBytes - length);
      if (part.length > 0 && !reserve(part.length)) return 'no_room';
      buffer = withRoom(buffer, length, length + part.length, limitBytes);
      buffer.set(part, length);
      length += part.length;
      return part.length < chunk.length ? 'full' : 'ok';
    },
    seenBytes: () => seen,
    kept: () => buffer.subarray(0, length),
    end: () => {
      isWhole = true;
    },
    isWhole: () => isWhole,
  };
};

const withRoom = (buffer: Uint8Array, length: number, needed: number, limit: number) => {
  if (needed <= buffer.length) return buffer as Uint8Array<ArrayBuffer>;
  const larger = new Uint8Array(Math.min(limit, Math.max(needed, buffer.length * 2, FIRST_BYTES)));
  larger.set(buffer.subarray(0, length));
  return larger;
};
