/** Measures how long the event loop stands still. Meanwhile nothing is read, and time limits are checked late. */
export interface EventLoopWatch {
  /** Returns the longest delay of the last one to two minutes, in seconds. Asking changes nothing. */
  maxDelaySeconds(): number;
  close(): void;
}

/** A stall that is longer is counted. */
export const STALL_MS = 100;

// Each tick wakes an idle process. Ticks of 20 ms took 0.6 % of a core, and these take 0.3 %.
const TICK_MS = 50;
// A replaced window is kept for as long again, so that each scraper sees each delay, however many of them there are.
const WINDOW_MS = 60_000;

/**
 * Starts to watch the event loop. `onStall` is called after each stall. The delay is how late a timer of 50 ms is, so it may be
 * up to 50 ms too short. `monitorEventLoopDelay` of Node.js adds its own pause to each delay, and loses a delay in which its
 * histogram is reset.
 */
export function watchEventLoop(onStall: () => void): EventLoopWatch {
  let lastMs = performance.now();
  let windowEndsAtMs = lastMs + WINDOW_MS;
  let maxMs = 0;
  let maxBeforeMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const delayMs = nowMs - lastMs - TICK_MS;
    lastMs = nowMs;
    if (nowMs > windowEndsAtMs) {
      maxBeforeMs = maxMs;
      maxMs = 0;
      windowEndsAtMs = nowMs + WINDOW_MS;
    }
    maxMs = Math.max(maxMs, delayMs);
    if (delayMs > STALL_MS) onStall();
  }, TICK_MS);
  timer.unref();
  return {
    maxDelaySeconds: () => Math.max(maxMs, maxBeforeMs) / 1_000,
    close: () => clearInterval(timer),
  };
}
