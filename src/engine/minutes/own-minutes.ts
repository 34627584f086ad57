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
  /** Returns the counts of the minute of now, and notes that they change. */
  change(): Counts;
  /** Returns the counts of those of `span` minutes, from a first one on, in which something was counted. */
  within(firstMinute: number, span: number): readonly Counts[];
  /** Returns the minutes of the last hour with counts that are not written yet, oldest first. */
  unwritten(): readonly OwnMinute[];
}

/** The length of a minute in milliseconds. */
export const MINUTE_MS = 60_000;
/** For so many minutes counts are kept that the database does not take. */
export const WRITTEN_WITHIN = 60;
// A quarter of an hour is written whole, also when only its last minute is within the hour.
const KEPT_MINUTES = WRITTEN_WITHIN + 2 * 15;

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
    within: (firstMinute, span) => {
      const found: Counts[] = [];
      for (let minute = firstMinute; minute < firstMinute + span; minute += 1) {
        const own = minutes.get(minute);
        if (own !== undefined) found.push(own.counts);
      }
      return found;
    },
    unwritten: () => {
      const oldest = Math.floor(nowMs() / MINUTE_MS) - WRITTEN_WITHIN;
      return [...minutes.values()]
        .filter(({ minute, changes, writtenChanges }) => minute > oldest && changes !== writtenChanges)
        .toSorted((a, b) => a.minute - b.minute);
    },
  };
}
