/** Decides whether one more try to log in may be looked at. */
export interface LoginLimit {
  /** Counts a try. Returns 0 when it may go on, and otherwise after how many seconds another try makes sense. */
  take(address: string): number;
}

/** Holds tries that may come at once, and how many more may come each second. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tries: number;
  atMs: number;
}

// A token has 256 random bits, so that nobody finds one by trying. The limits protect the processor and the log. So they are
// wide enough for many people behind one proxy, and are full again soon after a flood.
const OF_ADDRESS: Rate = { burst: 20, perSecond: 2 };
const OF_ALL: Rate = { burst: 100, perSecond: 50 };
/** The addresses that are remembered. The one that tried longest ago is forgotten for a new one. */
const MAX_ADDRESSES = 1_000;

/** Makes the limits of one server. `now` returns milliseconds. */
export function createLoginLimit(now: () => number = () => performance.now()): LoginLimit {
  const all: Bucket = { tries: OF_ALL.burst, atMs: now() };
  const addresses = new Map<string, Bucket>();
  const bucketOf = (address: string): Bucket => {
    const key = networkOf(address);
    const bucket = addresses.get(key) ?? { tries: OF_ADDRESS.burst, atMs: now() };
    // A map keeps the order of insertion, so that the first one tried longest ago.
    addresses.delete(key);
    addresses.set(key, bucket);
    const [oldest] = addresses.keys();
    if (addresses.size > MAX_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
    return bucket;
  };
  return {
    take: (address) => {
      const waitSecs = takeFrom(bucketOf(address), OF_ADDRESS, now());
      // What an address must not try takes nothing away from the others.
      return waitSecs > 0 ? waitSecs : takeFrom(all, OF_ALL, now());
    },
  };
}

function takeFrom(bucket: Bucket, { burst, perSecond }: Rate, nowMs: number): number {
  bucket.tries = Math.min(burst, bucket.tries + ((nowMs - bucket.atMs) / 1_000) * perSecond);
  bucket.atMs = nowMs;
  if (bucket.tries < 1) return Math.ceil((1 - bucket.tries) / perSecond);
  bucket.tries -= 1;
  return 0;
}

/** Returns the first 64 bits of an IPv6 address, because one host may have all addresses behind them. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('::');
  const missing = address.includes('::') ? 8 - head.split(':').length - tail.split(':').length : 0;
  const groups = [...head.split(':'), ...Array<string>(Math.max(0, missing)).fill('0'), ...tail.split(':')];
  return groups.slice(0, 4).join(':');
}
