/** One measured figure, under a key of {@link GOALS}. */
export interface Figure {
  readonly key: string;
  readonly value: number;
  /** The quartiles, if the value is a median of ratios. */
  readonly low?: number;
  readonly high?: number;
  /** The reason not to trust the value, if there is one. */
  readonly doubt?: string;
}

/** The value of an event that did not happen within the run. JSON has no infinity. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/** The meaning of a figure, and the values that it should reach. */
export interface Goal {
  readonly title: string;
  readonly unit: '×' | 's' | 'ms' | 'MB' | '';
  readonly better: 'more' | 'less';
  readonly atLeast?: number;
  readonly aim?: number;
}

function more(unit: Goal['unit'], title: string, atLeast?: number, aim?: number): Goal {
  return {
    title,
    unit,
    better: 'more',
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(aim === undefined ? {} : { aim }),
  };
}

function less(unit: Goal['unit'], title: string, atLeast?: number, aim?: number): Goal {
  return {
    ...more(unit, title, atLeast, aim),
    better: 'less',
  };
}

/** All figures, in the order of the table. */
export const GOALS: Readonly<Record<string, Goal>> = {
  'start-sqlite': more('×', 'OnCallStart/s ÷ bare, SQLite', 0.38, 0.48),
  'start-mariadb': more('×', 'OnCallStart/s ÷ bare, MariaDB', 0.33, 0.42),
  'start-cpu-sqlite': less('×', 'server CPU of a start ÷ bare, SQLite', 2.6, 2),
  'start-cpu-mariadb': less('×', 'server CPU of a start ÷ bare, MariaDB', 2.6, 2),
  'start-go': more('×', 'OnCallStart/s ÷ the Go service, on the same MariaDB', 1, 1.2),
  unpinned: more('×', 'OnCallStart/s unpinned on all cores ÷ pinned to one, SQLite', 1.1, 1.4),
  'goodput-2x': more('×', 'good answers ÷ capacity at 2 × capacity', 0.8, 0.89),
  'goodput-5x': more('×', 'good answers ÷ capacity at 5 × capacity', 0.45, 0.56),
  'goodput-p99-2x': less('ms', 'p99 of good answers at 2 × capacity', 1000, 400),
  'goodput-p99-5x': less('ms', 'p99 of good answers at 5 × capacity', 1000, 400),
  'goodput-degraded': less('', 'degraded for our own reasons at 2 × and 5 ×', 0, 0),
  'recovery-20x': less('s', 'until normal latency after 20 × capacity, callers wait 10 s', 2, 0.5),
  'recovery-20x-hurried': less('s', 'the same where callers wait 1 s', 2, 0.5),
  'recovery-1.3x': less('s', 'until normal latency after 60 s at 1.3 × capacity', 2, 0.5),
  'lost-repeats': less('', 'refused calls that lost their execution, of those repeated', 0, 0),
  'end-accept': more('×', 'OnCallEnd accepted/s in a burst ÷ starts/s of bare echo', 0.3, 0.4),
  'end-accept-p99': less('ms', 'p99 of an accept in the burst', 200),
  'end-cpu-sqlite': less('×', 'CPU of an end (accepted, sent, recorded) ÷ bare’s post, SQLite', 4.5, 3),
  'end-cpu-mariadb': less('×', 'CPU of an end, with the database’s ÷ bare’s post, MariaDB', 4.5, 3),
  'drain-start-p50': less('×', 'a start’s p50 while 100,000 reports drain ÷ alone', 1.5, 1.2),
  'drain-start-p99': less('×', 'a start’s p99 while 100,000 reports drain ÷ alone', 2, 1.5),
  'added-p50': less('ms', 'added p50 at 100 calls/s, less 2 × fdatasync', 3, 1),
  'added-p99': less('ms', 'added p99 at 100 calls/s, less 2 × fdatasync', 8, 3),
  filled: more('×', 'OnCallStart/s with 5 million executions ÷ empty, SQLite', 0.85, 0.95),
  'in-flight-memory': less('MB', 'peak memory over bare’s, 10,000 pre-calls in flight', 250, 120),
  'memory-loaded': less('MB', 'resident memory after 10 minutes at 70 % load', 250, 180),
  'memory-idle': less('MB', 'resident memory 60 s idle after it', 150, 110),
  'first-serving': less('s', 'exec to the first SERVING answer', 1, 0.6),
  'drain-rate': more('×', 'backlog rows drained/s ÷ undici alone, instant endpoint', 0.4, 0.6),
  'drain-rate-20ms': more('×', 'backlog rows drained/s ÷ undici alone, endpoint of 20 ms', 0.4, 0.6),
  'console-page': less('ms', 'the slowest answer of any console page, with 5 million executions', 150),
  'console-loop': less('ms', 'the longest time that a console page held the event loop', 5),
  'console-memory': less('MB', 'memory with the console loaded over that without', 10),
  'watchers-p99': less('×', 'a start’s p99 with ten watchers ÷ without, 300 calls/s', 1.1, 1),
  'slow-sync': more('×', 'OnCallStart/s ÷ bare with syncs that take 3 ms more, SQLite'),
};

/** Returns a figure from a spread of ratios. */
export function figureOf(
  key: string,
  { median, low, high }: { readonly median: number; readonly low: number; readonly high: number },
  doubt?: string,
): Figure {
  return { key, value: median, low, high, ...(doubt === undefined ? {} : { doubt }) };
}

/** Returns a value with its unit and as many digits as it deserves. */
export function toText(value: number, unit: Goal['unit']): string {
  if (value >= NEVER) return 'never';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return [value.toFixed(digits), unit === '×' ? '' : unit].join(' ').trim();
}

/** Reports whether a figure reaches its minimum. A figure without a minimum does. */
export function isReached({ key, value }: Figure): boolean {
  const { atLeast, better } = GOALS[key] ?? { better: 'more' };
  if (atLeast === undefined) return true;
  return better === 'more' ? value >= atLeast : value <= atLeast;
}

/**
 * Reports whether a figure is worse than an earlier one by over 10 % and their quartiles do not overlap. Without
 * quartiles it never is.
 */
export function isWorse(now: Figure, before: Figure): boolean {
  if (now.low === undefined || now.high === undefined) return false;
  if (before.low === undefined || before.high === undefined) return false;
  return GOALS[now.key]?.better === 'less'
    ? now.value > before.value * 1.1 && now.low > before.high
    : now.value < before.value * 0.9 && now.high < before.low;
}
