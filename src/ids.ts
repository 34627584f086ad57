import { randomBytes, randomFillSync } from 'node:crypto';

/** Makes new ids. It is handed in, so that tests can choose the ids. */
export interface Ids {
  /** Returns a UUIDv7 (RFC 9562) in lower case. The UUIDs of one process ascend. */
  uuid(): string;
  /** Returns an etag that no earlier revision had: 16 characters of base64url. */
  etag(): string;
  /** Returns a span id of W3C Trace Context: 16 hex digits in lower case. */
  spanId(): string;
}

/** Makes ids with the time of `now` (epoch milliseconds). While that clock is behind its last time, the last time is used. */
export function createIds(now: () => number = Date.now): Ids {
  const takeRandom = createRandomPool();
  return {
    uuid: createUuidV7(now, takeRandom),
    etag: newEtag,
    spanId: () => takeRandom(8).toString('hex'),
  };
}

/** Returns a new etag of 96 random bits, so that no two revisions share one. */
function newEtag(): string {
  return randomBytes(12).toString('base64url');
}

const POOL_BYTES = 8192;
const RANDOM_BYTES = 10;
const MAX_COUNTER = 0xfff;

/** Returns random bytes from a pool, each byte once. Asking the system for a few bytes each time costs 5 µs. */
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
 * Makes UUIDs of version 7 with a 12-bit counter in rand_a (RFC 9562, 6.2, method 1). In each millisecond the counter
 * starts at a random value in its lower half. When it overflows, the UUID takes the next millisecond, ahead of the clock.
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
