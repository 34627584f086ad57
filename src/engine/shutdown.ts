import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** Ends the engine's work in two steps: what is being sent is aborted first, and what the database does not take later. */
export interface Shutdown {
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
  /** Aborted when the process ends: an outcome that the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
  /** Aborts what is being sent. */
  abort(): void;
  /** Waits for `idle`, aborts what is being sent after `graceMs`, and gives the last outcomes 3 s to be recorded. */
  endWithin(graceMs: number, idle: Promise<void>): Promise<void>;
  /** Waits for `idle` for 3 s at most. */
  waitForLast(idle: Promise<void>): Promise<void>;
}

const LAST_WRITES_MS = 3_000;

/** Makes the shutdown of an engine that is running. */
export function createShutdown(): Shutdown {
  const grace = new AbortController();
  const lastWrites = new AbortController();
  const waitLast = (): Promise<void> => wait(LAST_WRITES_MS, undefined, { ref: false });
  return {
    signal: grace.signal,
    lastWrites: lastWrites.signal,
    abort: () => grace.abort(),
    endWithin: async (graceMs, idle) => {
      const timer = setTimeout(() => grace.abort(), graceMs);
      await Promise.race([idle, once(grace.signal, 'abort').then(waitLast)]);
      clearTimeout(timer);
      lastWrites.abort();
    },
    waitForLast: (idle) => Promise.race([idle, waitLast()]),
  };
}
