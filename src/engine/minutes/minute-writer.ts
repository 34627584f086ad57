import { setTimeout as wait } from 'node:timers/promises';
import type { MinuteRow, MinuteStore } from '../../store/minute-store.ts';
import { toText } from './counts-text.ts';
import { sumOf } from './counts.ts';
import type { OwnMinute, OwnMinutes } from './own-minutes.ts';

/** Writes what this process counted. */
export interface MinuteWriter {
  /**
   * Writes the whole counts of each minute of the last hour that has changed since it was written, and those of its quarter
   * of an hour. So a repeat is harmless, and the next call makes up for one that rejects.
   */
  write(): Promise<void>;
  /** Writes what is left, for two seconds at most. Never rejects. */
  writeLast(): Promise<void>;
}

/** What the writer needs. */
interface MinuteWriterDeps {
  readonly store: Pick<MinuteStore, 'writeMinutes'>;
  readonly own: OwnMinutes;
  /** The name of this start of the process. */
  readonly writer: string;
  readonly onError: (error: unknown) => void;
}

const LAST_WRITE_MS = 2_000;
// After an outage there is an hour to write.
const MINUTES_A_WRITE = 10;
const QUARTER = 15;

/** Makes the writer. One write begins when the one before has ended, so that no older counts replace newer ones. */
export function createMinuteWriter(deps: MinuteWriterDeps): MinuteWriter {
  let underWay: Promise<unknown> = Promise.resolve();
  const write = (): Promise<void> => {
    const written = underWay.then(() => writeAll(deps));
    underWay = written.catch(() => undefined);
    return written;
  };
  return {
    write,
    writeLast: () =>
      Promise.race([write().catch(deps.onError), wait(LAST_WRITE_MS, undefined, { ref: false })]),
  };
}

async function writeAll(deps: MinuteWriterDeps): Promise<void> {
  const left = [...deps.own.unwritten()];
  while (left.length > 0) {
    const now = left.splice(0, MINUTES_A_WRITE).map((own) => ({ own, changes: own.changes }));
    await deps.store.writeMinutes(
      toRows(
        deps,
        now.map(({ own }) => own),
      ),
    );
    for (const { own, changes } of now) own.writtenChanges = changes;
  }
}

// Whoever reads a day reads a row for each quarter of an hour, and not fifteen.
function toRows({ own, writer }: MinuteWriterDeps, minutes: readonly OwnMinute[]): readonly MinuteRow[] {
  const firsts = new Set(minutes.map(({ minute }) => minute - (minute % QUARTER)));
  return [
    ...minutes.map(({ minute, counts }) => ({ span: 1, minute, writer, counts: toText(counts) }) as const),
    ...Array.from(firsts, (minute) => {
      const counts = toText(sumOf(own.within(minute, QUARTER)));
      return { span: QUARTER, minute, writer, counts } as const;
    }),
  ];
}
