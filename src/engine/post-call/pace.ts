/**
 * Says how fast pending post-calls may begin, so that callers on the phone do not notice. It counts beginnings and not
 * what is under way: one slow endpoint would keep all others waiting.
 */
export interface Pace {
  /** How many pending post-calls may begin now. */
  room(): number;
  /** Notes that one has begun. */
  noteBegun(): void;
  /** Whether a post-call may begin right after it was accepted. */
  mayBeginNow(): boolean;
}

/** What the pace follows. */
export interface PaceDeps {
  /** Milliseconds since the last call was admitted. */
  readonly idleMs: () => number;
  /** How long the oldest write that a caller waits for has been waiting, in milliseconds. */
  readonly queueAgeMs: () => number;
  /** How many calls wait for their claim or accept. */
  readonly callsWaiting: () => number;
  /** The share of time, from 0 to 1, that the event loop was busy since the last question. */
  readonly loopShare: () => number;
  readonly now: () => number;
}

// Without calls for so long, post-calls may use all there is.
const QUIET_AFTER_MS = 2_000;
// With the loop busy for longer than this, each call waits noticeably for its turns.
const MAX_LOOP_SHARE = 0.6;
// With more calls waiting, these go first: what was accepted is durable, and waits in the database.
const MAX_CALLS_WAITING = 32;
/** For so many milliseconds each limit holds. */
export const PACE_WINDOW_MS = 50;
const FIRST_LIMIT = 8;
// Reports go on at this pace, 160 a second, however many calls there are: that takes a twentieth of a core.
const LEAST_LIMIT = 8;
const MAX_QUEUE_AGE_MS = 50;

/** Makes the pace: additive increase, multiplicative decrease while calls come in, no limit otherwise. */
export function createPace({ idleMs, queueAgeMs, callsWaiting, loopShare, now }: PaceDeps): Pace {
  // So many may begin in one window.
  let limit = Infinity;
  let begun = 0;
  let windowAtMs = -Infinity;
  const isCrowded = (): boolean => queueAgeMs() > MAX_QUEUE_AGE_MS || callsWaiting() > MAX_CALLS_WAITING;
  const review = (): void => {
    if (idleMs() > QUIET_AFTER_MS) limit = Infinity;
    else if (now() - windowAtMs >= PACE_WINDOW_MS) {
      windowAtMs = now();
      begun = 0;
      const isBusy = loopShare() > MAX_LOOP_SHARE || isCrowded();
      if (limit === Infinity) limit = FIRST_LIMIT;
      else limit = isBusy ? Math.max(LEAST_LIMIT, Math.floor(limit * 0.7)) : limit + 1;
    }
  };
  return {
    room: () => {
      review();
      return limit === Infinity ? Infinity : Math.max(0, limit - begun);
    },
    noteBegun: () => {
      begun += 1;
    },
    mayBeginNow: () => !isCrowded(),
  };
}

/** Makes the question for the share of time that this thread's event loop was busy since it was asked before. */
export function createLoopShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, before);
    before = current;
    return utilization;
  };
}
