/** A time in which a process got no turn, in epoch milliseconds. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

const LOOK_EVERY_MS = 20;
const NOTED_MS = 40;

/**
 * Calls `onStall` with each time in which the event loop of this process stood still, for whatever reason: what is measured
 * here can be late by as much. Returns a function that stops. Never keeps the process alive.
 */
export function watchStalls(onStall: (stall: Stall) => void): () => void {
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - lastMs > LOOK_EVERY_MS + NOTED_MS) onStall({ fromMs: lastMs, toMs: nowMs });
    lastMs = nowMs;
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Returns how many milliseconds between two instants lie in these stalls; where stalls overlap, each instant counts once. */
export function stalledBetween(stalls: readonly Stall[], fromMs: number, toMs: number): number {
  let total = 0;
  let countedToMs = fromMs;
  for (const stall of stalls.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const endMs = Math.min(stall.toMs, toMs);
    total += Math.max(0, endMs - Math.max(stall.fromMs, countedToMs));
    countedToMs = Math.max(countedToMs, endMs);
  }
  return total;
}
