/** A time in which a process got no turn, in epoch milliseconds. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

const LOOK_EVERY_MS = 20;
const WORTH_NOTING_MS = 40;

/**
 * Tells of each time in which this process's loop stood still, whosever fault that was: what is measured here can be
 * late by as much. Never keeps the process alive.
 */
export const watchStalls = (onStall: (stall: Stall) => void): (() => void) => {
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - lastMs > LOOK_EVERY_MS + WORTH_NOTING_MS) onStall({ fromMs: lastMs, toMs: nowMs });
    lastMs = nowMs;
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};

/** Milliseconds of these stalls that lie between two instants; where they overlap, each instant counts once. */
export const stalledBetween = (stalls: readonly Stall[], fromMs: number, toMs: number): number => {
  let total = 0;
  let countedToMs = fromMs;
  for (const stall of stalls.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const endMs = Math.min(stall.toMs, toMs);
    total += Math.max(0, endMs - Math.max(stall.fromMs, countedToMs));
    countedToMs = Math.max(countedToMs, endMs);
  }
  return total;
};
