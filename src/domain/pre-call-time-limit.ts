import type { TimeLimitSource } from './execution.ts';

/** A caller without a deadline counts as waiting for this long. */
export const NO_DEADLINE_MS = 65_000;
const MIN_RESERVE_MS = 100;
const MAX_RESERVE_MS = 500;
/** A request is not begun when it would get less time than this. */
const MIN_LEFT_MS = 100;

/** The time limit of a pre-call, in whole milliseconds, and where it came from. */
export interface PreCallTimeLimit {
  readonly limitMs: number;
  readonly source: TimeLimitSource;
}

/**
 * Returns the time limit of a pre-call: the webhook's own, or what the caller's deadline leaves after a reserve, if
 * that is less. The reserve (10 % of the time left, 100 to 500 ms) is there to answer the caller. Returns `too_short`
 * when the deadline leaves under 100 ms, however short the webhook's own limit is. `remainingMs` is undefined or
 * infinite when there is no deadline; that counts as 65 s.
 */
export function preCallTimeLimit(times: {
  readonly timeoutSecs: number;
  readonly remainingMs: number | undefined;
}): PreCallTimeLimit | 'too_short' {
  const remainingMs = Math.min(times.remainingMs ?? NO_DEADLINE_MS, NO_DEADLINE_MS);
  const reserveMs = Math.min(Math.max(remainingMs / 10, MIN_RESERVE_MS), MAX_RESERVE_MS);
  const leftMs = remainingMs - reserveMs;
  if (leftMs < MIN_LEFT_MS) return 'too_short';
  const ownMs = Math.round(times.timeoutSecs * 1000);
  return ownMs <= leftMs
    ? { limitMs: ownMs, source: 'config' }
    : { limitMs: Math.floor(leftMs), source: 'deadline' };
}
