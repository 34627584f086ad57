import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Measures how long the event loop stands still. Meanwhile nothing is read, and time limits are checked late. */
export interface EventLoopWatch {
  /** Returns the longest delay since the last call, in seconds. */
  takeMaxDelaySeconds(): number;
  close(): void;
}

/** A stall that is longer is counted. */
export const STALL_MS = 100;

const CHECKED_EVERY_MS = 100;
const DELAY_RESOLUTION_MS = 20;
const NANOS_PER_SECOND = 1e9;

/** Starts to watch the event loop. `onStall` is called after each stall. */
export function watchEventLoop(onStall: () => void): EventLoopWatch {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  let dueAtMs = performance.now() + CHECKED_EVERY_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - dueAtMs > STALL_MS) onStall();
    dueAtMs = nowMs + CHECKED_EVERY_MS;
  }, CHECKED_EVERY_MS);
  timer.unref();
  return {
    takeMaxDelaySeconds: () => {
      const seconds = delay.max / NANOS_PER_SECOND;
      delay.reset();
      return seconds;
    },
    close: () => {
      delay.disable();
      clearInterval(timer);
    },
  };
}
