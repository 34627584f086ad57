// Five buckets for each doubling: each is 15 % wider than the one before. Rows of the database have the numbers of buckets, so
// other bounds need another name in counts-text.ts.
const BUCKETS_A_DOUBLING = 5;
const FIRST_BOUND_MS = 0.25;
const DOUBLINGS = 20;

/** How many buckets a histogram has. The first has all that is shorter than 0.25 ms, the last all from 262 s on. */
export const LATENCY_BUCKETS = DOUBLINGS * BUCKETS_A_DOUBLING + 2;

/** Returns the number of the bucket of a duration. */
export function bucketOf(ms: number): number {
  if (!(ms >= FIRST_BOUND_MS)) return 0;
  const bucket = 1 + Math.floor(Math.log2(ms / FIRST_BOUND_MS) * BUCKETS_A_DOUBLING);
  return Math.min(bucket, LATENCY_BUCKETS - 1);
}

/** Returns the duration that stands for a bucket: it is at most 7.2 % away from each duration between 0.25 ms and 262 s. */
export function bucketMs(bucket: number): number {
  const middle = Math.min(Math.max(bucket - 0.5, 0), LATENCY_BUCKETS - 2);
  return FIRST_BOUND_MS * 2 ** (middle / BUCKETS_A_DOUBLING);
}

/**
 * Returns the duration that a share (0.99 for p99) of all `count` durations of a histogram does not exceed, in milliseconds,
 * by the nearest rank. Returns undefined when nothing was counted.
 */
export function quantileMs(counts: Uint32Array, count: number, share: number): number | undefined {
  if (count === 0) return undefined;
  const rank = Math.max(1, Math.ceil(share * count));
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket += 1) {
    seen += counts[bucket] ?? 0;
    if (seen >= rank) return bucketMs(bucket);
  }
  return undefined;
}

/** Returns how many durations a histogram has counted. */
export function countOf(counts: Uint32Array): number {
  let count = 0;
  for (let bucket = 0; bucket < counts.length; bucket += 1) count += counts[bucket] ?? 0;
  return count;
}
