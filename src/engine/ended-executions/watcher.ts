import type { EndedState, Execution } from '../../domain/execution.ts';
import type { ExecutionFilter } from '../../store/execution-store.ts';
import { matchesFilter } from './matches-filter.ts';
import type { EndedRound } from './read-ended.ts';

/** What a watcher is told at once. */
export interface EndedUpdate {
  readonly executions: readonly Execution[];
  /** How many matching executions were left out since the update before. */
  readonly dropped: number;
  /** Every matching execution that ended before this time was told or dropped. */
  readonly finishedToMs: number;
}

/** Takes what each round has found until its reader asks for it, and keeps no more of it than fits into an update. */
export interface Watcher {
  /** Takes what matches. If its reader waits, the reader gets it. Returns true then. */
  take(round: EndedRound, settledToMs: number): boolean;
  /**
   * Forgets what it has kept of executions that were read in the past (`seen`), or ended after this time: the next read of
   * the past will find those.
   */
  restart(afterMs: number, seen: Seen): void;
  /** Returns the time from which on ends are wanted. */
  wantedFromMs(): number;
  /** Returns the earliest end of what is kept and ended since the watcher began, or Infinity. */
  keptFromMs(): number;
  /** Ends the time in which more is kept than an update has. These executions were read in the past. */
  release(seen: Seen): void;
  /** Returns the next update when a round brings one, or undefined once the watcher is closed. */
  next(): Promise<EndedUpdate | undefined>;
  close(): void;
}

/** The times at which executions ended that were told, by {@link keyOf}. */
export type Seen = ReadonlyMap<string, number>;

/** The most executions and bytes of an update. */
export const MAX_EXECUTIONS = 200;
const MAX_BYTES = 256 * 1024;
/** While the past is read, so many updates are kept. */
const HELD_UPDATES = 4;
/** A reader hears at least so often that it misses nothing: once in so many rounds. */
const QUIET_ROUNDS = 10;

/** Makes a watcher of executions that match the filter and ended at `fromMs` or later, or were corrected meanwhile. */
export function createWatcher(
  filter: ExecutionFilter,
  fromMs: number,
  { isHeld, onDropped }: { readonly isHeld: boolean; readonly onDropped: (count: number) => void },
): Watcher {
  let kept: Execution[] = [];
  let keptBytes = 0;
  let dropped = 0;
  let quiet = 0;
  let isPast = isHeld;
  let beganMs = fromMs;
  let toldToMs = fromMs;
  let seen: Seen = new Map();
  let isClosed = false;
  let waiting: ((update: EndedUpdate | undefined) => void) | undefined;

  const room = (): number => (isPast ? HELD_UPDATES : 1);
  const setKept = (executions: Execution[]): void => {
    kept = executions;
    keptBytes = kept.reduce((sum, execution) => sum + bytesOf(execution), 0);
  };
  const drop = (count: number): void => {
    dropped += count;
    if (!isPast) onDropped(count);
  };
  const keep = (execution: Execution): void => {
    if (kept.length >= room() * MAX_EXECUTIONS) return drop(1);
    const bytes = bytesOf(execution);
    if (kept.length > 0 && keptBytes + bytes > room() * MAX_BYTES) return drop(1);
    kept.push(execution);
    keptBytes += bytes;
  };
  const isInTime = ({ finishedAtMs = 0 }: Execution): boolean => finishedAtMs >= beganMs;
  const isWanted = (execution: Execution): boolean =>
    !seen.has(keyOf(execution)) && matchesFilter(execution, filter);
  // What ended before the watcher began says nothing of how far it was told.
  const keptFromMs = (): number =>
    Math.min(Infinity, ...kept.filter(isInTime).map(({ finishedAtMs = 0 }) => finishedAtMs));
  const makeUpdate = (settledToMs: number): EndedUpdate => {
    const { items, rest } = cutUpdate(kept);
    setKept(rest);
    toldToMs = Math.max(toldToMs, Math.min(settledToMs, keptFromMs()));
    const update = { executions: items, dropped, finishedToMs: toldToMs };
    dropped = 0;
    quiet = 0;
    return update;
  };

  return {
    take: ({ executions, corrected, unread, steppedBackToMs = Infinity }, settledToMs) => {
      beganMs = Math.min(beganMs, steppedBackToMs);
      toldToMs = Math.min(toldToMs, steppedBackToMs);
      for (const execution of [...executions.filter(isInTime), ...corrected])
        if (isWanted(execution)) keep(execution);
      for (const [state, count] of unread) if (isOfState(filter, state)) drop(count);
      quiet += 1;
      const resolve = waiting;
      const isNews = kept.length > 0 || dropped > 0 || quiet >= QUIET_ROUNDS;
      if (resolve === undefined || !isNews) return false;
      waiting = undefined;
      resolve(makeUpdate(settledToMs));
      return true;
    },
    restart: (afterMs, read) => {
      setKept(
        kept.filter((execution) => (execution.finishedAtMs ?? 0) <= afterMs && !read.has(keyOf(execution))),
      );
      dropped = 0;
    },
    wantedFromMs: () => beganMs,
    keptFromMs,
    release: (read) => {
      isPast = false;
      onDropped(dropped);
      seen = read;
      setKept(kept.filter((execution) => !seen.has(keyOf(execution))));
    },
    next: async () => {
      if (isClosed) return undefined;
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    close: () => {
      isClosed = true;
      waiting?.(undefined);
    },
  };
}

/** Returns the first executions that fit into an update, one at least, and the rest. */
export function cutUpdate(executions: readonly Execution[]): { items: Execution[]; rest: Execution[] } {
  let bytes = 0;
  const end = executions.findIndex((execution, at) => {
    bytes += bytesOf(execution);
    return at > 0 && (at === MAX_EXECUTIONS || bytes > MAX_BYTES);
  });
  if (end === -1) return { items: [...executions], rest: [] };
  return { items: executions.slice(0, end), rest: executions.slice(end) };
}

/** Returns the name under which an execution counts as seen: one that ends in another state is another one. */
export function keyOf({ executionUuid, state }: Execution): string {
  return executionUuid + state;
}

/** Reports whether a filter lets executions of a state through. */
export function isOfState({ states }: ExecutionFilter, state: EndedState): boolean {
  return states.length === 0 || states.includes(state);
}

// The texts of an execution, and what all others have in common.
const BASE_BYTES = 400;

function bytesOf({ failure, rejectReason = '', missingVariables, missedAssignments }: Execution): number {
  const texts = [
    failure?.message ?? '',
    rejectReason,
    ...missingVariables,
    ...missedAssignments.flatMap(({ attributeName, dynamicVariable }) => [attributeName, dynamicVariable]),
  ];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text) + 8, BASE_BYTES);
}
