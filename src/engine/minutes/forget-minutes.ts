import type { MinuteStore } from '../../store/minute-store.ts';
import { MINUTE_MS } from './own-minutes.ts';

// The longest time that is shown is a day, and its first step may have begun 15 minutes earlier.
const KEPT_MINUTES = 25 * 60;
const ROWS_A_STEP = 100;

/** Deletes the minutes that are older than 25 hours, in small steps. `nowMs` is the time of the database's clock. */
export async function forgetMinutes(
  store: Pick<MinuteStore, 'deleteMinutes'>,
  nowMs: number,
  isStopped: () => boolean,
): Promise<void> {
  const before = Math.floor(nowMs / MINUTE_MS) - KEPT_MINUTES;
  while (!isStopped() && (await store.deleteMinutes(before, ROWS_A_STEP)) > 0);
}
