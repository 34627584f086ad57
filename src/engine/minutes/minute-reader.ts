import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MinuteKey, MinuteRow, MinuteStore } from '../../store/minute-store.ts';
import { addText } from './counts-text.ts';
import { createCounts, mergeCounts, type Counts } from './counts.ts';
import { MINUTE_MS, type OwnMinutes } from './own-minutes.ts';

/** The counts of one step of a time. */
export interface CountedStep {
  /** When the step begins, in epoch milliseconds of the database's clock. */
  readonly startMs: number;
  readonly counts: Counts;
}

/** What all replicas counted. */
export interface RecentCounts {
  /** When it was read, by the database's clock. */
  readonly nowMs: number;
  /** The last 60 minutes, oldest first. The last one is not over. */
  readonly hour: readonly CountedStep[];
  /** The last 96 quarters of an hour, oldest first. The last one is not over. */
  readonly day: readonly CountedStep[];
}

/** Reads what all replicas counted. */
export interface MinuteReader {
  /** Returns the counts of the last hour and day. Within a second everybody gets the same ones. */
  read(): Promise<RecentCounts>;
}

/** What the reader needs. */
interface MinuteReaderDeps {
  readonly store: Pick<MinuteStore, 'listMinutes'>;
  readonly own: OwnMinutes;
  /** The name of this start of the process. */
  readonly writer: string;
  /** Returns the time of the database's clock. */
  readonly nowMs: () => number;
}

/** How many minutes one step of the last day has. */
export const QUARTER = 15;
const HOUR_STEPS = 60;
const DAY_STEPS = 96;
// A replica writes a minute within seconds, and after an outage of the database within an hour.
const OPEN_MINUTES = 5;
const RECENT_MINUTES = 65;
const LATE_ROWS_EVERY_MS = 60_000;
const SAME_WITHIN_MS = 1_000;
// So many rows are read, parsed and added within 5 ms.
const ROWS_A_STEP = 100;

const STEPS_A_TURN = 12;

/** Sums by the number of the minute, or of the quarter of an hour, since 1970. */
type Sums = Map<number, Counts>;

/** Makes the reader. Minutes that no replica writes any more are kept as sums of quarters, and never read again. */
export function createMinuteReader(deps: MinuteReaderDeps): MinuteReader {
  const { nowMs } = deps;
  let underWay: Promise<RecentCounts> | undefined;
  let last: { readonly atMs: number; readonly counts: RecentCounts } | undefined;
  const sums = createSums(deps);
  const read = async (): Promise<RecentCounts> => {
    const minute = Math.floor(nowMs() / MINUTE_MS);
    await sums.refresh(minute);
    const counts = await stepsOf(sums, minute, nowMs());
    last = { atMs: performance.now(), counts };
    return counts;
  };
  return {
    read: () => {
      if (underWay !== undefined) return underWay;
      if (last !== undefined && performance.now() - last.atMs < SAME_WITHIN_MS)
        return Promise.resolve(last.counts);
      underWay = read().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };
}

/** The counts of all replicas, as they were last read. */
interface AllSums {
  /** Reads what may have changed. `minute` is the minute of now. */
  refresh(minute: number): Promise<void>;
  /** Returns the counts of a minute that is not older than {@link RECENT_MINUTES}. */
  ofMinute(minute: number): readonly Counts[];
  /** Returns the counts of the minutes of a quarter. */
  ofQuarter(quarter: number): readonly Counts[];
}

function createSums({ store, own, writer }: MinuteReaderDeps): AllSums {
  const quarters: Sums = new Map();
  let recent: Sums = new Map();
  // All minutes before this one are in `quarters`, and none from it on.
  let recentFrom = 0;
  let readAllAtMs = -Infinity;

  // What this process has counted is taken from its memory, which knows more than its row.
  const addRecent = (sums: Sums, { minute, writer: by, counts }: MinuteRow): void => {
    if (by !== writer || own.find(minute) === undefined) addText(sumIn(sums, minute), counts);
  };
  const readAll = async (minute: number): Promise<void> => {
    const nextFrom = Math.max(recentFrom, minute - RECENT_MINUTES);
    const newRecent: Sums = new Map();
    const newQuarters: Sums = new Map();
    await eachRow(store, Math.max(recentFrom, firstOfDay(minute)), (row) => {
      if (row.minute >= nextFrom) addRecent(newRecent, row);
      else addText(sumIn(newQuarters, quarterOf(row.minute)), row.counts);
    });
    for (const [quarter, sum] of newQuarters) mergeCounts(sumIn(quarters, quarter), sum);
    for (const quarter of quarters.keys())
      if (quarter < quarterOf(firstOfDay(minute))) quarters.delete(quarter);
    recent = newRecent;
    recentFrom = nextFrom;
    readAllAtMs = performance.now();
  };
  const readOpen = async (minute: number): Promise<void> => {
    const from = minute - OPEN_MINUTES + 1;
    const open: Sums = new Map();
    await eachRow(store, from, (row) => addRecent(open, row));
    for (const old of recent.keys()) if (old >= from) recent.delete(old);
    for (const [at, sum] of open) recent.set(at, sum);
  };

  const ofMinute = (minute: number): readonly Counts[] =>
    [recent.get(minute), own.find(minute)].filter((found) => found !== undefined);
  return {
    refresh: (minute) =>
      performance.now() - readAllAtMs < LATE_ROWS_EVERY_MS ? readOpen(minute) : readAll(minute),
    ofMinute,
    ofQuarter: (quarter) => {
      const parts = [quarters.get(quarter)].filter((found) => found !== undefined);
      for (let at = quarter * QUARTER; at < (quarter + 1) * QUARTER; at += 1)
        if (at >= recentFrom) parts.push(...ofMinute(at));
      return parts;
    },
  };
}

async function eachRow(
  store: MinuteReaderDeps['store'],
  fromMinute: number,
  act: (row: MinuteRow) => void,
): Promise<void> {
  let after: MinuteKey | undefined;
  for (;;) {
    const rows = await store.listMinutes(fromMinute, ROWS_A_STEP, after);
    await nextTurn();
    for (const row of rows) act(row);
    after = rows.at(-1);
    if (rows.length < ROWS_A_STEP) return;
  }
}

async function stepsOf(sums: AllSums, minute: number, nowMs: number): Promise<RecentCounts> {
  const quarter = quarterOf(minute);
  const hour = await steps(HOUR_STEPS, (ago) => toStep(minute - ago, 1, sums.ofMinute(minute - ago)));
  const day = await steps(DAY_STEPS, (ago) => toStep(quarter - ago, QUARTER, sums.ofQuarter(quarter - ago)));
  return { nowMs, hour, day };
}

// Oldest first. The counts of many failing webhooks take a while to add.
async function steps(count: number, make: (ago: number) => CountedStep): Promise<readonly CountedStep[]> {
  const made: CountedStep[] = [];
  for (let ago = count - 1; ago >= 0; ago -= 1) {
    if (ago % STEPS_A_TURN === 0) await nextTurn();
    made.push(make(ago));
  }
  return made;
}

function toStep(number: number, minutes: number, parts: readonly Counts[]): CountedStep {
  const counts = createCounts();
  for (const part of parts) mergeCounts(counts, part);
  return { startMs: number * minutes * MINUTE_MS, counts };
}

function sumIn(sums: Sums, number: number): Counts {
  const found = sums.get(number) ?? createCounts();
  sums.set(number, found);
  return found;
}

function quarterOf(minute: number): number {
  return Math.floor(minute / QUARTER);
}

function firstOfDay(minute: number): number {
  return (quarterOf(minute) - DAY_STEPS + 1) * QUARTER;
}
