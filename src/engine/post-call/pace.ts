/**
 * Decides how fast pending post-calls may begin, so that callers on the phone do not notice. It counts how many begin and
 * not how many are under way: one slow endpoint would keep all others waiting.
 */
export interface Pace {
  /** Returns how many pending post-calls may begin now. */
  room(): number;
  /** Counts a post-call that begins. */
  countBegun(): void;
  /** Reports whether a post-call may begin right after it was accepted. */
  mayBeginNow(): boolean;
}

/** What the pace follows. */
export interface PaceDeps {
  /** Returns the milliseconds since the last call was admitted. */
  readonly idleMs: () => number;
  /** Returns how long the oldest write that a caller waits for has been waiting, in milliseconds. */
  readonly queueAgeMs: () => number;
  /** Returns how many calls wait for their claim or accept. */
  readonly callsWaiting: () => number;
  /** Replaces {@link createLoopUtilization} in tests. */
  readonly loopUtilization?: () => number;
  /** Replaces the monotonic clock in tests. */
  readonly now?: () => number;
}

// When no call has come for so long, post-calls may use everything.
const QUIET_AFTER_MS = 2_000;
// With the event loop busy for longer than this, each call waits noticeably for its turns.
const MAX_LOOP_UTILIZATION = 0.6;
// With more calls waiting, calls go first: an accepted post-call is durable, and waits in the database.
const MAX_CALLS_WAITING = 32;
/** Each limit holds for so many milliseconds. */
export const PACE_WINDOW_MS = 50;
const FIRST_LIMIT = 8;
// Post-calls go on at this pace, 160 a second, however many calls there are: that takes a twentieth of a core.
const LEAST_LIMIT = 8;
const MAX_QUEUE_AGE_MS = 50;

/** Makes the pace: additive increase, multiplicative decrease while calls come in, no limit otherwise. */
export function createPace({
  idleMs,
  queueAgeMs,
  callsWaiting,
  loopUtilization = createLoopUtilization(),
  now = monotonicMs,
}: PaceDeps): Pace {
  // How many may begin in one window.
  let limit = Infinity;
  let begun = 0;
  let windowAtMs = -Infinity;
  const isCrowded = (): boolean => queueAgeMs() > MAX_QUEUE_AGE_MS || callsWaiting() > MAX_CALLS_WAITING;
  const adjust = (): void => {
    if (idleMs() > QUIET_AFTER_MS) limit = Infinity;
    else if (now() - windowAtMs >= PACE_WINDOW_MS) {
      windowAtMs = now();
      begun = 0;
      const isBusy = loopUtilization() > MAX_LOOP_UTILIZATION || isCrowded();
      if (limit === Infinity) limit = FIRST_LIMIT;
      else limit = isBusy ? Math.max(LEAST_LIMIT, Math.floor(limit * 0.7)) : limit + 1;
    }
  };
  return {
    room: () => {
      adjust();
      return limit === Infinity ? Infinity : Math.max(0, limit - begun);
    },
    countBegun: () => {
      begun += 1;
    },
    mayBeginNow: () => !isCrowded(),
  };
}

function monotonicMs(): number {
  return performance.now();
}

/** Makes a function that returns the share of time, from 0 to 1, that this thread's event loop was busy since its last call. */
export function createLoopUtilization(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, before);
    before = current;
    return utilization;
  };
}
