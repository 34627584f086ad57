/** Why a request ends before its response does: its time is over, or the process is shutting down. */
export type EndReason = 'timeout' | 'shutdown';

/** Says that the deadline came before the work that raced it. */
export interface Ended {
  readonly ended: EndReason;
}

/** The instant at which all work for one request ends. */
export interface Deadline {
  /** The time limit: how much time was left at the start, in milliseconds. */
  readonly timeLimitMs: number;
  /** Returns why the deadline has passed, if it has. It reads the clock and the signal, whatever the timer has done so far. */
  reason(): EndReason | undefined;
  leftMs(): number;
  /** Waits for the work or for the deadline, whichever comes first. The work goes on, and the caller has to stop it. */
  race<T>(work: Promise<T>): Promise<T | Ended>;
  /** Calls the listener once, when the deadline passes. */
  onEnd(listener: (reason: EndReason) => void): void;
  /** Makes the deadline pass now. */
  end(reason: EndReason): void;
  /** Frees the timer. No listener is called afterwards. */
  stop(): void;
}

/** The deadlines of all requests that run. */
export interface Deadlines {
  /** Starts a deadline that passes at `expiresAtMs` on the monotonic clock, or when the signal is aborted. */
  start(expiresAtMs: number, signal?: AbortSignal): Deadline;
  /** Makes every deadline that runs pass now. */
  endAll(reason: EndReason): void;
}

/**
 * Makes the deadlines of one executor. They listen to a signal once for all of its requests, because nearly all
 * requests share one signal: a listener per request cost 4 % of a request with 64 in flight and 7 % with 800.
 */
export function createDeadlines(): Deadlines {
  const running = new Map<Deadline, AbortSignal | undefined>();
  const heard = new WeakSet<AbortSignal>();
  const listen = (signal: AbortSignal): void => {
    if (heard.has(signal)) return;
    heard.add(signal);
    const onAbort = () => {
      for (const [deadline, its] of running) if (its === signal) deadline.end('shutdown');
    };
    signal.addEventListener('abort', onAbort, { once: true });
  };
  return {
    start: (expiresAtMs, signal) => {
      if (signal !== undefined) listen(signal);
      const deadline = startDeadline(expiresAtMs, signal, () => running.delete(deadline));
      running.set(deadline, signal);
      return deadline;
    },
    endAll: (reason) => {
      for (const deadline of running.keys()) deadline.end(reason);
    },
  };
}

const LONGEST_TIMER_MS = 2_147_483_647;

// After a stall of the event loop, an expired timer runs before data that arrived long ago. So the sockets are read once
// more before the end (setImmediate). A promise is made only when something is raced against the deadline.
function startDeadline(expiresAtMs: number, signal: AbortSignal | undefined, onStop: () => void): Deadline {
  const timeLimitMs = expiresAtMs - performance.now();
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
    Math.min(Math.max(0, Math.ceil(timeLimitMs)), LONGEST_TIMER_MS),
  );
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    onStop();
  };
  return {
    timeLimitMs,
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

/** Returns the result of the work, or `late` when it takes longer than `ms`. The work itself goes on. */
export function within<T, Late>(ms: number, work: Promise<T>, late: Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  return Promise.race([work, isLate]).finally(() => clearTimeout(timer));
}
