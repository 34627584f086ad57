/** Limits the time that the parsing of responses may take in one turn of the event loop. */
export interface ParseBudget {
  /** Reports whether more may be parsed in this turn. */
  hasTime(): boolean;
  /** Calls `resume` in the next turn. */
  onNextTurn(resume: () => void): void;
}

const MS_PER_TURN = 10;

/**
 * Makes the budget that all connections of a process share. One turn can bring 64 KiB from each of a thousand connections,
 * and 64 KiB of empty headers take milliseconds to parse. Without the budget, 20 such responses at once stopped the event
 * loop for a tenth of a second.
 */
export function createParseBudget(): ParseBudget {
  let endsAtMs: number | undefined;
  let waiting: (() => void)[] = [];
  const beginTurn = (): void => {
    endsAtMs = undefined;
    const resumed = waiting;
    waiting = [];
    for (const resume of resumed) resume();
  };
  return {
    hasTime: () => {
      const nowMs = performance.now();
      if (endsAtMs !== undefined) return nowMs < endsAtMs;
      endsAtMs = nowMs + MS_PER_TURN;
      setImmediate(beginTurn);
      return true;
    },
    onNextTurn: (resume) => waiting.push(resume),
  };
}
