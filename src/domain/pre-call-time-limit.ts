import type { TimeLimitSource } from './execution.ts';

/** What a caller without a deadline is taken to have left. */
const NO_DEADLINE_MS = 65_000;
const MIN_RESERVE_MS = 100;
const MAX_RESERVE_MS = 500;
/** A request that gets less than this is not begun. */
const MIN_LEFT_MS = 100;

/** A pre-call's time limit, in whole milliseconds, and what set it. */
export interface PreCallTimeLimit {
  readonly limitMs: number;
  readonly source: TimeLimitSource;
}

/**
 * The smaller of the webhook's own limit and what the caller's deadline leaves after a reserve (10 % of it, 100 to
 * 500 ms) in which the caller is still answered. `too_short`: the deadline leaves under 100 ms, however short the
 * webhook's own limit is. `remainingMs` undefined (or infinite): no deadline, which counts as 65 s.
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
