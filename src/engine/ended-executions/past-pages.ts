/** Waits and tells the time. Tests hand in one of their own. */
export interface Clock {
  /** Returns milliseconds that only go forward. */
  nowMs(): number;
  /** Resolves after so many milliseconds, and rejects as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Resolves when one more read may begin. It rejects when the signal is aborted. */
export type ReadTurn = (signal: AbortSignal) => Promise<void>;

/** Makes turns for reads, so that at most `perSecond` of them begin in a second, in the order in which they were asked for. */
export function createReadTurns(clock: Clock, perSecond: number): ReadTurn {
  const gapMs = 1_000 / perSecond;
  let nextMs = 0;
  return async (signal) => {
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, nextMs);
    nextMs = atMs + gapMs;
    if (atMs > nowMs) await clock.wait(atMs - nowMs, signal);
  };
}
