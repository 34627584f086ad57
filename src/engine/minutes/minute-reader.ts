import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Span } from '../../store/minute-store.ts';
import { createCounts, mergeCounts, type Counts } from './counts.ts';
import { MINUTE_MS } from './own-minutes.ts';
import { createSpanSums, type SpanSums, type SpanSumsDeps } from './span-sums.ts';

/** The counts of one step of a time. */
export interface CountedStep {
  /** When the step begins, in epoch milliseconds of the database's clock. */
  readonly startMs: number;
  readonly counts: Counts;
}

/** The steps of a time, oldest first. The last one is not over. */
export interface CountedPeriod {
  readonly stepMinutes: number;
  readonly steps: readonly CountedStep[];
  /** The counts of all steps together. */
  readonly sum: Counts;
}

/** What all replicas counted. */
export interface RecentCounts {
  /** When it was read, by the database's clock. */
  readonly nowMs: number;
  /** The last 60 minutes. */
  readonly hour: CountedPeriod;
  /** The last 96 quarters of an hour. */
  readonly day: CountedPeriod;
}

/** Reads what all replicas counted. */
export interface MinuteReader {
  /** Returns the counts of the last hour and day. Within two seconds everybody gets the same ones. */
  read(): Promise<RecentCounts>;
}

/** What the reader needs. */
interface MinuteReaderDeps extends SpanSumsDeps {
  /** Returns the time of the database's clock. */
  readonly nowMs: () => number;
  /** Returns the milliseconds since some instant, by a clock that nobody sets. */
  readonly elapsedMs: () => number;
}

const HOUR = { span: 1, steps: 60 } as const;
const DAY = { span: 15, steps: 96 } as const;
// Rows come every 10 s. Two queries in two seconds are one a second.
const SAME_WITHIN_MS = 2_000;
const READ_ALL_EVERY_MS = 60_000;
// The counts of many failing webhooks take a while to add.
const STEPS_A_TURN = 6;

/** Makes the reader. Who comes while it reads gets what it finds. */
export function createMinuteReader(deps: MinuteReaderDeps): MinuteReader {
  const { elapsedMs } = deps;
  const minutes = createSpanSums(deps, HOUR.span, HOUR.steps);
  const quarters = createSpanSums(deps, DAY.span, DAY.steps);
  let underWay: Promise<RecentCounts> | undefined;
  let last: { readonly atMs: number; readonly counts: RecentCounts } | undefined;
  let readAllAtMs = -Infinity;

  const refresh = async (minute: number): Promise<void> => {
    const startedAtMs = elapsedMs();
    const isAll = startedAtMs - readAllAtMs >= READ_ALL_EVERY_MS;
    for (const sums of [minutes, quarters]) await (isAll ? sums.readAll(minute) : sums.readOpen(minute));
    if (isAll) readAllAtMs = startedAtMs;
  };
  const read = async (): Promise<RecentCounts> => {
    const nowMs = deps.nowMs();
    const minute = Math.floor(nowMs / MINUTE_MS);
    await refresh(minute);
    const hour = await toPeriod(minutes, HOUR, minute);
    const day = await toPeriod(quarters, DAY, minute);
    last = { atMs: elapsedMs(), counts: { nowMs, hour, day } };
    return last.counts;
  };
  return {
    read: () => {
      if (underWay !== undefined) return underWay;
      if (last !== undefined && elapsedMs() - last.atMs < SAME_WITHIN_MS) return Promise.resolve(last.counts);
      underWay = read().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };
}

async function toPeriod(
  sums: SpanSums,
  { span, steps }: { readonly span: Span; readonly steps: number },
  minute: number,
): Promise<CountedPeriod> {
  const made: CountedStep[] = [];
  const sum = createCounts();
  for (let at = 0; at < steps; at += 1) {
    if (at % STEPS_A_TURN === 0) await nextTurn();
    const first = (Math.floor(minute / span) - steps + 1 + at) * span;
    const counts = sums.ofStep(first);
    mergeCounts(sum, counts);
    made.push({ startMs: first * MINUTE_MS, counts });
  }
  return { stepMinutes: span, steps: made, sum };
}
