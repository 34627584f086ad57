import type { MinuteStore, Span } from '../../store/minute-store.ts';
import { MINUTE_MS } from './own-minutes.ts';

// The hour is shown by the minute, and the day by quarters of an hour. Each has some time more, so that nobody misses a row
// whose clock is a little behind.
const KEPT_MINUTES: Readonly<Record<Span, number>> = { 1: 2 * 60, 15: 25 * 60 };
const ROWS_A_STEP = 100;

/** Deletes the counts that nobody asks for any more, in small steps. `nowMs` is the time of the database's clock. */
export async function forgetMinutes(
  store: Pick<MinuteStore, 'deleteMinutes'>,
  nowMs: number,
  isStopped: () => boolean,
): Promise<void> {
  const minute = Math.floor(nowMs / MINUTE_MS);
  for (const span of [1, 15] as const) {
    const before = minute - KEPT_MINUTES[span];
    while (!isStopped() && (await store.deleteMinutes(span, before, ROWS_A_STEP)) > 0);
  }
}
