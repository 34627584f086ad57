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
  /** Frees timer and signal; nothing is called back any more. */
  stop(): void;
}

const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Starts a limit that ends at `expiresAtMs` on the monotonic clock or with the signal. After a stall of the event loop
 * an expired timer runs before data that has long arrived, so what lies in the sockets is read once more before the end.
 */
export const startTimeLimit = (expiresAtMs: number, signal?: AbortSignal): TimeLimit => {
  const budgetMs = expiresAtMs - performance.now();
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const listeners: ((reason: EndReason) => void)[] = [];
  let isStopped = false;
  let endedBy: EndReason | undefined;
  const end = (ended: EndReason) => {
    if (isStopped) return;
    stop();
    endedBy = ended;
    resolve({ ended });
    for (const listener of listeners) listener(ended);
  };
  const onAbort = () => end('shutdown');
  const timer = setTimeout(
    () => setImmediate(() => end('timeout')),
    Math.min(Math.max(0, Math.ceil(budgetMs)), LONGEST_TIMER_MS),
  );
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  signal?.addEventListener('abort', onAbort);
  return {
    budgetMs,
    reason: () => {
      if (signal?.aborted === true) return 'shutdown';
      return endedBy ?? (performance.now() >= expiresAtMs ? 'timeout' : undefined);
    },
    leftMs: () => expiresAtMs - performance.now(),
    race: (work) => Promise.race([work, promise]),
    onEnd: (listener) => listeners.push(listener),
    end,
    stop,
  };
};

/** A duration for messages: `350 ms`, `10.0 s`. */
export const formatMs = (ms: number): string => {
  const whole = Math.max(0, Math.round(ms));
  return whole < 1000 ? `${whole} ms` : `${(whole / 1000).toFixed(1)} s`;
};
