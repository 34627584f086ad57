import { randomBytes, randomFillSync } from 'node:crypto';

/** Where new names come from: handed in, so that tests can know them beforehand. */
export interface Ids {
  /** A UUIDv7 (RFC 9562), lower case; those of one process ascend. */
  uuid(): string;
  /** A mark that no earlier revision had: 16 characters of base64url. */
  etag(): string;
  /** A span id of W3C Trace Context: 16 lower-case hex digits. */
  spanId(): string;
}

/** Makes ids by this clock (epoch milliseconds). A clock that steps back repeats its last millisecond. */
export const createIds = (now: () => number = Date.now): Ids => {
  const takeRandom = createRandomPool();
  return {
    uuid: createUuidV7(now, takeRandom),
    etag: newEtag,
    spanId: () => takeRandom(8).toString('hex'),
  };
};

/** A new etag: 96 random bits, so that no two revisions share one. */
export const newEtag = (): string => randomBytes(12).toString('base64url');

const POOL_BYTES = 8192;
const RANDOM_BYTES = 10;
const MAX_COUNTER = 0xfff;

/** Hands out random bytes, each once, from a pool: asking the system for each few bytes costs 5 µs. */
function createRandomPool(): (bytes: number) => Buffer {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    return pool.subarray(used, (used += bytes));
  };
}

/**
 * UUIDs of version 7 with a 12-bit counter in rand_a (RFC 9562, 6.2, method 1), started below its half in each
 * millisecond; when it overflows, the next millisecond is used ahead of the clock.
 */
function createUuidV7(now: () => number, takeRandom: (bytes: number) => Buffer): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const random = takeRandom(RANDOM_BYTES);
    const nowMs = now();
    if (nowMs > lastMs || counter === MAX_COUNTER) {
      lastMs = Math.max(nowMs, lastMs + 1);
      counter = random.readUInt16BE(8) & (MAX_COUNTER >> 1);
    } else {
      counter += 1;
    }
    random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
    const time = lastMs.toString(16).padStart(12, '0');
    const tail = random.toString('hex', 0, 8);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}
