const FIRST_MS = 500;
const MAX_MS = 10_000;

/** Says how long to wait before the next try: each time longer, and a part of it by chance, so that clients spread. */
export interface BackOff {
  /** Is told that a try begins. After one that went well for a while the waits are short again. */
  begins(): void;
  /** Returns the milliseconds to wait, and no fewer than the server asks for. */
  nextMs(retryAfterMs?: number): number;
}

/** Makes a back-off. `nowMs` is a clock that only goes forward, and `random` returns a number from 0 to 1. */
export function createBackOff(
  nowMs: () => number = () => performance.now(),
  random: () => number = Math.random,
): BackOff {
  let waitMs = FIRST_MS;
  let begunAtMs = 0;
  return {
    begins: () => {
      begunAtMs = nowMs();
    },
    nextMs: (retryAfterMs = 0) => {
      if (nowMs() - begunAtMs > MAX_MS) waitMs = FIRST_MS;
      const ms = waitMs * (0.5 + random() / 2);
      waitMs = Math.min(2 * waitMs, MAX_MS);
      return Math.max(ms, retryAfterMs);
    },
  };
}
