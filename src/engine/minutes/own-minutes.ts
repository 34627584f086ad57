import { WEBHOOKS_A_ROW } from './counts-text.ts';
import { createCounts, type Counts } from './counts.ts';

/** What this process counted in one minute. */
export interface OwnMinute {
  /** Minutes since 1970, by the database's clock. */
  readonly minute: number;
  readonly counts: Counts;
  /** How often something was counted. */
  changes: number;
  /** The value of `changes` at the last write. */
  writtenChanges: number;
}

/** What this process counted in each of the last minutes. */
export interface OwnMinutes {
  /** Returns the minute of now, and notes that something is counted in it. */
  change(): Counts;
  /** Returns the counts of a minute, if something was counted in it and it is not too old. */
  find(minute: number): Counts | undefined;
  /** Returns the minutes of the last hour with counts that are not written yet, oldest first. */
  unwritten(): readonly OwnMinute[];
}

/** The length of a minute in milliseconds. */
export const MINUTE_MS = 60_000;
/** For so many minutes counts are kept that the database does not take. */
const WRITTEN_WITHIN = 60;
// The reader asks for a minute until it is older than RECENT_MINUTES (minute-reader.ts), and that is less.
const KEPT_MINUTES = 75;

/** Makes the counts of this process. `nowMs` is the time by the database's clock. */
export function createOwnMinutes(nowMs: () => number): OwnMinutes {
  const minutes = new Map<number, OwnMinute>();
  let latest: OwnMinute | undefined;
  const begin = (minute: number): OwnMinute => {
    latest?.counts.webhooks.cutTo(WEBHOOKS_A_ROW);
    const found = minutes.get(minute) ?? { minute, counts: createCounts(), changes: 0, writtenChanges: 0 };
    minutes.set(minute, found);
    const [oldest] = minutes.keys();
    if (minutes.size > KEPT_MINUTES && oldest !== undefined) minutes.delete(oldest);
    return found;
  };
  return {
    change: () => {
      const minute = Math.floor(nowMs() / MINUTE_MS);
      if (latest?.minute !== minute) latest = begin(minute);
      latest.changes += 1;
      return latest.counts;
    },
    find: (minute) => minutes.get(minute)?.counts,
    unwritten: () => {
      const oldest = Math.floor(nowMs() / MINUTE_MS) - WRITTEN_WITHIN;
      return [...minutes.values()]
        .filter(({ minute, changes, writtenChanges }) => minute > oldest && changes !== writtenChanges)
        .toSorted((a, b) => a.minute - b.minute);
    },
  };
}
