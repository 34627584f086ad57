import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MinuteKey, MinuteRow, MinuteStore, Span } from '../../store/minute-store.ts';
import { addText } from './counts-text.ts';
import { createCounts, sumOf, type Counts } from './counts.ts';
import { WRITTEN_WITHIN, type OwnMinutes } from './own-minutes.ts';

/** The counts of all replicas for the last steps of one span: minutes, or quarters of an hour. */
export interface SpanSums {
  /** Reads all rows that may have changed since they were read. `minute` is the minute of now. */
  readAll(minute: number): Promise<void>;
  /** Reads the rows that change now. */
  readOpen(minute: number): Promise<void>;
  /** Returns the counts of the step that begins with this minute. They must not be changed. */
  ofStep(firstMinute: number): Counts;
}

/** What the sums need. */
export interface SpanSumsDeps {
  readonly store: Pick<MinuteStore, 'listMinutes'>;
  readonly own: OwnMinutes;
  /** The name of this start of the process. */
  readonly writer: string;
}

// A replica writes a minute within seconds, and after an outage of the database within an hour.
const OPEN_MINUTES = 5;
const SETTLED_MINUTES = WRITTEN_WITHIN + OPEN_MINUTES;
const ROWS_A_READ = 100;
// So many rows are parsed and added within 3 ms, also on a cold process.
const ROWS_A_TURN = 20;
const NOTHING = createCounts();

/** Makes the sums for so many steps of a span. Rows that no replica writes any more are read once. */
export function createSpanSums({ store, own, writer }: SpanSumsDeps, span: Span, steps: number): SpanSums {
  const sums = new Map<number, Counts>();
  // No row from before this minute changes any more.
  let settledTo = 0;
  // What this process counted from this minute on is taken from its memory, which knows more than its rows.
  let ownFrom = 0;

  const read = async (fromMinute: number): Promise<void> => {
    const found = new Map<number, Counts>();
    await eachRow(store, span, fromMinute, (row) => {
      if (row.writer === writer && row.minute >= ownFrom) return;
      const sum = found.get(row.minute) ?? createCounts();
      found.set(row.minute, sum);
      addText(sum, row.counts);
    });
    for (const minute of sums.keys()) if (minute >= fromMinute) sums.delete(minute);
    for (const [minute, sum] of found) sums.set(minute, sum);
  };
  const firstOf = (minute: number): number => Math.floor(minute / span) * span;
  return {
    readAll: async (minute) => {
      const shownFrom = firstOf(minute) - (steps - 1) * span;
      ownFrom = minute - WRITTEN_WITHIN;
      await read(Math.max(shownFrom, settledTo));
      settledTo = firstOf(minute - SETTLED_MINUTES);
      for (const old of sums.keys()) if (old < shownFrom) sums.delete(old);
    },
    readOpen: (minute) => read(firstOf(minute - OPEN_MINUTES)),
    ofStep: (firstMinute) => {
      const read = sums.get(firstMinute);
      const counted = firstMinute >= ownFrom ? own.within(firstMinute, span) : [];
      if (counted.length === 0) return read ?? NOTHING;
      return sumOf(read === undefined ? counted : [read, ...counted]);
    },
  };
}

async function eachRow(
  store: SpanSumsDeps['store'],
  span: Span,
  fromMinute: number,
  act: (row: MinuteRow) => void,
): Promise<void> {
  let after: MinuteKey | undefined;
  for (;;) {
    const rows = await store.listMinutes(span, fromMinute, ROWS_A_READ, after);
    for (const [at, row] of rows.entries()) {
      if (at % ROWS_A_TURN === 0) await nextTurn();
      act(row);
    }
    after = rows.at(-1);
    if (rows.length < ROWS_A_READ) return;
  }
}
