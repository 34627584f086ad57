import { setTimeout as wait } from 'node:timers/promises';
import type { MinuteStore } from '../../store/minute-store.ts';
import { toText } from './counts-text.ts';
import type { OwnMinutes } from './own-minutes.ts';

/** Writes what this process counted. */
export interface MinuteWriter {
  /**
   * Writes the whole counts of each minute of the last hour that has changed since it was written. So a repeat is harmless,
   * and the next call makes up for one that rejects.
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
const ROWS_A_WRITE = 10;

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

async function writeAll({ store, own, writer }: MinuteWriterDeps): Promise<void> {
  const left = [...own.unwritten()];
  while (left.length > 0) {
    const now = left.splice(0, ROWS_A_WRITE).map((minute) => ({ minute, changes: minute.changes }));
    await store.writeMinutes(
      now.map(({ minute: { minute, counts } }) => ({ minute, writer, counts: toText(counts) })),
    );
    for (const { minute, changes } of now) minute.writtenChanges = changes;
  }
}
