/** Counts the events of the last few milliseconds. */
export interface RecentCount {
  add(): void;
  count(): number;
}

const BUCKETS = 10;

/** Makes a count over the last `spanMs` milliseconds, exact to a tenth of them. `now` is monotonic. */
export function createRecentCount(spanMs: number, now: () => number = () => performance.now()): RecentCount {
  const bucketMs = spanMs / BUCKETS;
  const counts = Array.from({ length: BUCKETS }, () => 0);
  let newest = Math.floor(now() / bucketMs);
  const moveOn = (): void => {
    const current = Math.floor(now() / bucketMs);
    const passed = Math.min(BUCKETS, current - newest);
    for (let at = 0; at < passed; at += 1) counts[(current - at) % BUCKETS] = 0;
    newest = current;
  };
  return {
    add: () => {
      moveOn();
      counts[newest % BUCKETS] = (counts[newest % BUCKETS] ?? 0) + 1;
    },
    count: () => {
      moveOn();
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
