/** Why a request ends before its time: its limit is over, or the process is shutting down. */
export type EndReason = 'timeout' | 'shutdown';

/** What {@link TimeLimit.race} answers when the limit was first. */
export interface Ended {
  readonly ended: EndReason;
}

/** The one limit that bounds everything a request does. */
export interface TimeLimit {
  /** What was left when it began, in milliseconds. */
  readonly budgetMs: number;
  /** Looks at the clock and the signal now, whatever the timer has done so far. */
  reason(): EndReason | undefined;
  leftMs(): number;
  /** The work's result, or that the limit ended first; the work itself goes on and is the caller's to stop. */
  race<T>(work: Promise<T>): Promise<T | Ended>;
  /** Calls back once when the limit ends. */
  onEnd(listener: (reason: EndReason) => void): void;
  /** Ends it now. */
  end(reason: EndReason): void;
  /** Frees the timer; nothing is called back any more. */
  stop(): void;
}

/** The limits of all requests that run. */
export interface TimeLimits {
  /** Starts a limit that ends at `expiresAtMs` on the monotonic clock, or with the signal. */
  start(expiresAtMs: number, signal?: AbortSignal): TimeLimit;
  /** Ends every limit that runs. */
  endAll(reason: EndReason): void;
}

/**
 * Makes the limits of one executor. They listen to a signal once, for all limits that it ends, because nearly all
 * requests share one: a listener per request cost 4 % of a request with 64 in flight and 7 % with 800.
 */
export function createTimeLimits(): TimeLimits {
  const running = new Map<TimeLimit, AbortSignal | undefined>();
  const heard = new WeakSet<AbortSignal>();
  const listen = (signal: AbortSignal): void => {
    if (heard.has(signal)) return;
    heard.add(signal);
    const onAbort = () => {
      for (const [limit, its] of running) if (its === signal) limit.end('shutdown');
    };
    signal.addEventListener('abort', onAbort, { once: true });
  };
  return {
    start: (expiresAtMs, signal) => {
      if (signal !== undefined) listen(signal);
      const limit = startTimeLimit(expiresAtMs, signal, () => running.delete(limit));
      running.set(limit, signal);
      return limit;
    },
    endAll: (reason) => {
      for (const limit of running.keys()) limit.end(reason);
    },
  };
}

const LONGEST_TIMER_MS = 2_147_483_647;

// After a stall of the event loop an expired timer runs before data that has long arrived, so what lies in the sockets
// is read once more before the end. A promise is made only once something is raced against the limit.
function startTimeLimit(expiresAtMs: number, signal: AbortSignal | undefined, onStop: () => void): TimeLimit {
  const budgetMs = expiresAtMs - performance.now();
  const listeners: ((reason: EndReason) => void)[] = [];
  let isStopped = false;
  let endedBy: EndReason | undefined;
  let ended: Promise<Ended> | undefined;
  const whenEnded = () =>
    new Promise<Ended>((resolve) => {
      if (endedBy !== undefined) resolve({ ended: endedBy });
      else listeners.push((reason) => resolve({ ended: reason }));
    });
  const end = (reason: EndReason) => {
    if (isStopped) return;
    stop();
    endedBy = reason;
    for (const listener of listeners) listener(reason);
  };
  const timer = setTimeout(
    () => setImmediate(() => end('timeout')),
    Math.min(Math.max(0, Math.ceil(budgetMs)), LONGEST_TIMER_MS),
  );
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    onStop();
  };
  return {
    budgetMs,
    reason: () => {
      if (signal?.aborted === true) return 'shutdown';
      return endedBy ?? (performance.now() >= expiresAtMs ? 'timeout' : undefined);
    },
    leftMs: () => expiresAtMs - performance.now(),
    race: (work) => Promise.race([work, (ended ??= whenEnded())]),
    onEnd: (listener) => listeners.push(listener),
    end,
    stop,
  };
}

/** A duration for messages: `350 ms`, `10.0 s`. */
export const formatMs = (ms: number): string => {
  const whole = Math.max(0, Math.round(ms));
  return whole < 1000 ? `${whole} ms` : `${(whole / 1000).toFixed(1)} s`;
};
