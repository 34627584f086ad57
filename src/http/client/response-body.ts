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

const GROWN_BYTES = 1_024;

/** Makes an empty body that keeps at most `limitBytes`. */
export const createResponseBody = (limitBytes: number, reserve: ReserveBytes = () => true): ResponseBody => {
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
};

const NOTHING = new Uint8Array(0);

// The first chunk is mostly the whole body, so it gets a copy of its own size; only a second one makes room for more.
const appended = (buffer: Uint8Array, length: number, part: Uint8Array, limitBytes: number): Uint8Array => {
  const neededBytes = length + part.length;
  const roomy = neededBytes <= buffer.length ? buffer : larger(buffer, length, neededBytes, limitBytes);
  roomy.set(part, length);
  return roomy;
};

const larger = (buffer: Uint8Array, length: number, neededBytes: number, limitBytes: number): Uint8Array => {
  const grown = new Uint8Array(Math.min(limitBytes, Math.max(neededBytes, length * 2, GROWN_BYTES)));
  grown.set(buffer.subarray(0, length));
  return grown;
};
